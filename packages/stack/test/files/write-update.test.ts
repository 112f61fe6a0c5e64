import assert from 'node:assert/strict'
import { after, describe, test } from 'node:test'
import { md5, openWriteHouse } from './write-house.ts'

const house = await openWriteHouse()
after(() => house[Symbol.asyncDispose]())
const { ask, upload, mkdir, patch, overwrite, root, stored, contentOf } = house

const error = (answer: { json: { errors: Record<string, unknown>[] } }) => answer.json.errors[0]
const mayOnly = (verbs: string, id: string) => `io.cozy.files:${verbs}:${id}`

describe('new content', () => {
  test('name, place, references and creation stay; metadata and tags are those given now', async () => {
    const folder = await mkdir('/overwrite')
    const made = (
      await ask(`/files/${folder.id}?Type=file&Name=a.txt&Tags=x&Metadata={"k":1}&SourceAccount=acc&Executable=true`, {
        method: 'POST',
        body: 'old',
        headers: { 'content-type': 'text/plain' },
      })
    ).json.data
    await ask(`/files/${made.id}/relationships/referenced_by`, {
      method: 'POST',
      body: { data: [{ type: 'io.cozy.bills', id: 'b1' }] },
    })
    house.advance(1000)
    const answer = await ask(`/files/${made.id}?Name=other.pdf&Tags=y&UpdatedAt=&SourceAccount=`, {
      method: 'PUT',
      body: 'newer',
      headers: { 'content-type': 'application/pdf' },
      actor: { slug: 'other', version: undefined as never },
    })
    assert.equal(answer.status, 200)
    const { attributes, relationships } = answer.json.data
    assert.equal(attributes.name, 'a.txt')
    assert.equal(attributes.dir_id, folder.id)
    assert.equal(attributes.size, '5')
    assert.equal(attributes.md5sum, md5('newer'))
    assert.equal(attributes.mime, 'application/pdf')
    assert.equal(attributes.executable, false)
    assert.deepEqual(attributes.tags, ['y'])
    assert.equal(attributes.metadata, undefined)
    assert.equal(attributes.created_at, made.attributes.created_at)
    assert.ok(attributes.updated_at > made.attributes.updated_at)
    assert.deepEqual(relationships.referenced_by.data, [{ type: 'io.cozy.bills', id: 'b1' }])
    assert.equal(relationships.old_versions.data.length, 1)
    const { cozyMetadata } = attributes
    assert.equal(cozyMetadata.createdByApp, 'acme')
    assert.equal(cozyMetadata.sourceAccount, 'acc')
    assert.equal(cozyMetadata.uploadedBy.slug, 'other')
    assert.ok(cozyMetadata.uploadedAt > made.attributes.cozyMetadata.uploadedAt)
    assert.deepEqual(
      cozyMetadata.updatedByApps.map(({ slug }: { slug: string }) => slug),
      ['acme', 'other'],
    )
    assert.equal(await contentOf(made.id), 'newer')
  })

  test('one entry per slug in updatedByApps', async () => {
    const { id } = await upload(root, 'slugs.txt')
    for (const content of ['1', '2', '3']) await overwrite(id, content)
    assert.equal((await stored(id))!.cozyMetadata!.updatedByApps!.length, 1)
  })

  test('If-Match and rev', async () => {
    const { id, meta } = await upload(root, 'match.txt', 'first')
    const wrong = await overwrite(id, 'x', { headers: { 'if-match': '1-0000' } })
    assert.equal(wrong.status, 412)
    assert.deepEqual(error(wrong)!.source, { parameter: 'If-Match' })
    assert.equal((await overwrite(id, 'x', {}, '?rev=1-0000')).status, 412)
    assert.equal((await overwrite(id, 'second', { headers: { 'if-match': `"${meta.rev}"` } })).status, 200)
    assert.equal((await overwrite(id, 'third', {}, `?rev=${meta.rev}`)).status, 412)
    assert.equal(await contentOf(id), 'second')
  })

  test('unknown, a directory: 404; broken: what was there stays', async () => {
    assert.equal((await overwrite('nowhere', 'x')).status, 404)
    assert.equal((await overwrite(root, 'x')).status, 404)
    const { id } = await upload(root, 'stays.txt', 'first')
    const before = house.blobFiles()
    assert.equal((await overwrite(id, 'other', { headers: { 'content-md5': md5('x') } })).status, 412)
    const { sending, answer } = house.slowUpload(`/files/${id}`, {
      method: 'PUT',
      headers: { 'content-length': '9999' },
    })
    sending.write('half')
    while (house.blobFiles().length === before.length) await new Promise(setImmediate)
    sending.destroy()
    await assert.rejects(answer)
    while (house.blobFiles().length > before.length) await new Promise(setImmediate)
    assert.equal(await contentOf(id), 'first')
    assert.deepEqual(house.blobFiles(), before)
    assert.deepEqual(await house.versions(id), [])
  })

  test('a trashed file can be overwritten, and stays in the trash', async () => {
    const { id } = await upload(root, 'trashed.txt')
    await ask(`/files/${id}`, { method: 'DELETE' })
    const { status, json } = await overwrite(id, 'new')
    assert.equal(status, 200)
    assert.equal(json.data.attributes.trashed, true)
    assert.equal(json.data.attributes.restore_path, '/')
  })
})

describe('attributes', () => {
  test('rename: another extension gives another type', async () => {
    const { id } = await upload(root, 'scan.txt')
    const { json } = await patch(id, { name: 'scan.pdf' })
    assert.deepEqual(
      [json.data.attributes.name, json.data.attributes.mime, json.data.attributes.class],
      ['scan.pdf', 'application/pdf', 'pdf'],
    )
    await upload(root, 'taken.pdf')
    assert.equal((await patch(id, { name: 'taken.pdf' })).status, 409)
    assert.equal((await patch(id, { name: 'a/b' })).status, 422)
    assert.equal((await patch(id, { name: '\ud800' })).status, 422)
    assert.equal((await patch(id, { name: '\0' })).status, 422)
  })

  test('what is taken, and what is ignored', async () => {
    const { id, attributes: before } = await upload(root, 'all.pdf')
    const updated_at = new Date(house.now().getTime() + 60_000).toISOString()
    const { status, json } = await patch(id, {
      tags: ['a'],
      updated_at,
      executable: true,
      encrypted: true,
      metadata: { b: 1 },
      cozyMetadata: { favorite: true, createdByApp: 'forged' },
      size: '1',
      md5sum: 'x',
      restore_path: '/x',
      trashed: true,
      internal_blob: 'f'.repeat(32),
      referenced_by: [{ type: 'a', id: 'b' }],
      unknown: 1,
    })
    assert.equal(status, 200)
    const { cozyMetadata, ...attributes } = json.data.attributes
    const { cozyMetadata: _, ...expected } = before
    assert.deepEqual(attributes, {
      ...expected,
      tags: ['a'],
      updated_at,
      executable: true,
      encrypted: true,
      metadata: { b: 1 },
    })
    assert.equal(cozyMetadata.favorite, true)
    assert.equal(cozyMetadata.createdByApp, 'acme')
    assert.equal(await contentOf(id), 'all.pdf')
    const cleared = (await patch(id, { tags: [], metadata: {} })).json.data.attributes
    assert.ok(!('tags' in cleared) && !('metadata' in cleared))
    assert.equal(cleared.cozyMetadata.favorite, true)
    assert.equal((await patch(id, { class: 'whatever' })).json.data.attributes.class, 'pdf')
  })

  test('values of the wrong type are told', async () => {
    const { id } = await upload(root, 'wrong.pdf')
    const wrong = [
      { name: 1 },
      { tags: 'a' },
      { tags: [1] },
      { metadata: [] },
      { executable: 'yes' },
      { dir_id: {} },
      { updated_at: 'now' },
    ]
    for (const attributes of wrong) assert.equal((await patch(id, attributes)).status, 422, JSON.stringify(attributes))
    const early = await patch(id, { updated_at: '1999-01-01T00:00:00Z' })
    assert.equal(early.status, 422)
    assert.deepEqual(error(early)!.source, { parameter: 'UpdatedAt' })
    assert.equal((await ask(`/files/${id}`, { method: 'PATCH', body: {} })).status, 400)
    assert.equal((await ask(`/files/${id}`, { method: 'PATCH', body: '{"data":' })).status, 400)
    assert.equal((await patch(id, { name: 'x' }, { headers: { 'if-match': '1-00' } })).status, 412)
    assert.equal((await patch('nowhere', {})).status, 404)
    assert.equal((await patch('%00', {})).status, 404)
    assert.equal((await patch(id, { dir_id: 'a\0b' })).status, 404)
  })

  test('by path', async () => {
    await mkdir('/at/some')
    const change = { method: 'PATCH', body: { data: { attributes: { name: 'other' } } } }
    assert.equal((await ask('/files/metadata?Path=/at/some', change)).json.data.attributes.path, '/at/other')
    assert.equal((await ask('/files/metadata?Path=/at/some', change)).status, 404)
    assert.equal((await ask('/files/metadata?Path=at', change)).status, 400)
    assert.equal((await ask('/files/metadata?Path=/', change)).status, 403)
  })

  test('root and trash stay as they are', async () => {
    for (const id of [root, 'io.cozy.files.trash-dir']) {
      assert.equal((await patch(id, { name: 'x' })).status, 403)
      assert.equal((await patch(id, { permanent_delete: true })).status, 403)
      assert.equal((await ask(`/files/${id}`, { method: 'DELETE' })).status, 403)
    }
  })

  test('permanent_delete destroys at once, whatever the place, and shows the last state', async () => {
    const folder = await mkdir('/doomed/below')
    const file = await upload(folder.id, 'x.txt')
    await overwrite(file.id, 'second')
    using told = house.subscribe()
    const blobs = house.blobFiles().length
    const top = (await stored((await stored(folder.id))!.dir_id))!
    const { status, json } = await patch(top._id, { permanent_delete: true })
    assert.equal(status, 200)
    assert.equal(json.data.attributes.path, '/doomed')
    for (const id of [file.id, folder.id, top._id]) assert.equal(await stored(id), undefined)
    assert.deepEqual(await house.versions(file.id), [])
    await house.files.settled()
    assert.equal(house.blobFiles().length, blobs - 2)
    const deleted = told.events.filter(({ verb, doctype }) => verb === 'DELETED' && doctype === 'io.cozy.files')
    assert.deepEqual(
      deleted.map(({ id }) => id),
      [file.id, folder.id, top._id],
    )
    assert.equal(deleted[0]!.doc.name, 'x.txt')
  })
})

describe('moves', () => {
  test('a directory takes its whole branch along, in one step', async () => {
    const branch = await mkdir('/from/a/b')
    const file = await upload(branch.id, 'x.txt')
    const target = await mkdir('/to')
    const from = (await ask('/files/metadata?Path=/from')).json.data
    using told = house.subscribe()
    const { status, json } = await ask(`/files/${from.id}`, {
      method: 'PATCH',
      body: { data: { relationships: { parent: { data: { type: 'io.cozy.files', id: target.id } } } } },
    })
    assert.equal(status, 200)
    assert.equal(json.data.attributes.path, '/to/from')
    assert.equal((await ask('/files/metadata?Path=/to/from/a/b/x.txt')).json.data.id, file.id)
    assert.equal((await ask('/files/metadata?Path=/from')).status, 404)
    assert.deepEqual(
      told.events.map(({ verb, doc }) => `${verb} ${doc.path}`),
      ['UPDATED /to/from', 'UPDATED /to/from/a', 'UPDATED /to/from/a/b'],
    )
  })

  test('a name that only begins the same is another branch', async () => {
    const ab = await mkdir('/ab')
    await mkdir('/ab/in')
    const abc = await mkdir('/abc/in')
    await patch(ab.id, { name: 'moved' })
    assert.equal((await ask(`/files/${abc.id}`)).json.data.attributes.path, '/abc/in')
    assert.equal((await ask('/files/metadata?Path=/moved/in')).status, 200)
  })

  test('never inside itself', async () => {
    const inner = await mkdir('/outer/middle/inner')
    const outer = (await ask('/files/metadata?Path=/outer')).json.data
    for (const dir_id of [inner.id, outer.id]) {
      const answer = await patch(outer.id, { dir_id })
      assert.equal(answer.status, 412)
      assert.deepEqual(error(answer)!.source, { parameter: 'dir-id' })
    }
  })

  test('two moves that together would make a circle: one of them fails, every time', async () => {
    for (let round = 0; round < 10; round++) {
      const a = await mkdir(`/circle-${round}/a`)
      const b = await mkdir(`/circle-${round}/b`)
      const answers = await Promise.all([patch(a.id, { dir_id: b.id }), patch(b.id, { dir_id: a.id })])
      assert.deepEqual(answers.map(({ status }) => status).sort(), [200, 412])
      assert.deepEqual(
        (await house.files.reader.sizeOf(house.alice, (await stored(root))!)).toString().length > 0,
        true,
      )
      const paths = [(await stored(a.id)) as { path?: string }, (await stored(b.id)) as { path?: string }].map(
        entry => entry.path,
      )
      const top = `/circle-${round}`
      assert.ok(
        JSON.stringify(paths) === JSON.stringify([`${top}/b/a`, `${top}/b`]) ||
          JSON.stringify(paths) === JSON.stringify([`${top}/a`, `${top}/a/b`]),
        JSON.stringify(paths),
      )
    }
  })

  test('targets that are missing, a file, in the trash, or taken', async () => {
    const { id } = await upload(root, 'mover.txt')
    const file = await upload(root, 'target.txt')
    const folder = await mkdir('/taken')
    await upload(folder.id, 'mover.txt')
    assert.equal((await patch(id, { dir_id: 'nowhere' })).status, 404)
    assert.equal((await patch(id, { dir_id: file.id })).status, 404)
    assert.equal((await patch(id, { dir_id: 'io.cozy.files.trash-dir' })).status, 404)
    assert.equal((await patch(id, { dir_id: folder.id })).status, 409)
    assert.equal((await patch(id, { dir_id: folder.id, name: 'free.txt' })).status, 200)
  })

  test('the destination is asked too, which upstream does not', async () => {
    const mine = await mkdir('/move-mine')
    const theirs = await mkdir('/move-theirs')
    const { id } = await upload(mine.id, 'x.txt')
    const scope = mayOnly('GET,POST,PATCH', mine.id)
    assert.equal((await patch(id, { dir_id: theirs.id }, { scope })).status, 403)
    assert.equal((await patch(id, { dir_id: root }, { scope })).status, 403)
    assert.equal((await stored(id))!.dir_id, mine.id)
    const both = (verb: string) => `${scope} ${mayOnly(verb, theirs.id)}`
    assert.equal((await patch(id, { dir_id: theirs.id }, { scope: both('GET,PUT,DELETE') })).status, 403)
    assert.equal((await patch(id, { dir_id: theirs.id }, { scope: both('POST') })).status, 200)
    assert.equal((await patch(id, { name: 'y.txt' }, { scope })).status, 403, 'it is theirs now')
  })
})

test('a batch: each by itself, errors told, a missing permission stops', async () => {
  const [a, b, c] = [await upload(root, 'b1'), await upload(root, 'b2'), await upload(root, 'b3')]
  const batch = (data: object, request = {}) => ask('/files/', { method: 'PATCH', body: { data }, ...request })
  const item = (id: string, attributes: object) => ({ type: 'io.cozy.files', id, attributes })
  const fine = await batch([item(a.id, { tags: ['1'] }), item(b.id, { tags: ['1'] })])
  assert.equal(fine.status, 204)
  assert.equal(fine.text, '')
  const some = await batch([
    item(a.id, { tags: ['2'] }),
    item('nowhere', {}),
    item(b.id, { name: 'b3' }),
    item(c.id, { tags: ['2'] }),
  ])
  assert.equal(some.status, 404)
  assert.deepEqual(
    some.json.errors.map(({ status, source }: { status: string; source: object }) => [status, source]),
    [
      ['404', { parameter: '_id', pointer: 'nowhere' }],
      ['409', { parameter: '_id', pointer: b.id }],
    ],
  )
  assert.deepEqual([(await stored(a.id))!.tags, (await stored(c.id))!.tags], [['2'], ['2']])
  const scope = `io.cozy.files:PATCH:${a.id},${c.id}`
  const stopped = await batch([item(a.id, { tags: ['3'] }), item(b.id, {}), item(c.id, { tags: ['3'] })], { scope })
  assert.equal(stopped.status, 403)
  assert.deepEqual([(await stored(a.id))!.tags, (await stored(c.id))!.tags], [['3'], ['2']])
  assert.equal((await batch([])).status, 204)
  assert.equal((await ask('/files/', { method: 'PATCH', body: {} })).status, 400)
  assert.equal((await batch([1, null, 'x'])).status, 404)
})

describe('copies', () => {
  const copy = (id: string, parameters = '', request = {}) =>
    ask(`/files/${id}/copy${parameters}`, { method: 'POST', ...request })

  test('names, places, and the bytes live as long as one of them', async () => {
    const { id } = await upload(root, 'original.pdf', 'shared content')
    const first = await copy(id)
    assert.equal(first.status, 201)
    assert.equal(first.json.data.attributes.name, 'original (copy).pdf')
    assert.equal((await copy(id)).json.data.attributes.name, 'original (copy) (2).pdf')
    const folder = await mkdir('/copies')
    const placed = (await copy(id, `?Name=&DirID=${folder.id}&name=lower.txt`)).json.data
    assert.deepEqual(
      [placed.attributes.name, placed.attributes.dir_id, placed.attributes.mime],
      ['lower.txt', folder.id, 'text/plain'],
    )
    assert.equal(placed.relationships.referenced_by.data, null)
    await patch(id, { permanent_delete: true })
    await house.files.settled()
    assert.equal(await contentOf(placed.id), 'shared content')
    assert.equal(await house.files.service.collectOrphans(house.alice, new Date(Date.now() + 1e9)), 0)
    for (const other of ['/original (copy).pdf', '/original (copy) (2).pdf', '/copies/lower.txt']) {
      const { data } = (await ask(`/files/metadata?Path=${encodeURIComponent(other)}`)).json
      await patch(data.id, { permanent_delete: true })
    }
    await house.files.settled()
    await assert.rejects(contentOf(placed.id))
    assert.equal((await copy(folder.id)).status, 400)
    assert.equal((await copy('nowhere')).status, 404)
  })

  test('the source is asked for GET, which upstream does not', async () => {
    const mine = await mkdir('/copy-mine')
    const theirs = await mkdir('/copy-theirs')
    const { id } = await upload(theirs.id, 'secret.txt')
    const parameters = `?DirID=${mine.id}`
    assert.equal((await copy(id, parameters, { scope: mayOnly('GET,POST', mine.id) })).status, 403)
    assert.equal((await copy(id, '', { scope: mayOnly('GET', theirs.id) })).status, 403)
    const scope = `${mayOnly('POST', mine.id)} ${mayOnly('GET', id)}`
    assert.equal((await copy(id, parameters, { scope })).status, 201)
  })
})
