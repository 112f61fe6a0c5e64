import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Anything, open, send, temporaryDirectory } from './support/stack.ts'

test('a document is created, read, updated, deleted, with revisions', async () => {
  using dir = temporaryDirectory()
  const { stack, events } = open(dir.path)
  const created = await send(stack, 'POST', '/data/io.cozy.bills/', { vendor: 'acme', _type: 'x' })
  assert.equal(created.status, 201)
  assert.equal(created.headers.get('content-type'), 'application/json')
  const { id, rev } = created.body
  assert.match(rev, /^1-[0-9a-f]{32}$/)
  assert.deepEqual(created.body, {
    ok: true,
    id,
    rev,
    type: 'io.cozy.bills',
    data: { _id: id, _rev: rev, vendor: 'acme', _type: 'io.cozy.bills' },
  })
  const read = await send(stack, 'GET', `/data/io.cozy.bills/${id}`)
  assert.deepEqual(read.body, created.body.data)
  // The whole answer of a GET, `_type` included, is what clients send back.
  const updated = await send(stack, 'PUT', `/data/io.cozy.bills/${id}`, { ...read.body, vendor: 'b' })
  assert.equal(updated.status, 200)
  assert.match(updated.body.rev, /^2-/)
  assert.equal((await send(stack, 'PUT', `/data/io.cozy.bills/${id}`, read.body)).status, 409)
  assert.equal((await send(stack, 'DELETE', `/data/io.cozy.bills/${id}?rev=${rev}`)).status, 409)
  const deleted = await send(stack, 'DELETE', `/data/io.cozy.bills/${id}`, undefined, { 'if-match': updated.body.rev })
  assert.equal(deleted.body.deleted, true)
  assert.match(deleted.body.rev, /^3-/)
  assert.equal((await send(stack, 'GET', `/data/io.cozy.bills/${id}`)).body.reason, 'deleted')
  const again = await send(stack, 'PUT', `/data/io.cozy.bills/${id}`, { vendor: 'c' })
  assert.match(again.body.rev, /^4-/)
  assert.deepEqual(
    events.map(
      event => event.kind === 'document' && [event.action, event.doctype, event.doc.vendor, event.before?.vendor],
    ),
    [
      ['created', 'io.cozy.bills', 'acme', undefined],
      ['updated', 'io.cozy.bills', 'b', 'acme'],
      ['deleted', 'io.cozy.bills', 'b', undefined],
      ['created', 'io.cozy.bills', 'c', undefined],
    ],
  )
})

test('errors of documents have the statuses and texts clients look for', async () => {
  using dir = temporaryDirectory()
  const { stack } = open(dir.path)
  await send(stack, 'PUT', '/data/io.cozy.bills/known', { a: 1 })
  const cases: [string, string, unknown, number, object | RegExp][] = [
    [
      'GET',
      '/data/io.cozy.nothing/x',
      undefined,
      404,
      { ok: false, status: '404', error: 'not_found', reason: 'wrong_doctype' },
    ],
    [
      'GET',
      '/data/io.cozy.bills/x',
      undefined,
      404,
      { ok: false, status: '404', error: 'not_found', reason: 'missing' },
    ],
    ['POST', '/data/io.cozy.nothing/_find', { selector: {} }, 404, /Database does not exist\./],
    ['POST', '/data/io.cozy.nothing/_all_docs', {}, 404, /not_found/],
    ['GET', '/data/io.cozy.nothing/_normal_docs', undefined, 404, /not_found/],
    [
      'PUT',
      '/data/io.cozy.bills/known',
      { a: 2 },
      409,
      { ok: false, status: '409', error: 'conflict', reason: 'Document update conflict.' },
    ],
    ['PUT', '/data/io.cozy.bills/x', { _id: 'x', _rev: '1-a' }, 404, /missing/],
    ['PUT', '/data/io.cozy.bills/known', { _id: 'known' }, 400, /^\{"error":"Bad Request\(400\): /],
    ['PUT', '/data/io.cozy.bills/known', { _id: 'other', _rev: '1-a' }, 400, /doesnt match/],
    ['POST', '/data/io.cozy.bills/', { _id: 'x' }, 400, /defined_id/],
    ['POST', '/data/io.cozy.bills/', { _links: 1 }, 400, /doc_validation/],
    ['POST', '/data/io.cozy.bills/', '{"a":', 400, /not valid JSON/],
    ['POST', '/data/io.cozy.bills/', '[]', 400, /JSON object/],
    ['PUT', '/data/io.cozy.bills/_x', { a: 1 }, 400, /bad_id/],
    ['DELETE', '/data/io.cozy.bills/known', undefined, 400, /without revision/],
    ['POST', '/data/io.cozy.bills/_find', {}, 400, /Missing required key: selector/],
    [
      'POST',
      '/data/io.cozy.files/',
      { a: 1 },
      403,
      { error: 'code=403, message=reserved doctype `io.cozy.files` unwritable' },
    ],
    ['GET', '/data/io.cozy.sessions/x', undefined, 403, /unreadable/],
    ['GET', '/data/Bad/x', undefined, 403, /not a valid doctype name/],
    ['GET', '/data/io..x/x', undefined, 403, /not a valid doctype name/],
  ]
  for (const [method, path, body, status, expected] of cases) {
    const answer = await send(stack, method, path, body)
    assert.equal(answer.status, status, `${method} ${path}`)
    if (expected instanceof RegExp) assert.match(JSON.stringify(answer.body), expected)
    else assert.deepEqual(answer.body, expected)
  }
})

test('an id with a slash is one segment', async () => {
  using dir = temporaryDirectory()
  const { stack } = open(dir.path)
  await send(stack, 'PUT', '/data/io.cozy.things/a%2Fb%20c', { v: 1 })
  assert.equal((await send(stack, 'GET', '/data/io.cozy.things/a%2Fb%20c')).body._id, 'a/b c')
  assert.equal((await send(stack, 'GET', '/data/io.cozy.things/%zz')).status, 400)
})

test('_all_docs lists, by keys too', async () => {
  using dir = temporaryDirectory()
  const { stack } = open(dir.path)
  for (const id of ['b', 'a', 'c']) await send(stack, 'PUT', `/data/io.cozy.t/${id}`, { v: id, w: 1 })
  const gone = (await send(stack, 'PUT', '/data/io.cozy.t/gone', { v: 1 })).body.rev
  await send(stack, 'DELETE', `/data/io.cozy.t/gone?rev=${gone}`)
  const all = (await send(stack, 'POST', '/data/io.cozy.t/_all_docs?include_docs=true', {})).body
  assert.deepEqual([all.total_rows, all.offset, all.rows.map((row: Anything) => row.doc.v)], [3, 0, ['a', 'b', 'c']])
  assert.deepEqual(Object.keys((await send(stack, 'GET', '/data/io.cozy.t/_all_docs')).body.rows[0]), [
    'id',
    'key',
    'value',
  ])
  const keyed = (
    await send(stack, 'POST', '/data/io.cozy.t/_all_docs?include_docs=true', { keys: ['c', 'zz', 'gone'] })
  ).body.rows
  assert.equal(keyed[0].doc.v, 'c')
  assert.deepEqual(keyed[1], { key: 'zz', error: 'not_found' })
  assert.deepEqual([keyed[2].value.deleted, keyed[2].doc], [true, null])
  const byGet = await send(
    stack,
    'GET',
    `/data/io.cozy.t/_all_docs?include_docs=true&keys=${encodeURIComponent('["a","b"]')}`,
  )
  assert.deepEqual(
    byGet.body.rows.map((row: Anything) => row.id),
    ['a', 'b'],
  )
  const ranged = await send(
    stack,
    'GET',
    `/data/io.cozy.t/_all_docs?startkey="a"&endkey="b"&descending=false&skip=1&limit=1`,
  )
  assert.deepEqual(
    ranged.body.rows.map((row: Anything) => row.id),
    ['b'],
  )
  const filtered = (await send(stack, 'GET', '/data/io.cozy.t/_all_docs?Fields=v&DesignDocs=false')).body.rows[0]
  assert.deepEqual([Object.keys(filtered), filtered.doc], [['id', 'value', 'doc'], { v: 'a' }])
})

test('_normal_docs pages bare documents; a limit over 1,000 becomes 100', async () => {
  using dir = temporaryDirectory()
  const { stack } = open(dir.path)
  const docs = Array.from({ length: 150 }, (_, n) => ({ n }))
  await send(stack, 'POST', '/data/io.cozy.t/_bulk_docs', { docs })
  const first = (await send(stack, 'GET', '/data/io.cozy.t/_normal_docs?limit=5000')).body
  assert.deepEqual([first.total_rows, first.rows.length], [150, 100])
  const second = (await send(stack, 'GET', `/data/io.cozy.t/_normal_docs?bookmark=${first.bookmark}&skip=7`)).body
  assert.equal(second.rows.length, 50)
  assert.equal(new Set([...first.rows, ...second.rows].map(doc => doc._id)).size, 150)
  assert.equal((await send(stack, 'GET', '/data/io.cozy.t/_normal_docs?skip=148')).body.rows.length, 2)
})

test('_bulk_docs creates, updates and deletes, one result each, 201 all the same', async () => {
  using dir = temporaryDirectory()
  const { stack, client } = open(dir.path)
  const doc = await client.data.create('io.cozy.t', { v: 1 })
  const other = await client.data.create('io.cozy.t', { v: 2 })
  const answer = await send(stack, 'POST', '/data/io.cozy.t/_bulk_docs', {
    docs: [
      { ...doc, v: 10 },
      { v: 3 },
      { _id: 'fixed', v: 4 },
      { _id: other._id, _rev: other._rev, _deleted: true },
      { _id: 'b2', _rev: '9-z', _deleted: true },
      { _id: doc._id, v: 11 },
    ],
  })
  assert.equal(answer.status, 201)
  assert.deepEqual(
    answer.body.map((one: Anything) => [one.ok, one.rev?.[0], one.error]),
    [
      [true, '2', undefined],
      [true, '1', undefined],
      [true, '1', undefined],
      [true, '2', undefined],
      [undefined, undefined, 'conflict'],
      [undefined, undefined, 'conflict'],
    ],
  )
  assert.deepEqual((await client.data.all('io.cozy.t')).map(one => one.v).sort(), [10, 3, 4])
})

test('indexes are remembered: result, design documents, copy, delete', async () => {
  using dir = temporaryDirectory()
  const { stack } = open(dir.path)
  const definition = { index: { fields: ['a', 'b'], partial_filter_selector: { trashed: false } }, ddoc: 'by_a_and_b' }
  const made = await send(stack, 'POST', '/data/io.cozy.t/_index', definition)
  assert.deepEqual(made.body, { result: 'created', id: '_design/by_a_and_b', name: 'by_a_and_b' })
  assert.equal((await send(stack, 'POST', '/data/io.cozy.t/_index', definition)).body.result, 'exists')
  const anonymous = (await send(stack, 'POST', '/data/io.cozy.t/_index', { index: { fields: ['a'] } })).body
  assert.match(anonymous.id, /^_design\/[0-9a-f]+$/)
  // The database exists from here on.
  assert.deepEqual((await send(stack, 'POST', '/data/io.cozy.t/_find', { selector: { a: 1 } })).body.docs, [])
  const rows = (await send(stack, 'GET', '/data/io.cozy.t/_design_docs?include_docs=true')).body.rows
  assert.deepEqual(rows[0].doc.views.by_a_and_b.map, {
    fields: { a: 'asc', b: 'asc' },
    partial_filter_selector: { trashed: { $eq: false } },
  })
  const copied = await send(stack, 'POST', '/data/io.cozy.t/_design/by_a_and_b/copy', undefined, {
    destination: '_design/other',
  })
  assert.equal(copied.status, 201)
  assert.equal((await send(stack, 'GET', '/data/io.cozy.t/_design/other')).body.language, 'query')
  assert.equal((await send(stack, 'DELETE', '/data/io.cozy.t/_design/other')).status, 400)
  await send(stack, 'DELETE', '/data/io.cozy.t/_design/other?rev=1-a')
  assert.equal((await send(stack, 'GET', '/data/io.cozy.t/_design/other')).status, 404)
})

test('small routes: settings, triggers, assets, and a clear refusal of anything else', async () => {
  using dir = temporaryDirectory()
  const { stack } = open(dir.path)
  const instance = await send(stack, 'GET', '/settings/instance')
  assert.equal(instance.body.data.id, 'io.cozy.settings.instance')
  assert.equal(instance.headers.get('content-type'), 'application/vnd.api+json')
  assert.deepEqual((await send(stack, 'GET', '/jobs/triggers')).body, { data: [], meta: { count: 0 } })
  assert.equal((await send(stack, 'GET', '/remote/assets/bank_classifier')).body.errors[0].status, '404')
  assert.deepEqual((await send(stack, 'GET', '/data/')).body, { message: 'welcome to a cozy API' })
  const refused = await send(stack, 'POST', '/sharings/abc?x=1', {})
  assert.equal(refused.status, 404)
  assert.deepEqual(refused.body.errors, [
    { status: '404', title: 'Not Found', detail: 'POST /sharings/abc is not available in standalone mode', source: {} },
  ])
  const head = await send(stack, 'HEAD', '/settings/instance')
  assert.deepEqual([head.status, head.body], [200, ''])
})
