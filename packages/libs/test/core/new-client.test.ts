import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, it } from 'node:test'
import { CozyClient, cozyClient, type FetchError, Q } from '../../src/cozy-client/index.ts'
import { indexName } from '../../src/cozy-client/new/mango.ts'
import { setManifest } from '../../src/manifest.ts'
import { openHouse } from './house.ts'

const BILLS = 'io.cozy.bills'
const FILES = 'io.cozy.files'
const ROOT = 'io.cozy.files.root-dir'
const client: CozyClient = cozyClient.new

const bills = (count: number) =>
  Array.from({ length: count }, (_, n) => ({ _id: `b${n}`, n, vendor: n % 2 ? 'acme' : 'other' }))

afterEach(() => setManifest(undefined))

describe('cozyClient.new.query', () => {
  it('gives one document by id, with its doctype', async () => {
    await using _house = await openHouse({ fixture: { [BILLS]: bills(3) } })
    const { data } = await client.query(Q(BILLS).getById('b1'))
    assert.deepEqual([data.id, data._id, data._type, data.n], ['b1', 'b1', BILLS, 1])
    assert.deepEqual(await client.query(Q(BILLS).getById('nope')), { data: null })
    assert.deepEqual(await client.query(Q('io.cozy.nothing').getById('nope')), { data: null })
    await assert.rejects(client.query(Q(FILES).getById('nope')), (error: FetchError) => error.status === 404)
    assert.throws(() => Q(BILLS).getById(''), /undefined id/)
  })

  it('gives those of some ids that exist', async () => {
    await using _house = await openHouse({ fixture: { [BILLS]: bills(3) } })
    const { data } = await client.query(Q(BILLS).getByIds(['b2', 'zz', 'b0']))
    assert.deepEqual(
      data.map((doc: { _id: string }) => doc._id),
      ['b2', 'b0'],
    )
  })

  it('follows where, sortBy, select, limitBy and offset', async () => {
    await using _house = await openHouse({ fixture: { [BILLS]: bills(6) } })
    const all = await client.query(
      Q(BILLS)
        .where({ vendor: 'acme', n: { $gt: 1 } })
        .indexFields(['vendor', 'n']),
    )
    assert.deepEqual(
      all.data.map((doc: { n: number }) => doc.n),
      [3, 5],
    )
    assert.equal(all.next, false)
    const sorted = await client.query(
      Q(BILLS)
        .where({ n: { $gt: null } })
        .sortBy([{ n: 'desc' }])
        .limitBy(2)
        .offset(1)
        .select(['n']),
    )
    assert.deepEqual(
      sorted.data.map((doc: { n: number }) => doc.n),
      [4, 3],
    )
    assert.equal(sorted.data[0].vendor, undefined)
    assert.equal(sorted.next, true)
    assert.throws(() => Q(BILLS).sortBy('n' as never), /Invalid sort/)
    await assert.rejects(client.query(Q(BILLS).sortBy([{ n: 'asc' }, { vendor: 'desc' }])), /single order/)
  })

  it('finds with a partial index only what is in it', async () => {
    await using house = await openHouse({ fixture: { [BILLS]: bills(6) } })
    const query = Q(BILLS)
      .where({ n: { $gt: 1 } })
      .partialIndex({ vendor: 'acme' })
      .indexFields(['n'])
    assert.deepEqual(
      (await client.queryAll(query)).map(doc => doc.n),
      [3, 5],
    )
    const body = house.requests.find(({ path }) => path.includes('_find'))?.body as { use_index: string }
    assert.equal(body.use_index, '_design/by_n_filter_(vendor_acme)')
  })

  it('without selector gives a page of all; a doctype without documents is empty', async () => {
    await using _house = await openHouse({ fixture: { [BILLS]: bills(3) } })
    const page = await client.query(Q(BILLS))
    assert.equal(page.data.length, 3)
    assert.equal(page.meta?.count, 3)
    assert.deepEqual((await client.query(Q('io.cozy.none'))).data, [])
    assert.deepEqual((await client.query(Q('io.cozy.none').where({ a: 1 }))).data, [])
  })

  it('takes definitions of another copy of cozy-client', async () => {
    await using _house = await openHouse({ fixture: { [BILLS]: bills(3) } })
    const foreign = {
      doctype: BILLS,
      selector: { n: 2 },
      toDefinition: () => ({ doctype: BILLS, selector: { n: 2 }, id: undefined }),
    }
    assert.deepEqual(
      (await client.query(foreign as never)).data.map((doc: { n: number }) => doc.n),
      [2],
    )
  })

  it('includes the documents of relationships', async () => {
    const fixture = {
      [BILLS]: [{ _id: 'b1', relationships: { contract: { data: { _type: 'io.cozy.contracts', _id: 'c1' } } } }],
      'io.cozy.contracts': [{ _id: 'c1', label: 'Phone' }],
    }
    await using _house = await openHouse({ fixture })
    const answer = await client.query(Q(BILLS).include(['contract']))
    assert.deepEqual(
      answer.included?.map(doc => doc.label),
      ['Phone'],
    )
  })

  it('finds files, by id, by selector and by reference', async () => {
    await using _house = await openHouse()
    const file = await cozyClient.files.create('x', {
      name: 'x.txt',
      dirID: ROOT,
      metadata: { fileIdAttributes: 'k1' },
    })
    const byId = await client.query(Q(FILES).getById(file._id))
    assert.deepEqual([byId.data.name, byId.data.attributes.name, byId.data._type], ['x.txt', 'x.txt', FILES])
    const query = Q(FILES)
      .where({ metadata: { fileIdAttributes: 'k1' } })
      .partialIndex({ trashed: false })
      .indexFields(['metadata.fileIdAttributes'])
    assert.deepEqual(
      (await client.query(query)).data.map((doc: { _id: string }) => doc._id),
      [file._id],
    )
    assert.deepEqual(
      (await client.queryAll(query)).map(doc => doc._id),
      [file._id],
    )
    const album = { _type: 'io.cozy.photos.albums', _id: 'album' }
    assert.deepEqual((await client.query(Q(FILES).referencedBy(album))).data, [])
    await client.collection(FILES).addReferencesTo(album, [{ _id: file._id }])
    assert.equal((await client.query(Q(FILES).referencedBy(album))).data[0].name, 'x.txt')
    assert.equal((await client.queryAll(Q(FILES).referencedBy(album))).length, 1)
  })
})

describe('cozyClient.new.queryAll', () => {
  it('gives every page, in as few requests as may be', async () => {
    await using house = await openHouse({ fixture: { [BILLS]: bills(2500) } })
    assert.equal((await client.queryAll(Q(BILLS))).length, 2500)
    assert.equal((await client.queryAll(Q(BILLS).where({ vendor: 'acme' }))).length, 1250)
    assert.ok(house.requests.length <= 7, `${house.requests.length} requests`)
  })
})

describe('cozyClient.new.save', () => {
  it('creates and updates, with metadata of the konnector', async () => {
    await using _house = await openHouse()
    setManifest({ slug: 'acme', version: '1.2.3' })
    const { data: created } = await client.save({ _type: BILLS, amount: 1 })
    assert.equal(created._type, BILLS)
    assert.equal(created.cozyMetadata?.createdByApp, 'acme')
    assert.equal(created.cozyMetadata?.createdByAppVersion, '1.2.3')
    assert.equal(created.cozyMetadata?.updatedByApps?.length, 1)
    setManifest({ slug: 'other' })
    const { data: updated } = await client.save({ ...created, amount: 2 })
    assert.equal(updated.amount, 2)
    assert.equal(updated.cozyMetadata?.createdByApp, 'acme')
    assert.deepEqual(
      updated.cozyMetadata?.updatedByApps?.map(app => app.slug),
      ['acme', 'other'],
    )
    const { data: fixed } = await client.create(BILLS, { _id: 'fixed' })
    assert.equal(fixed._id, 'fixed')
    await assert.rejects(client.save({ ...created, amount: 3 }), (error: FetchError) => error.status === 409)
    await assert.rejects(client.save({} as never), /_type/)
  })

  it('writes many in one request, and says what became of each', async () => {
    await using house = await openHouse()
    const { data } = await client.saveAll(bills(5).map(({ _id, ...doc }) => ({ ...doc, _type: BILLS })))
    assert.equal(house.requests.length, 1)
    assert.deepEqual(
      data.map(({ n, _type, _rev }) => [n, _type, _rev?.slice(0, 2)]),
      [0, 1, 2, 3, 4].map(n => [n, BILLS, '1-']),
    )
    assert.equal((await client.query(Q(BILLS).getById(data[3]?._id as string))).data.n, 3)
    const stale = { ...data[0], _rev: '1-stale', n: 9, _type: BILLS }
    assert.equal((await client.saveAll([stale as never])).data[0]?._rev, '1-stale')
    assert.deepEqual(await client.saveAll([]), { data: [] })
    const found = await client.collection(BILLS).findAll({ n: { $gt: 2 } })
    assert.deepEqual(found.map(doc => doc.n).sort(), [3, 4])
    await assert.rejects(client.saveAll([{ _type: 'io.cozy.a' }, { _type: 'io.cozy.b' }]), /same doctype/)
  })

  it('destroys', async () => {
    await using _house = await openHouse()
    const { data } = await client.save({ _type: BILLS })
    assert.equal((await client.destroy(data)).data._deleted, true)
    assert.equal((await client.query(Q(BILLS).getById(data._id))).data, null)
  })

  it('uploads files, new and again', async () => {
    await using house = await openHouse()
    const draft = { _type: FILES, type: 'file', data: 'one', name: 'a.txt', dirId: ROOT, metadata: { a: 1 } }
    const { data: created } = await client.save(draft)
    assert.deepEqual([created.name, created.metadata?.a], ['a.txt', 1])
    const again = { _type: FILES, _id: created._id, name: 'b.txt', data: Buffer.from('two!') }
    const { data: replaced } = await client.save(again)
    assert.deepEqual([replaced.name, Number(replaced.size)], ['b.txt', 4])
    assert.equal(await readFile(join(house.folder, 'data/b.txt'), 'utf8'), 'two!')
    const { data: renamed } = await client.save({ ...replaced, name: 'c.txt' })
    assert.equal(renamed.name, 'c.txt')
  })
})

describe("cozyClient.new.collection('io.cozy.files')", () => {
  const files = client.collection(FILES)

  it('finds, makes directories, changes metadata, deletes for good', async () => {
    await using _house = await openHouse()
    const { data: directory } = await files.createDirectoryByPath('/a/b')
    assert.equal(directory.path, '/a/b')
    assert.equal((await files.statByPath('/a/b')).data._id, directory._id)
    assert.equal(await files.ensureDirectoryExists('/a/b'), directory._id)
    assert.equal((await files.getDirectoryOrCreate('c', directory)).data.path, '/a/b/c')
    const { data: file } = await files.create({ name: 'x.txt', dirId: directory._id, data: 'text' })
    assert.equal((await files.get(file._id)).data.name, 'x.txt')
    const { data: described } = await files.updateMetadataAttribute(file._id, { datetime: '2024-01-01' })
    assert.deepEqual(described.metadata, { datetime: '2024-01-01' })
    assert.equal((await files.updateAttributes(file._id, { name: 'y.txt' })).data.name, 'y.txt')
    assert.equal(await (await files.fetchFileContentById(file._id)).text(), 'text')
    const album = { _type: 'io.cozy.albums', _id: 'al' }
    await files.addReferencedBy(file, [album])
    const referenced = await files.findReferencedBy(album)
    assert.equal(referenced.included?.length, 1)
    assert.deepEqual([referenced.data[0]?._id, referenced.data[0]?._type], [file._id, FILES])
    assert.equal((await files.findAll({ name: 'y.txt' }))[0]?._id, file._id)
    assert.equal((await files.deleteFilePermanently(file._id)).name, 'y.txt')
    const error = await files.statById(file._id).catch(error => error)
    assert.equal(JSON.parse(error.message).errors[0].status, '404')
  })

  it('of other doctypes: get, create, createIndex, find', async () => {
    await using _house = await openHouse()
    const collection = client.collection(BILLS)
    const { data } = await collection.create({ n: 4 })
    assert.equal((await collection.get(data._id)).data?.n, 4)
    assert.equal((await collection.update({ ...data, n: 5 })).data.n, 5)
    const index = await collection.createIndex(['n'])
    assert.equal(index.id, '_design/by_n')
    assert.equal((await collection.find({ n: 5 })).data.length, 1)
    await collection.destroyAll((await collection.all()).data)
    assert.deepEqual((await collection.all()).data, [])
  })
})

describe('cozyClient.new', () => {
  it('names indexes as cozy-client does', () => {
    assert.equal(indexName(['a.b', 'c'], { trashed: false }), 'by_a.b_and_c_filter_(trashed_false)')
  })

  it('offers the lower layer', async () => {
    await using _house = await openHouse()
    assert.equal(client.stackClient.uri, 'http://house.test')
    const answer = await client.getStackClient().fetchJSON('GET', `/files/${ROOT}`)
    assert.equal(answer.attributes.path, '/')
  })

  it('needs no environment to be read', () => {
    assert.equal(client.appMetadata.sourceAccount, undefined)
    assert.ok(new CozyClient().models)
  })
})
