import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { describe, it } from 'node:test'
import { cozyClient, FetchError } from '../../src/cozy-client/index.ts'
import { openHouse } from './house.ts'

const BILLS = 'io.cozy.bills'
const ROOT = 'io.cozy.files.root-dir'

/** The error a promise rejects with. */
const failure = async (promise: Promise<unknown>): Promise<FetchError> => {
  try {
    await promise
  } catch (error) {
    return error as FetchError
  }
  throw new Error('it did not fail')
}

describe('cozyClient.data', () => {
  it('creates with an id of the stack, or of the caller, which is removed from the argument', async () => {
    await using house = await openHouse()
    const created = await cozyClient.data.create(BILLS, { amount: 1 })
    assert.equal(created.amount, 1)
    assert.ok(created._id && created._rev.startsWith('1-'))
    const given = { _id: 'b1', amount: 2 }
    const fixed = await cozyClient.data.create(BILLS, given)
    assert.equal(fixed._id, 'b1')
    assert.equal('_id' in given, false)
    assert.deepEqual(
      house.requests.map(({ method, path }) => `${method} ${path}`),
      ['POST /data/io.cozy.bills/', 'PUT /data/io.cozy.bills/b1'],
    )
    const error = await failure(cozyClient.data.create(BILLS, { _id: 'b1' }))
    assert.equal(error.status, 409)
  })

  it('finds, and says 404 as a FetchError with the body as message', async () => {
    await using _house = await openHouse({ fixture: { [BILLS]: [{ _id: 'b1', amount: 3 }] } })
    assert.equal((await cozyClient.data.find(BILLS, 'b1')).amount, 3)
    const error = await failure(cozyClient.data.find(BILLS, 'nope'))
    assert.ok(error instanceof FetchError)
    assert.equal(error.name, 'FetchError')
    assert.equal(error.status, 404)
    assert.deepEqual(JSON.parse(error.message), error.reason)
    assert.ok(error.message.includes('not_found'))
    assert.equal(error.url, 'http://house.test/data/io.cozy.bills/nope')
    assert.equal(error.response.status, 404)
    assert.equal((await failure(cozyClient.data.find(BILLS, ''))).message, 'Missing id parameter')
  })

  it('finds many and all; no document yet is no error; indexes are left out', async () => {
    await using _house = await openHouse()
    assert.deepEqual(await cozyClient.data.findAll(BILLS), [])
    assert.deepEqual(await cozyClient.data.findMany(BILLS, []), {})
    assert.ok((await cozyClient.data.findMany(BILLS, ['x'])).x?.error)
    for (const _id of ['a', 'b']) await cozyClient.data.create(BILLS, { _id })
    await cozyClient.data.defineIndex(BILLS, ['date'])
    assert.deepEqual(
      (await cozyClient.data.findAll(BILLS)).map(doc => doc._id),
      ['a', 'b'],
    )
    const many = await cozyClient.data.findMany(BILLS, ['b', 'z'])
    assert.equal(many.b?.doc?._id, 'b')
    assert.equal(many.z?.error, 'not_found')
  })

  it('updates as a whole, and attributes by merging', async () => {
    await using _house = await openHouse()
    const doc = await cozyClient.data.create(BILLS, { a: 1, b: 1 })
    const whole = await cozyClient.data.update(BILLS, doc, { a: 2 })
    assert.deepEqual([whole.a, whole.b], [2, undefined])
    const merged = await cozyClient.data.updateAttributes(BILLS, doc._id, { b: 3 })
    assert.deepEqual([merged.a, merged.b, merged._id], [2, 3, doc._id])
    assert.equal((await failure(cozyClient.data.update(BILLS, doc, {}))).status, 409)
    assert.match((await failure(cozyClient.data.update(BILLS, {}, {}))).message, /Missing _id/)
    assert.match((await failure(cozyClient.data.update(BILLS, { _id: 'x' }, {}))).message, /Missing _rev/)
  })

  it('tries updateAttributes four times in all', async () => {
    await using house = await openHouse()
    assert.equal((await failure(cozyClient.data.updateAttributes(BILLS, 'nope', {}))).status, 404)
    assert.equal(house.requests.length, 4)
  })

  it('deletes', async () => {
    await using _house = await openHouse()
    const doc = await cozyClient.data.create(BILLS, { a: 1 })
    const answer = await cozyClient.data.delete(BILLS, doc)
    assert.equal(answer.id, doc._id)
    assert.equal(answer.deleted, true)
    assert.equal((await failure(cozyClient.data.find(BILLS, doc._id))).status, 404)
    assert.match((await failure(cozyClient.data.delete(BILLS, { _id: 'x' }))).message, /Missing _rev/)
  })

  it('queries an index: documents, or the whole answer', async () => {
    await using _house = await openHouse()
    for (const n of [1, 2, 3]) await cozyClient.data.create(BILLS, { n, vendor: 'acme' })
    const index = await cozyClient.data.defineIndex(BILLS, ['vendor', 'n'])
    assert.deepEqual({ ...index, name: '' }, { doctype: BILLS, type: 'mango', name: '', fields: ['vendor', 'n'] })
    const selector = { vendor: 'acme', n: { $gt: 1 } }
    assert.deepEqual(
      (await cozyClient.data.query(index, { selector })).map(doc => doc.n),
      [2, 3],
    )
    const whole = await cozyClient.data.query(index, { selector, wholeResponse: true, limit: 1 })
    assert.equal(whole.docs.length, 1)
    assert.equal(whole.next, true)
    const last = await cozyClient.data.query(index, { selector, descending: true, limit: 1 })
    assert.equal(last[0]?.n, 3)
    await assert.rejects(cozyClient.data.defineIndex(BILLS, []), /non-empty array/)
  })

  it('keeps references of files', async () => {
    await using _house = await openHouse()
    const file = await cozyClient.files.create('x', { name: 'x.txt', dirID: ROOT })
    const album = { _type: 'io.cozy.photos.albums', _id: 'album1' }
    await cozyClient.data.addReferencedFiles(album, file._id)
    assert.deepEqual(await cozyClient.data.listReferencedFiles(album), [file._id])
    const answer = await cozyClient.data.fetchReferencedFiles(album)
    assert.equal(answer.included?.[0]?.id, file._id)
    await cozyClient.data.removeReferencedFiles(album, [file._id])
    assert.deepEqual(await cozyClient.data.listReferencedFiles(album), [])
  })

  it('knows old short names of doctypes, and refuses others', async () => {
    await using house = await openHouse()
    await cozyClient.data.findAll('contact')
    assert.match(house.requests[0]?.path ?? '', /^\/data\/io\.cozy\.contacts\/_all_docs/)
    await assert.rejects(cozyClient.data.findAll('bills'), /should be qualified/)
  })
})

describe('cozyClient.files', () => {
  it('hands out JSON:API objects', async () => {
    await using _house = await openHouse()
    const directory = await cozyClient.files.createDirectory({ name: ' Bills ', dirID: ROOT })
    assert.equal(directory.isDir, true)
    assert.equal(directory.attributes.path, '/Bills')
    assert.equal(directory._type, 'io.cozy.files')
    const file = await cozyClient.files.create('content', { name: 'a.txt', dirID: directory._id })
    assert.equal(file.isDir, false)
    assert.equal(file.attributes.name, 'a.txt')
    assert.equal(String(file.attributes.size), '7')
    assert.ok(file._rev && file.links.self && file.relationships)
    const byPath = await cozyClient.files.statByPath('/Bills/a.txt')
    assert.equal(byPath._id, file._id)
    const byId = await cozyClient.files.statById(directory._id, false)
    const contents = byId.relations('contents')
    assert.ok(Array.isArray(contents) && contents[0]?.attributes.name === 'a.txt')
    assert.equal(byId.relations('nothing'), undefined)
  })

  it('says 404 in a form that callers parse, 409 for a taken name', async () => {
    await using _house = await openHouse()
    const absent = await failure(cozyClient.files.statByPath('/nope'))
    assert.equal(absent.status, 404)
    assert.equal(JSON.parse(absent.message).errors[0].status, '404')
    await cozyClient.files.create('x', { name: 'a.txt', dirID: ROOT })
    assert.equal((await failure(cozyClient.files.create('y', { name: 'a.txt', dirID: ROOT }))).status, 409)
  })

  it('takes every kind of content, and of a Buffer exactly its bytes', async () => {
    await using house = await openHouse()
    const pooled = Buffer.from('pooled')
    // Like a pdfjs document: pipes, but is no Node stream.
    const piping = {
      readable: true,
      pipe: (target: PassThrough) => {
        target.write('pi')
        target.end('ped!')
      },
    }
    const contents: Record<string, unknown> = {
      string: 'string',
      buffer: pooled,
      view: new DataView(pooled.buffer, pooled.byteOffset, 6),
      array: new TextEncoder().encode('array!').buffer,
      blob: new Blob(['blob!!']),
      stream: Readable.from([Buffer.from('str'), Buffer.from('eam')]),
      web: new Response('web!!!').body,
      piping,
    }
    for (const [name, content] of Object.entries(contents)) {
      const file = await cozyClient.files.create(content as string, { name, dirID: ROOT })
      assert.equal(Number(file.attributes.size), 6, name)
      const saved = await readFile(join(house.folder, 'data', name), 'utf8')
      assert.equal(saved.length, 6, name)
    }
    assert.equal(await readFile(join(house.folder, 'data', 'buffer'), 'utf8'), 'pooled')
    assert.equal(await readFile(join(house.folder, 'data', 'piping'), 'utf8'), 'piped!')
    await assert.rejects(cozyClient.files.create(undefined as never, { name: 'x' }), /missing data argument/)
    await assert.rejects(cozyClient.files.create(12 as never, { name: 'x' }), /invalid data type/)
    await assert.rejects(cozyClient.files.create('x', {}), /missing name argument/)
  })

  it('an upload whose source fails is refused, not left waiting', async () => {
    await using _house = await openHouse()
    const source = new Readable({ read() {} })
    source.push('begun')
    setImmediate(() => source.destroy(new Error('vendor went away')))
    await assert.rejects(cozyClient.files.create(source, { name: 'x.bin', dirID: ROOT }))
    assert.equal((await failure(cozyClient.files.statByPath('/x.bin'))).status, 404)
  })

  it('sends what is said of a file', async () => {
    await using house = await openHouse()
    const file = await cozyClient.files.create('x', {
      name: 'a.pdf',
      dirID: ROOT,
      contentType: 'application/pdf',
      metadata: { datetime: '2024-01-02', carbonCopy: true },
      lastModifiedDate: '2020-05-06T07:08:09.000Z',
      sourceAccount: 'acc1',
      sourceAccountIdentifier: 'me&you@mail.net',
      executable: true,
    })
    const { attributes } = file
    assert.equal(attributes.mime, 'application/pdf')
    assert.equal(attributes.metadata?.datetime, '2024-01-02')
    assert.equal(attributes.executable, true)
    assert.equal(new Date(attributes.created_at as string).getTime(), Date.parse('2020-05-06T07:08:09Z'))
    assert.equal(attributes.cozyMetadata?.sourceAccountIdentifier, 'me&you@mail.net')
    assert.equal(house.requests[0]?.path, '/files/upload/metadata')
    assert.deepEqual((house.requests[0]?.body as { data: unknown } | undefined)?.data, {
      type: 'io.cozy.files.metadata',
      attributes: { datetime: '2024-01-02', carbonCopy: true },
    })
    assert.match(house.requests[1]?.path ?? '', /MetadataID=/)
  })

  it('replaces, renames, moves, trashes and destroys', async () => {
    await using house = await openHouse()
    const file = await cozyClient.files.create('one', { name: 'a.txt', dirID: ROOT })
    await cozyClient.files.updateById(file._id, 'second')
    assert.equal(await readFile(join(house.folder, 'data/a.txt'), 'utf8'), 'second')
    const renamed = await cozyClient.files.updateAttributesById(file._id, { name: ' b.txt ' })
    assert.equal(renamed.attributes.name, 'b.txt')
    const tagged = await cozyClient.files.updateAttributesByPath('/b.txt', { tags: ['x'] })
    assert.deepEqual(tagged.attributes.tags, ['x'])
    const directory = await cozyClient.files.createDirectoryByPath('/deep/er')
    assert.equal(directory.attributes.path, '/deep/er')
    assert.equal((await cozyClient.files.createDirectoryByPath('/deep/er'))._id, directory._id)
    await cozyClient.files.updateAttributesById(file._id, { dir_id: directory._id })
    assert.equal((await cozyClient.files.statByPath('/deep/er/b.txt'))._id, file._id)
    const trashed = await cozyClient.files.trashById(file._id)
    assert.equal(trashed.attributes.trashed, true)
    await cozyClient.files.destroyById(file._id)
    assert.equal((await failure(cozyClient.files.statById(file._id))).status, 404)
  })

  it('downloads a response that can be used like one of node-fetch', async () => {
    await using _house = await openHouse()
    const { _id } = await cozyClient.files.create('0123456789', { name: 'a.txt', dirID: ROOT })
    const first = await cozyClient.files.downloadById(_id)
    assert.equal(first.status, 200)
    const buffer = await first.buffer()
    assert.ok(Buffer.isBuffer(buffer))
    assert.equal(buffer.toString(), '0123456789')
    const second = await cozyClient.files.downloadById(_id)
    const through = new PassThrough()
    second.body?.pipe(through)
    assert.equal((await through.toArray()).join(''), '0123456789')
    assert.equal(await (await cozyClient.files.downloadByPath('/a.txt')).text(), '0123456789')
    const third = await cozyClient.files.downloadById(_id)
    const clone = third.clone() as typeof third
    assert.equal((await clone.buffer()).length, 10)
    const copy = await cozyClient.files.create(third.body as never, { name: 'copy.txt', dirID: ROOT })
    assert.equal(Number(copy.attributes.size), 10)
  })
})

describe('cozyClient.fetchJSON', () => {
  it('converts JSON:API answers only, unless told otherwise', async () => {
    await using _house = await openHouse()
    const stat = await cozyClient.fetchJSON('GET', `/files/${ROOT}`)
    assert.equal(stat.attributes.path, '/')
    assert.equal(typeof stat.relations, 'function')
    const raw = await cozyClient.fetchJSON('GET', `/files/${ROOT}`, undefined, { processJSONAPI: false })
    assert.equal(raw.data.attributes.path, '/')
    const written = await cozyClient.fetchJSON('POST', '/data/io.cozy.feeds/', { title: 'x' })
    assert.equal(written.data.title, 'x')
    assert.equal((await failure(cozyClient.fetchJSON('GET', '/data/io.cozy.feeds/none'))).status, 404)
  })
})
