import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { startTestHouse, type TestHouse } from '../help/house.ts'

let house: TestHouse
before(async () => {
  house = await startTestHouse()
})
after(() => house[Symbol.asyncDispose]())

const BILLS = '/data/io.cozy.bills'
let made = 0
/** A doctype of its own for a test, with documents. */
async function doctype(
  docs: Record<string, unknown>[] = [{ _id: 'b1', vendor: 'acme', date: '2024-02-01', amount: 3 }],
): Promise<string> {
  const name = `org.example.d${++made}`
  const { status } = await call('POST', `/data/${name}/_bulk_docs`, { docs }, { scope: name })
  assert.equal(status, 201)
  return name
}

interface Options {
  scope?: string | null
  headers?: Record<string, string>
}

async function call(method: string, path: string, body?: unknown, { scope, headers = {} }: Options = {}) {
  const name = /^\/data\/([^/]+)/.exec(path)?.[1] ?? ''
  const answer = await house.request(path, {
    method,
    scope: scope === undefined ? name : scope,
    headers,
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  return answer
}

describe('permission', () => {
  const ROUTES: [method: string, path: string, body?: unknown][] = [
    ['POST', '/_find', { selector: {} }],
    ['POST', '/_index', { index: { fields: ['a'] } }],
    ['GET', '/_design_docs'],
    ['GET', '/_design/a'],
    ['POST', '/_design/a/copy'],
    ['DELETE', '/_design/a?rev=1-a'],
  ]
  for (const [method, path, body] of ROUTES) {
    it(`${method} ${path} needs GET on the whole type`, async () => {
      assert.equal((await call(method, BILLS + path, body, { scope: null })).status, 401)
      for (const scope of [
        'io.cozy.contacts',
        'io.cozy.bills:POST,PUT,DELETE',
        'io.cozy.bills:GET:b1',
        'io.cozy.bills:GET:acme:vendor',
      ]) {
        const { status, json } = await call(method, BILLS + path, body, { scope })
        assert.equal(status, 403, scope)
        assert.deepEqual(json, { error: 'code=403, message=Forbidden' })
      }
      const reserved = await call(method, `/data/io.cozy.sessions${path}`, body, { scope: 'io.cozy.sessions' })
      assert.equal(reserved.status, 403)
      const name = await call(method, `/data/Not.A.Doctype${path}`, body, { scope: 'io.cozy.bills' })
      assert.equal(name.status, 403)
    })
  }

  it('is enough to define, copy and delete an index', async () => {
    const name = await doctype()
    const scope = `${name}:GET`
    const defined = await call('POST', `/data/${name}/_index`, { index: { fields: ['a'] }, ddoc: 'a' }, { scope })
    assert.equal(defined.status, 200)
    const copied = await call('POST', `/data/${name}/_design/a/copy`, undefined, {
      scope,
      headers: { destination: '_design/b' },
    })
    assert.equal(copied.status, 201)
    const deleted = await call('DELETE', `/data/${name}/_design/b?rev=${copied.json.rev}`, undefined, { scope })
    assert.equal(deleted.status, 200)
  })

  it('of a read-only doctype lets define indexes', async () => {
    const { status } = await call('POST', '/data/io.cozy.files/_index', { index: { fields: ['name'] } })
    assert.equal(status, 200)
  })
})

describe('POST _find', () => {
  it('is refused, answered after the index is made, and shows what was asked for', async () => {
    const name = await doctype()
    const asked = {
      selector: { vendor: 'acme', date: { $gt: '2024-01-01T00:00:00.000Z' } },
      use_index: '_design/by_vendor_and_date',
      fields: ['_id', '_rev', 'amount'],
      sort: [{ vendor: 'asc' }, { date: 'asc' }],
      skip: 0,
      limit: 100,
    }
    const refused = await call('POST', `/data/${name}/_find`, asked)
    assert.equal(refused.status, 400)
    assert.deepEqual(refused.json, {
      ok: false,
      status: '400',
      error: 'no_usable_index',
      reason: 'No index exists for this sort, try indexing by the sort fields.',
    })
    const index = { index: { fields: ['vendor', 'date'] }, ddoc: 'by_vendor_and_date' }
    assert.deepEqual((await call('POST', `/data/${name}/_index`, index)).json, {
      result: 'created',
      id: '_design/by_vendor_and_date',
      name: 'by_vendor_and_date',
    })
    assert.equal((await call('POST', `/data/${name}/_index`, index)).json.result, 'exists')
    const found = await call('POST', `/data/${name}/_find`, asked)
    assert.equal(found.status, 200)
    assert.match(String(found.headers['content-type']), /^application\/json/)
    const { docs, bookmark, ...rest } = found.json
    assert.deepEqual(rest, { limit: 100, next: false })
    assert.match(bookmark, /^[\w-]+$/)
    assert.deepEqual(Object.keys(docs[0]).toSorted(), ['_id', '_rev', 'amount'])
    const whole = await call('POST', `/data/${name}/_find`, { ...asked, fields: undefined, execution_stats: true })
    assert.deepEqual(Object.keys(whole.json), ['docs', 'limit', 'next', 'bookmark', 'execution_stats'])
    assert.deepEqual(Object.keys(whole.json.docs[0]).toSorted(), ['_id', '_rev', 'amount', 'date', 'vendor'])
  })

  it('says no_index, and not_found without a database, in the words clients look for', async () => {
    const name = await doctype()
    const refused = await call('POST', `/data/${name}/_find`, { selector: { vendor: 'acme' } })
    assert.equal(refused.status, 400)
    assert.deepEqual(refused.json, {
      ok: false,
      status: '400',
      error: 'no_index',
      reason: 'no matching index found, create an index',
    })
    const absent = await call('POST', '/data/org.example.absent/_find', { selector: {} })
    assert.equal(absent.status, 404)
    assert.deepEqual(absent.json, { ok: false, status: '404', error: 'not_found', reason: 'Database does not exist.' })
  })

  it('forwards warnings', async () => {
    const name = await doctype()
    const found = await call('POST', `/data/${name}/_find`, { selector: { _id: 'b1' }, use_index: '_design/none' })
    assert.equal(
      found.json.warning,
      '_design/none was not used because it does not contain a valid index for this query.',
    )
    assert.equal(found.json.docs.length, 1)
  })

  it('answers 400 to what cannot be asked, whatever it is, and never 500', async () => {
    const name = await doctype()
    const bodies = [
      '{',
      '[]',
      'null',
      '1',
      '"x"',
      '{}',
      '{"selector":1}',
      '{"selector":{"a":1e999}}',
      '{"selector":{"a":{"$regex":"("}}}',
    ]
    const members = ['fields', 'sort', 'limit', 'skip', 'bookmark', 'use_index']
    for (const member of members) {
      for (const value of [-1, 1.5, { a: { b: 1 } }, [[]], [{}], [null], 'x y', true]) {
        bodies.push(JSON.stringify({ selector: { _id: { $gt: null } }, [member]: value }))
      }
    }
    for (const body of bodies) {
      const { status, json } = await call('POST', `/data/${name}/_find`, body)
      assert.ok(status === 400 || (status === 200 && json.docs), `${status} ${body}`)
    }
    const deep = `{"selector":${'{"a":'.repeat(100)}1${'}'.repeat(100)}}`
    assert.equal((await call('POST', `/data/${name}/_find`, deep)).status, 400)
  })

  it('does not let anybody find out what records hold for the server alone', async () => {
    const scope = 'io.cozy.files'
    for (const body of [
      { selector: { internal_key: { $gt: 'a' } }, use_index: 'x' },
      { selector: { _id: { $gt: null }, $or: [{ internal_key: { $gt: 'a' } }, { name: 'x' }] }, use_index: 'x' },
      { selector: { name: { $gt: null } }, sort: ['internal_key'] },
    ]) {
      const { status, json } = await call('POST', '/data/io.cozy.files/_find', body, { scope })
      assert.equal(status, 400)
      assert.equal(json.error, 'bad_field')
    }
  })
})

describe('POST _index', () => {
  it('creates the database, and a stable name where none is given', async () => {
    const name = `org.example.fresh${++made}`
    const first = await call('POST', `/data/${name}/_index`, { index: { fields: ['a', { b: 'asc' }] } })
    assert.equal(first.status, 200)
    assert.match(first.json.id, /^_design\/[0-9a-f]{40}$/)
    assert.deepEqual((await call('POST', `/data/${name}/_index`, { index: { fields: ['a', 'b'] } })).json, {
      ...first.json,
      result: 'exists',
    })
    assert.equal((await call('POST', `/data/${name}/_find`, { selector: { a: 1, b: 2 } })).status, 200)
  })

  it('keeps several in one design document, and replaces one of the same name', async () => {
    const name = await doctype()
    const define = async (fields: string[], index: string) =>
      (await call('POST', `/data/${name}/_index`, { index: { fields }, ddoc: '_design/one', name: index })).json
    assert.deepEqual(await define(['a'], 'x'), { result: 'created', id: '_design/one', name: 'x' })
    assert.deepEqual(await define(['b'], 'y'), { result: 'created', id: '_design/one', name: 'y' })
    assert.deepEqual(await define(['c'], 'x'), { result: 'created', id: '_design/one', name: 'x' })
    assert.deepEqual(await define(['c'], 'x'), { result: 'exists', id: '_design/one', name: 'x' })
    const { json } = await call('GET', `/data/${name}/_design/one`)
    assert.match(json._rev, /^3-/)
    const fields = Object.entries<{ map: { fields: object } }>(json.views).map(([view, { map }]) => [
      view,
      Object.keys(map.fields),
    ])
    assert.deepEqual(Object.fromEntries(fields), { x: ['c'], y: ['b'] })
  })

  it('answers 400 to a definition that is none', async () => {
    const name = await doctype()
    for (const body of [
      '{',
      {},
      { index: 1 },
      { index: {} },
      { index: { fields: [] } },
      { index: { fields: 'a' } },
      { index: { fields: [1] } },
      { index: { fields: [''] } },
      { index: { fields: [{ a: 'up' }] } },
      { index: { fields: [{ a: 'asc', b: 'asc' }] } },
      { index: { fields: ['a', { b: 'desc' }] } },
      { index: { fields: ['a', 'a'] } },
      { index: { fields: Array.from({ length: 33 }, (_, at) => `f${at}`) } },
      { index: { fields: ['a'], partial_filter_selector: 1 } },
      { index: { fields: ['a'], partial_filter_selector: { a: { $foo: 1 } } } },
      { index: { fields: ['a'] }, type: 'text' },
      { index: { fields: ['a'] }, ddoc: 1 },
      { index: { fields: ['a'] }, ddoc: '_design/' },
      { index: { fields: ['a'] }, ddoc: 'x'.repeat(1000) },
      { index: { fields: ['a'] }, name: {} },
      { index: { fields: ['a'] }, name: 'a\0' },
    ]) {
      const { status } = await call('POST', `/data/${name}/_index`, body)
      assert.equal(status, 400, JSON.stringify(body))
    }
    for (const field of [
      "a'b",
      'a"b',
      'a\\b',
      'x'.repeat(5000),
      '\0',
      '\ud800',
      '{',
      'a,b',
      "{}'::text[]); drop table docs; --",
    ]) {
      const { status } = await call('POST', `/data/${name}/_index`, { index: { fields: [field] } })
      assert.equal(status, 200, field)
      const found = await call('POST', `/data/${name}/_find`, { selector: { [field]: 1 } })
      assert.equal(found.status, 200, field)
    }
  })
})

describe('design documents', () => {
  it('show definitions as clients compare them', async () => {
    const name = await doctype()
    const given = {
      fields: ['z', 'a', '1'],
      partial_filter_selector: { trashed: false, class: { $ne: 'x' }, m: { n: 1 } },
    }
    await call('POST', `/data/${name}/_index`, { index: given, ddoc: 'by_z' })
    await call('POST', `/data/${name}/_index`, { index: { fields: [{ v: 'desc' }] }, ddoc: 'by_v' })
    const { json, text } = await call('GET', `/data/${name}/_design_docs?include_docs=true`)
    assert.equal(json.total_rows, 2)
    assert.equal(json.offset, 0)
    const [byV, byZ] = json.rows
    assert.deepEqual(byV, {
      id: '_design/by_v',
      key: '_design/by_v',
      value: { rev: byV.doc._rev },
      doc: {
        _id: '_design/by_v',
        _rev: byV.doc._rev,
        language: 'query',
        views: {
          by_v: {
            map: { fields: { v: 'desc' }, partial_filter_selector: {} },
            reduce: '_count',
            options: { def: { fields: [{ v: 'desc' }] } },
          },
        },
      },
    })
    assert.match(byV.doc._rev, /^1-[0-9a-f]{32}$/)
    assert.deepEqual(byZ.doc.views.by_z.options.def, given)
    assert.deepEqual(byZ.doc.views.by_z.map.partial_filter_selector, {
      $and: [{ class: { $ne: 'x' } }, { 'm.n': { $eq: 1 } }, { trashed: { $eq: false } }],
    })
    assert.ok(text.includes('"fields":{"z":"asc","a":"asc","1":"asc"}'), 'in the order of the index')
    const single = await call('GET', `/data/${name}/_design/by_z`)
    assert.deepEqual(single.json, byZ.doc)
    assert.equal((await call('GET', `/data/${name}/_design_docs`)).json.rows[0].doc, undefined)
  })

  it('are listed by key, in either direction, in part', async () => {
    const name = await doctype()
    for (const ddoc of ['a', 'b', 'c', 'd'])
      await call('POST', `/data/${name}/_index`, { index: { fields: [ddoc] }, ddoc })
    const ids = async (query: string) => {
      const { json } = await call('GET', `/data/${name}/_design_docs?${query}`)
      return json.rows.map(({ id }: { id: string }) => id.slice(-1)).join('')
    }
    assert.equal(await ids(''), 'abcd')
    assert.equal(await ids('limit=2&skip=1'), 'bc')
    assert.equal(await ids('descending=true'), 'dcba')
    assert.equal(await ids('startkey="_design/b"&endkey="_design/c"'), 'bc')
    assert.equal(await ids('startkey="_design/c"&descending=true'), 'cba')
    assert.equal(await ids('key="_design/c"'), 'c')
    for (const bad of ['limit=x', 'skip=-1', 'include_docs=1', 'key=x', 'startkey=1']) {
      assert.equal((await call('GET', `/data/${name}/_design_docs?${bad}`)).status, 400, bad)
    }
  })

  it('are missing in CouchDB’s own words', async () => {
    const name = await doctype()
    const missing = await call('GET', `/data/${name}/_design/none`)
    assert.equal(missing.status, 404)
    assert.deepEqual(missing.json, { error: 'not_found', reason: 'missing' })
    for (const path of ['_design_docs', '_design/none']) {
      const absent = await call('GET', `/data/org.example.absent/${path}`)
      assert.equal(absent.status, 404)
      assert.deepEqual(absent.json, { error: 'not_found', reason: 'Database does not exist.' })
    }
  })

  it('are copied to another id', async () => {
    const name = await doctype()
    await call('POST', `/data/${name}/_index`, { index: { fields: ['vendor'] }, ddoc: 'from' })
    const { json: original } = await call('GET', `/data/${name}/_design/from`)
    const copy = (query: string, destination?: string) =>
      call(
        'POST',
        `/data/${name}/_design/from/copy${query}`,
        undefined,
        destination === undefined ? {} : { headers: { destination } },
      )
    for (const bad of [undefined, '', 'to', '_design/', '_local/to', '_design/%zz']) {
      assert.equal((await copy(`?rev=${original._rev}`, bad)).status, 400, String(bad))
    }
    const copied = await copy(`?rev=${original._rev}`, '_design/to')
    assert.equal(copied.status, 201)
    assert.deepEqual(Object.keys(copied.json), ['ok', 'id', 'rev'])
    assert.equal(copied.json.id, '_design/to')
    const { json: twin } = await call('GET', `/data/${name}/_design/to`)
    assert.deepEqual(twin.views, original.views)
    assert.equal(twin._rev, copied.json.rev)
    const found = await call('POST', `/data/${name}/_find`, { selector: { vendor: 'acme' }, use_index: '_design/to' })
    assert.equal(found.json.warning, undefined)
    assert.equal((await copy('', '_design/to')).status, 409)
    assert.equal((await copy('', `_design/to?rev=${copied.json.rev}`)).status, 201)
    assert.equal((await copy('?rev=9-x', '_design/other')).status, 404)
    assert.equal(
      (await call('POST', `/data/${name}/_design/none/copy`, undefined, { headers: { destination: '_design/x' } }))
        .status,
      404,
    )
  })

  it('are deleted by revision, the server’s own never', async () => {
    const name = await doctype()
    await call('POST', `/data/${name}/_index`, { index: { fields: ['vendor'] }, ddoc: 'gone' })
    const { json } = await call('GET', `/data/${name}/_design/gone`)
    const remove = (query: string, id = 'gone') => call('DELETE', `/data/${name}/_design/${id}${query}`)
    assert.equal((await remove('')).status, 400)
    const stale = await remove('?rev=1-x')
    assert.equal(stale.status, 409)
    assert.deepEqual(stale.json, { error: 'conflict', reason: 'Document update conflict.' })
    const deleted = await remove(`?rev=${json._rev}`)
    assert.equal(deleted.status, 200)
    assert.equal(deleted.json.ok, true)
    assert.equal(deleted.json.id, '_design/gone')
    assert.match(deleted.json.rev, /^2-/)
    assert.equal((await remove(`?rev=${json._rev}`)).status, 404)
    assert.equal((await call('POST', `/data/${name}/_find`, { selector: { vendor: 'acme' } })).json.error, 'no_index')

    const { designDocuments } = house.rooms.data.mango
    const own = { index: { fields: ['vendor'] }, ddoc: 'own' }
    await designDocuments.define(house.instance, name, own, { own: true })
    const { rev } = await designDocuments.get(house.instance, name, 'own')
    assert.equal((await remove(`?rev=${rev}`, 'own')).status, 403)
    assert.equal((await call('POST', `/data/${name}/_index`, own)).json.result, 'exists')
    assert.equal((await call('POST', `/data/${name}/_index`, { ...own, index: { fields: ['x'] } })).status, 403)
    await call('POST', `/data/${name}/_index`, { index: { fields: ['x'] }, ddoc: 'from' })
    const over = { headers: { destination: `_design/own?rev=${rev}` } }
    assert.equal((await call('POST', `/data/${name}/_design/from/copy`, undefined, over)).status, 403)
  })

  it('are nobody else’s', async () => {
    const name = await doctype()
    await call('POST', `/data/${name}/_index`, { index: { fields: ['vendor'] }, ddoc: 'mine' })
    const other = await house.another('bob.example.org')
    const answer = await house.request(`/data/${name}/_design_docs`, {
      host: other.domain,
      headers: { authorization: `Bearer ${await house.token(name, other)}` },
    })
    assert.equal(answer.status, 404)
  })
})
