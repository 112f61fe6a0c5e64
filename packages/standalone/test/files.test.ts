import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { ROOT_DIR_ID } from '@konnectory/client'
import { type Anything, open, send, temporaryDirectory } from './support/stack.ts'

const TRASH = 'io.cozy.files.trash-dir'
const clock = () => new Date('2025-03-04T10:00:00.123Z')
const md5 = (text: string) => createHash('md5').update(text).digest('base64')

test('a file is created as the JSON:API object of files.md section 11', async () => {
  using dir = temporaryDirectory()
  const { stack, client, events } = open(dir.path, { clock })
  const folder = await client.files.createDirectory({ name: 'd', dirId: ROOT_DIR_ID })
  const shelf = await send(stack, 'POST', '/files/upload/metadata', {
    data: { type: 'io.cozy.files.metadata', attributes: { fileIdAttributes: 'k' } },
  })
  assert.equal(shelf.status, 201)
  const query = `Name=2025-03_facture.pdf&Type=file&Executable=false&Encrypted=false&MetadataID=${shelf.body.data.id}&Size=&SourceAccount=acc001&SourceAccountIdentifier=me%40mail.net&Tags=&CreatedAt=&UpdatedAt=`
  const made = await send(stack, 'POST', `/files/${folder._id}?${query}`, 'content', {
    'content-type': 'application/pdf; charset=x',
  })
  assert.equal(made.status, 201)
  assert.equal(made.headers.get('content-type'), 'application/vnd.api+json')
  const { id, meta, ...object } = made.body.data
  const date = '2025-03-04T10:00:00.123Z'
  const instance = object.attributes.cozyMetadata.createdOn
  assert.deepEqual(object, {
    type: 'io.cozy.files',
    attributes: {
      type: 'file',
      name: '2025-03_facture.pdf',
      dir_id: folder._id,
      created_at: date,
      updated_at: date,
      size: '7',
      md5sum: md5('content'),
      mime: 'application/pdf',
      class: 'pdf',
      executable: false,
      trashed: false,
      encrypted: false,
      metadata: { fileIdAttributes: 'k' },
      cozyMetadata: {
        doctypeVersion: '1',
        metadataVersion: 1,
        createdAt: date,
        createdByApp: 'acme',
        createdOn: instance,
        updatedAt: date,
        updatedByApps: [{ slug: 'acme', date, instance }],
        uploadedAt: date,
        uploadedOn: instance,
        uploadedBy: { slug: 'acme' },
        sourceAccount: 'acc001',
        sourceAccountIdentifier: 'me@mail.net',
      },
    },
    links: { self: `/files/${id}` },
    relationships: {
      parent: { links: { related: `/files/${folder._id}` }, data: { id: folder._id, type: 'io.cozy.files' } },
      referenced_by: { links: { self: `/files/${id}/relationships/references` }, data: null },
      old_versions: { data: [] },
    },
  })
  assert.match(meta.rev, /^1-/)
  assert.equal(readFileSync(join(dir.path, 'd/2025-03_facture.pdf'), 'utf8'), 'content')
  assert.deepEqual(
    events.map(event => event.kind === 'file' && [event.action, event.path, event.diskPath, event.bytes]),
    [
      ['created', '/d', join(dir.path, 'd'), 0],
      ['created', '/d/2025-03_facture.pdf', join(dir.path, 'd/2025-03_facture.pdf'), 7],
    ],
  )
})

test('refused uploads have their status and leave nothing behind', async () => {
  using dir = temporaryDirectory()
  const { stack, client } = open(dir.path)
  await client.files.create('a', { name: 'taken', dirId: ROOT_DIR_ID })
  const trashed = await client.files.createDirectory({ name: 'gone', dirId: ROOT_DIR_ID })
  await client.files.trash(trashed._id)
  const cases: [string, number, object, Record<string, string>?][] = [
    ['/files/?Name=x', 422, { title: 'Invalid Attribute', source: { pointer: 'type' } }],
    ['/files/?Type=file&Name=taken', 409, { title: 'Conflict', detail: 'file already exists' }],
    ['/files/?Type=directory&Name=taken', 409, { title: 'Conflict' }],
    ['/files/unknown?Type=file&Name=x', 404, { title: 'Not Found', detail: 'file does not exist' }],
    [`/files/${trashed._id}?Type=file&Name=x`, 404, {}],
    ['/files/?Type=file&Name=', 422, { title: 'Invalid Parameter', source: { parameter: 'name' } }],
    ['/files/?Type=file&Name=a%0Ab', 422, {}],
    ['/files/?Type=file&Name=x&MetadataID=nope', 422, { source: { parameter: 'MetadataID' } }],
    [
      '/files/?Type=file&Name=x&Size=99',
      412,
      { title: 'Precondition Failed', source: { parameter: 'Content-Length' } },
    ],
    [
      '/files/?Type=file&Name=x',
      412,
      { source: { parameter: 'Content-MD5' }, detail: 'Invalid hash' },
      { 'content-md5': md5('other') },
    ],
    ['/files/?Type=file&Name=x', 422, { source: { parameter: 'Content-MD5' } }, { 'content-md5': 'short' }],
    ['/files/?Type=file&Name=x', 422, { source: { parameter: 'mime' } }, { 'content-type': 'nonsense' }],
  ]
  for (const [path, status, expected, headers] of cases) {
    const answer = await send(stack, 'POST', path, 'content', headers)
    assert.equal(answer.status, status, path)
    assert.equal(answer.body.errors[0].status, String(status))
    assert.deepEqual({ ...answer.body.errors[0], ...expected }, answer.body.errors[0], path)
  }
  assert.deepEqual(
    readdirSync(dir.path)
      .filter(name => !name.startsWith('.imported'))
      .sort(),
    ['.cozy_trash', 'taken'],
  )
})

test('a failed or aborted upload leaves nothing', async t => {
  using dir = temporaryDirectory()
  const { client } = open(dir.path)
  const upload = client.files.create(
    (async function* () {
      yield new Uint8Array(1000)
      throw new Error('the vendor hung up')
    })(),
    { name: 'x', dirId: ROOT_DIR_ID },
  )
  await assert.rejects(upload, /hung up/)
  const abort = new AbortController()
  const endless = (async function* () {
    for (let n = 0; ; n++) {
      if (n === 3) abort.abort()
      yield new Uint8Array(1000)
    }
  })()
  await assert.rejects(client.files.create(endless, { name: 'y', dirId: ROOT_DIR_ID, signal: abort.signal }), {
    name: 'AbortError',
  })
  // An aborted fetch is told at once; the stack cleans up on its own.
  await t.waitFor(() => assert.deepEqual(readdirSync(dir.path), []))
})

test('mime and class', async () => {
  using dir = temporaryDirectory()
  const { client } = open(dir.path)
  const cases = [
    ['a.pdf', 'application/octet-stream', 'application/pdf', 'pdf'],
    ['a', 'application/octet-stream', 'application/octet-stream', 'files'],
    ['b.pdf', 'text/html; charset=utf-8', 'text/html', 'code'],
    ['a.PNG', 'application/octet-stream', 'image/png', 'image'],
    ['a.url', 'text/plain', 'application/internet-shortcut', 'shortcut'],
    ['a.csv', 'application/octet-stream', 'text/csv', 'text'],
    [
      'a.xlsx',
      'application/octet-stream',
      'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
      'spreadsheet',
    ],
    ['a.constructor', 'application/octet-stream', 'application/octet-stream', 'files'],
    ['a.json', 'application/json', 'application/json', 'application'],
  ] as const
  for (const [name, contentType, mime, kind] of cases) {
    const file = await client.files.create('x', { name, dirId: ROOT_DIR_ID, contentType })
    assert.deepEqual([file.mime, file.class], [mime, kind], name)
  }
})

test('dates come from the query or the Date header, and updated_at is never before created_at', async () => {
  using dir = temporaryDirectory()
  const { stack } = open(dir.path, { clock })
  const made = async (query: string, headers = {}) => {
    const { attributes } = (await send(stack, 'POST', `/files/?Type=file&${query}`, 'x', headers)).body.data
    return [attributes.created_at, attributes.updated_at]
  }
  assert.deepEqual(await made('Name=1&CreatedAt=2020-01-01T00:00:00Z&UpdatedAt=2021-01-01T00:00:00Z'), [
    '2020-01-01T00:00:00.000Z',
    '2021-01-01T00:00:00.000Z',
  ])
  assert.deepEqual(await made('Name=2&CreatedAt=2020-01-01T00:00:00Z&UpdatedAt=2019-01-01T00:00:00Z'), [
    '2020-01-01T00:00:00.000Z',
    '2020-01-01T00:00:00.000Z',
  ])
  assert.deepEqual(await made('Name=3&CreatedAt=whenever'), ['2025-03-04T10:00:00.123Z', '2025-03-04T10:00:00.123Z'])
})

test('PUT replaces content, metadata and tags; name, place, references and origin stay', async () => {
  using dir = temporaryDirectory()
  const { stack, client, events } = open(dir.path, { clock })
  const path =
    '/files/?Type=file&Name=a.txt&Tags=one,two&SourceAccount=acc&SourceAccountIdentifier=me&Metadata=%7B%22k%22%3A1%7D'
  const { id, meta, attributes } = (await send(stack, 'POST', path, 'first')).body.data
  assert.deepEqual([attributes.tags, attributes.metadata], [['one', 'two'], { k: 1 }])
  await client.files.addReferences(id, [{ type: 'io.cozy.t', id: 'x' }])
  assert.equal((await send(stack, 'PUT', `/files/${id}`, 'x', { 'if-match': meta.rev })).status, 412)
  const replaced = (await send(stack, 'PUT', `/files/${id}?Name=ignored`, 'second!', { 'content-type': 'text/plain' }))
    .body.data
  assert.deepEqual(
    [replaced.attributes.name, replaced.attributes.size, replaced.attributes.md5sum],
    ['a.txt', '7', md5('second!')],
  )
  assert.deepEqual([replaced.attributes.tags, replaced.attributes.metadata], [undefined, undefined])
  assert.equal(replaced.attributes.cozyMetadata.sourceAccount, 'acc')
  assert.equal(replaced.relationships.referenced_by.data.length, 1)
  assert.equal(readFileSync(join(dir.path, 'a.txt'), 'utf8'), 'second!')
  const last = events.at(-1)
  assert.deepEqual(last?.kind === 'file' && [last.action, last.bytes, last.before?.size], ['updated', 7, '5'])
  assert.equal((await send(stack, 'PUT', '/files/unknown', 'x')).status, 404)
  assert.equal((await send(stack, 'PUT', `/files/${ROOT_DIR_ID}`, 'x')).status, 404)
})

test('PATCH renames, moves, describes; by path too', async () => {
  using dir = temporaryDirectory()
  const { stack, client } = open(dir.path)
  const a = await client.files.ensureDirectory('/a')
  const sub = await client.files.ensureDirectory('/a/sub/deep')
  const file = await client.files.create('x', {
    name: 'f.txt',
    dirId: sub._id,
    contentType: 'text/plain',
    metadata: { k: 1 },
  })
  const renamed = await client.files.updateAttributes(file._id, {
    name: 'g.pdf',
    metadata: { other: 2 },
    tags: ['t'],
    executable: true,
  })
  assert.deepEqual(
    [renamed.name, renamed.mime, renamed.class, renamed.metadata, renamed.tags, renamed.executable],
    ['g.pdf', 'application/pdf', 'pdf', { other: 2 }, ['t'], true],
  )
  assert.deepEqual(readdirSync(join(dir.path, 'a/sub/deep')), ['g.pdf'])

  const b = await client.files.ensureDirectory('/b')
  await client.files.updateAttributes(a._id, { dir_id: b._id, name: 'moved' })
  assert.ok(existsSync(join(dir.path, 'b/moved/sub/deep/g.pdf')))
  assert.equal((await client.files.statById(sub._id)).path, '/b/moved/sub/deep')
  assert.equal((await client.files.statByPath('/b/moved/sub/deep/g.pdf'))._id, file._id)

  const byPath = await send(stack, 'PATCH', '/files/metadata?Path=/b/moved/sub/deep/g.pdf', {
    data: { attributes: {}, relationships: { parent: { data: { type: 'io.cozy.files', id: b._id } } } },
  })
  assert.equal(byPath.body.data.attributes.dir_id, b._id)

  await client.files.create('x', { name: 'taken', dirId: b._id })
  const refused: [string, object, number][] = [
    [file._id, { name: 'taken' }, 409],
    [file._id, { dir_id: 'unknown' }, 404],
    [file._id, { name: '../up' }, 422],
    [file._id, { updated_at: '1990-01-01T00:00:00Z' }, 422],
    [b._id, { dir_id: sub._id }, 412],
    [b._id, { dir_id: b._id }, 412],
    [ROOT_DIR_ID, { name: 'x' }, 403],
    [TRASH, { permanent_delete: true }, 403],
    ['unknown', { name: 'x' }, 404],
  ]
  for (const [id, attributes, status] of refused) {
    assert.equal(
      (await send(stack, 'PATCH', `/files/${id}`, { data: { attributes } })).status,
      status,
      JSON.stringify(attributes),
    )
  }
  assert.equal((await send(stack, 'PATCH', `/files/${file._id}`, {})).status, 400)
  assert.equal((await send(stack, 'PATCH', `/files/${file._id}`, { data: {} }, { 'if-match': '0-x' })).status, 412)
})

test('permanent_delete destroys at once, with the last state as the answer', async () => {
  using dir = temporaryDirectory()
  const { stack, client, events } = open(dir.path)
  const folder = await client.files.ensureDirectory('/d')
  const file = await client.files.create('x', { name: 'f', dirId: folder._id })
  const answer = await send(stack, 'PATCH', `/files/${file._id}`, { data: { attributes: { permanent_delete: true } } })
  assert.deepEqual([answer.status, answer.body.data.attributes.name], [200, 'f'])
  await assert.rejects(client.files.statById(file._id), { status: 404 })
  await client.files.destroy(folder._id)
  assert.deepEqual(
    readdirSync(dir.path).filter(name => !name.startsWith('.imported')),
    [],
  )
  assert.deepEqual(
    events.slice(-2).map(event => event.kind === 'file' && [event.action, event.path]),
    [
      ['deleted', '/d/f'],
      ['deleted', '/d'],
    ],
  )
})

test('many at once: the others are applied, errors say which', async () => {
  using dir = temporaryDirectory()
  const { stack, client } = open(dir.path)
  const file = await client.files.create('x', { name: 'f', dirId: ROOT_DIR_ID })
  const data = [
    { id: 'nope', attributes: { name: 'a' } },
    { id: file._id, attributes: { name: 'g' } },
  ]
  const answer = await send(stack, 'PATCH', '/files/', { data })
  assert.deepEqual(
    answer.body.errors.map((one: Anything) => [one.status, one.source]),
    [['404', { parameter: '_id', pointer: 'nope' }]],
  )
  assert.ok(existsSync(join(dir.path, 'g')))
  assert.equal((await send(stack, 'PATCH', '/files/', { data: [data[1]] })).status, 204)
})

test('the trash: in, listed, out again, emptied', async () => {
  using dir = temporaryDirectory()
  const { stack, client } = open(dir.path)
  const folder = await client.files.ensureDirectory('/d/e')
  const file = await client.files.create('x', { name: 'f.txt', dirId: folder._id })
  const trashed = await client.files.trash(file._id)
  assert.deepEqual([trashed.dir_id, trashed.trashed, trashed.restore_path], [TRASH, true, '/d/e'])
  assert.ok(existsSync(join(dir.path, '.cozy_trash/f.txt')))
  assert.equal((await send(stack, 'DELETE', `/files/${file._id}`)).status, 400)
  const twin = await client.files.create('y', { name: 'f.txt', dirId: folder._id })
  assert.match((await client.files.trash(twin._id)).name, /^f\.txt \([0-9a-f]{10}\)$/)
  assert.equal((await send(stack, 'GET', '/files/trash')).body.meta.count, 2)
  const root = await send(stack, 'GET', `/files/${ROOT_DIR_ID}`)
  assert.deepEqual(
    root.body.included.map((one: Anything) => one.attributes.name),
    ['d'],
  )

  // A directory goes with what is in it, and its parents are made again when it comes back.
  const third = await client.files.create('z', { name: 'inner', dirId: folder._id })
  await client.files.trash(folder._id)
  assert.equal((await client.files.statById(third._id)).trashed, true)
  assert.equal((await client.files.statById(folder._id)).path, '/.cozy_trash/e')
  await client.files.destroy((await client.files.statByPath('/d'))._id)
  const restored = await send(stack, 'POST', `/files/trash/${folder._id}`)
  assert.deepEqual(
    [restored.status, restored.body.data.attributes.path, restored.body.data.attributes.restore_path],
    [200, '/d/e', undefined],
  )
  assert.equal((await client.files.statById(third._id)).trashed, false)
  await send(stack, 'POST', `/files/trash/${twin._id}`)
  await send(stack, 'POST', `/files/trash/${file._id}`)
  assert.deepEqual(readdirSync(join(dir.path, 'd/e')).sort(), ['f (2).txt', 'f.txt', 'inner'])
  assert.equal((await send(stack, 'POST', `/files/trash/${file._id}`)).status, 400)
  assert.equal((await send(stack, 'DELETE', `/files/trash/${file._id}`)).status, 400)

  await client.files.trash(file._id)
  await client.files.trash(twin._id)
  assert.equal((await send(stack, 'DELETE', `/files/trash/${file._id}`)).status, 204)
  assert.equal((await send(stack, 'DELETE', '/files/trash')).status, 204)
  assert.deepEqual(readdirSync(join(dir.path, '.cozy_trash')), [])
})

test('directories by name and by path', async () => {
  using dir = temporaryDirectory()
  const { stack } = open(dir.path)
  const make = (query: string) => send(stack, 'POST', `/files/?Type=directory&${query}`)
  assert.equal((await make('Path=/a/b')).status, 404)
  const made = await make('Path=/a/b/c&Recursive=true')
  assert.deepEqual(
    [made.status, made.body.data.attributes.path, made.body.data.attributes.type],
    [201, '/a/b/c', 'directory'],
  )
  const again = await make('Path=/a/b/c&Recursive=true')
  assert.deepEqual([again.status, again.body.data.id], [201, made.body.data.id])
  assert.equal((await make('Path=/a/b/c')).status, 409)
  assert.equal((await make('Path=relative')).status, 400)
  assert.equal((await make('Name=a')).status, 409)
  await send(stack, 'POST', '/files/?Type=file&Name=file', 'x')
  assert.equal((await make('Path=/file/x&Recursive=true')).status, 409)
  assert.equal(made.body.data.attributes.trashed, undefined)
})

test('a directory is read with a page of its children, directories first', async () => {
  using dir = temporaryDirectory()
  const { stack, client } = open(dir.path)
  const folder = await client.files.ensureDirectory('/d')
  for (const name of ['b', 'a', 'c']) await client.files.create('x', { name, dirId: folder._id })
  await client.files.ensureDirectory('/d/zz')
  const names: string[] = []
  let path: string | undefined = `/files/${folder._id}?page[limit]=3`
  while (path) {
    const { body }: Anything = await send(stack, 'GET', path)
    assert.equal(body.data.relationships.contents.meta.count, 4)
    names.push(...body.included.map((one: Anything) => one.attributes.name))
    path = body.links.next
  }
  assert.deepEqual(names, ['zz', 'a', 'b', 'c'])
  const contents = (await send(stack, 'GET', `/files/${folder._id}/relationships/contents`)).body
  assert.deepEqual([contents.meta.count, contents.data.length], [4, 4])
  assert.equal((await send(stack, 'GET', `/files/${folder._id}/size`)).body.data.attributes.size, '3')
  const root = (await send(stack, 'GET', `/files/${ROOT_DIR_ID}`)).body.data
  assert.deepEqual([root.attributes.path, root.attributes.name, root.relationships.parent], ['/', '', {}])
  assert.equal((await send(stack, 'GET', '/files/metadata?Path=/d')).body.data.id, folder._id)
  assert.equal((await send(stack, 'GET', '/files/metadata?Path=/.cozy_trash')).body.data.id, TRASH)
  const absent = await send(stack, 'GET', '/files/metadata?Path=/d/nope')
  assert.deepEqual(absent.body, {
    errors: [{ status: '404', title: 'Not Found', detail: 'file does not exist', source: {} }],
  })
  assert.equal((await send(stack, 'GET', '/files/metadata?Path=d')).status, 400)
})

test('new metadata for the same content: POST /files/:id/versions, as cozy-client sends it', async () => {
  using dir = temporaryDirectory()
  const { stack, client } = open(dir.path)
  const file = await client.files.create('content', { name: 'a.txt', dirId: ROOT_DIR_ID, metadata: { a: 1 } })
  const data = { type: 'io.cozy.files.metadata', attributes: { b: 2 } }
  const made = await send(stack, 'POST', `/files/${file._id}/versions`, { data })
  assert.equal(made.status, 200)
  assert.deepEqual(made.body.data.attributes.metadata, { b: 2 })
  assert.equal(made.body.data.attributes.md5sum, md5('content'))
  assert.notEqual(made.body.data.meta.rev, file._rev)
  assert.equal((await send(stack, 'POST', `/files/${ROOT_DIR_ID}/versions`, { data })).status, 404)
  assert.equal((await send(stack, 'POST', '/files/nope/versions', { data })).status, 404)
})

test('_find: nested selector, path, fields, pages with a bookmark, a last empty page', async () => {
  using dir = temporaryDirectory()
  const { stack, client } = open(dir.path)
  const folder = await client.files.ensureDirectory('/d')
  for (let n = 0; n < 4; n++) {
    const options = {
      name: `f${n}`,
      dirId: folder._id,
      metadata: { fileIdAttributes: `k${n}` },
      sourceAccountIdentifier: 'me',
    }
    await client.files.create('x', options)
  }
  const selector = {
    metadata: { fileIdAttributes: 'k2' },
    trashed: false,
    cozyMetadata: { sourceAccountIdentifier: 'me', createdByApp: 'acme' },
  }
  const one = (await send(stack, 'POST', '/files/_find', { selector, use_index: '_design/unknown' })).body
  assert.deepEqual(
    one.data.map((found: Anything) => [found.attributes.name, found.attributes.path]),
    [['f2', '/d/f2']],
  )
  assert.equal(one.meta.count, 1)
  assert.match(one.meta.warning, /was not used/)
  const fields = (
    await send(stack, 'POST', '/files/_find', { selector, fields: ['name', 'metadata.fileIdAttributes'] })
  ).body.data[0]
  assert.deepEqual(fields.attributes, {
    type: 'file',
    class: 'files',
    size: '1',
    trashed: false,
    name: 'f2',
    metadata: { fileIdAttributes: 'k2' },
  })
  assert.ok(fields.meta.rev)

  const seen: string[] = []
  const counts: number[] = []
  let next: string | undefined = '/files/_find'
  while (next) {
    const { body }: Anything = await send(stack, 'POST', next, { selector: { type: 'file' }, sort: ['name'], limit: 2 })
    seen.push(...body.data.map((found: Anything) => found.attributes.name))
    counts.push(body.meta.count)
    next = body.links.next
    if (next) assert.equal(next, encodeURI(next).replace('%5B', '[').replace('%5D', ']'))
  }
  assert.deepEqual(seen, ['f0', 'f1', 'f2', 'f3'])
  assert.deepEqual(counts, [2147483646, 2147483646, 0])
  const listed = (await send(stack, 'POST', '/files/_all_docs', { keys: [one.data[0].id, 'nope'] })).body
  assert.deepEqual(
    listed.data.map((found: Anything) => found.attributes.path),
    ['/d/f2'],
  )
  const raw = await send(stack, 'GET', `/data/io.cozy.files/${one.data[0].id}`)
  assert.deepEqual([raw.body.name, raw.body._type, raw.body.foreign], ['f2', 'io.cozy.files', undefined])
})

test('a full _find needs its index order: _index on io.cozy.files is accepted', async () => {
  using dir = temporaryDirectory()
  const { client } = open(dir.path)
  const index = await client.data.defineIndex('io.cozy.files', ['name'], { trashed: false })
  for (const name of ['b', 'c', 'a']) await client.files.create('x', { name, dirId: ROOT_DIR_ID })
  const found = await client.files.findAll({ selector: { name: { $gt: null } }, use_index: index.id })
  assert.deepEqual(
    found.map(file => file.name),
    ['a', 'b', 'c'],
  )
})

test('references from both ends', async () => {
  using dir = temporaryDirectory()
  const { stack, client, events } = open(dir.path)
  const folder = await client.files.ensureDirectory('/d')
  const ids = [folder._id]
  for (const n of [2, 1]) {
    ids.push(
      (await client.files.create('x', { name: `f${n}`, dirId: folder._id, metadata: { datetime: `2025-0${n}-01` } }))
        ._id,
    )
  }
  const path = '/data/io.cozy.konnectors/io.cozy.konnectors%2Facme/relationships/references'
  assert.deepEqual((await send(stack, 'GET', path)).body, { data: [], meta: { count: 0 }, links: {} })
  const data = ids.map(id => ({ type: 'io.cozy.files', id }))
  assert.equal((await send(stack, 'POST', path, { data })).status, 204)
  assert.equal((await send(stack, 'POST', path, { data: [{ type: 'io.cozy.files', id: 'nope' }] })).status, 404)
  const count = events.length
  assert.equal((await send(stack, 'POST', path, { data: data[0] })).status, 204)
  assert.equal(events.length, count)

  const all = (await send(stack, 'GET', `${path}?include=files&sort=datetime`)).body
  assert.equal(all.meta.count, 3)
  assert.deepEqual(
    all.included.slice(0, 2).map((one: Anything) => one.attributes.name),
    ['f1', 'f2'],
  )
  const directory = all.included.find((one: Anything) => one.id === folder._id)
  assert.deepEqual(directory.attributes.referenced_by, [{ type: 'io.cozy.konnectors', id: 'io.cozy.konnectors/acme' }])
  assert.deepEqual([directory.attributes.path, directory.attributes.type], ['/d', 'directory'])
  assert.equal(all.included[0].attributes.referenced_by, undefined)
  assert.equal(all.included[0].relationships.referenced_by.data.length, 1)

  const paged: string[] = []
  let next: string | undefined = `${path}?page[limit]=2&sort=-datetime`
  while (next) {
    const { body }: Anything = await send(stack, 'GET', next)
    paged.push(...body.data.map((one: Anything) => one.id))
    next = body.links.next
  }
  assert.deepEqual(new Set(paged), new Set(ids))
  assert.equal((await send(stack, 'GET', `${path}?sort=name`)).status, 400)

  const other = await send(stack, 'POST', `/files/${ids[1]}/relationships/referenced_by`, {
    data: [{ type: 'io.cozy.t', id: 'x' }],
  })
  assert.deepEqual([other.status, other.body.meta.count, other.body.data.length], [200, 2, 2])
  const less = await send(stack, 'DELETE', `/files/${ids[1]}/relationships/referenced_by`, {
    data: [{ type: 'io.cozy.t', id: 'x' }],
  })
  assert.equal(less.body.meta.count, 1)
  assert.equal((await send(stack, 'DELETE', path, { data })).status, 204)
  assert.equal((await send(stack, 'GET', path)).body.meta.count, 0)
  // saveFiles refers to documents that do not exist.
  const odd = '/data/io.cozy.accounts.contracts/undefined/relationships/references'
  assert.equal((await send(stack, 'POST', odd, { data })).status, 204)
})

test('the root keeps its references from one run to the next', async () => {
  using dir = temporaryDirectory()
  const first = open(dir.path)
  await first.client.files.addReferences(ROOT_DIR_ID, [{ type: 'io.cozy.konnectors', id: 'io.cozy.konnectors/acme' }])
  await first.stack.flush()
  const found = await open(dir.path).client.files.referencing('io.cozy.konnectors', 'io.cozy.konnectors/acme')
  assert.deepEqual(
    found.map(file => file._id),
    [ROOT_DIR_ID],
  )
})

test('downloads by id, path and link, with the headers of the stack', async () => {
  using dir = temporaryDirectory()
  const { stack, client } = open(dir.path)
  const file = await client.files.create('the content', {
    name: 'é "x".txt',
    dirId: ROOT_DIR_ID,
    contentType: 'text/plain',
  })
  const answer = await send(stack, 'GET', `/files/download/${file._id}?Dl=1`)
  assert.equal(answer.body, 'the content')
  assert.equal(answer.headers.get('content-type'), 'text/plain')
  assert.equal(answer.headers.get('content-length'), '11')
  assert.equal(
    answer.headers.get('content-disposition'),
    `attachment; filename="_ _x_.txt"; filename*=UTF-8''%C3%A9%20%22x%22.txt`,
  )
  const etag = answer.headers.get('etag') ?? ''
  assert.equal(etag, `"${md5('the content')}"`)
  assert.equal(
    (await send(stack, 'GET', `/files/download/${file._id}`, undefined, { 'if-none-match': etag })).status,
    304,
  )
  const byPath = await send(stack, 'GET', `/files/download?Path=${encodeURIComponent('/é "x".txt')}`)
  assert.equal(byPath.body, 'the content')
  const link = (await send(stack, 'POST', `/files/downloads?Id=${file._id}`)).body.links.related
  assert.equal((await send(stack, 'GET', link)).body, 'the content')
  assert.equal((await send(stack, 'GET', '/files/downloads/wrong/name')).status, 400)
  assert.equal((await send(stack, 'GET', `/files/download/${ROOT_DIR_ID}`)).status, 404)
  const head = await send(stack, 'HEAD', `/files/download/${file._id}`)
  assert.deepEqual([head.status, head.body], [200, ''])
})

test('a MetadataID is good for ten minutes', async () => {
  using dir = temporaryDirectory()
  let time = Date.parse('2025-01-01T00:00:00Z')
  const { stack } = open(dir.path, { clock: () => new Date(time) })
  const { id } = (await send(stack, 'POST', '/files/upload/metadata', { data: { attributes: { k: 1 } } })).body.data
  time += 9 * 60_000
  assert.equal(
    (await send(stack, 'POST', `/files/?Type=file&Name=a&MetadataID=${id}`, 'x')).body.data.attributes.metadata.k,
    1,
  )
  time += 2 * 60_000
  assert.equal((await send(stack, 'POST', `/files/?Type=file&Name=b&MetadataID=${id}`, 'x')).status, 422)
})
