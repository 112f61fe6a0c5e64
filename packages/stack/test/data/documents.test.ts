import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { startDataServer } from '../help/data-server.ts'

const server = await startDataServer()
after(() => server[Symbol.asyncDispose]())
const { ask } = server
const BILLS = 'io.cozy.bills'
const post = (doctype: string, body: object | string, scope = '*') =>
  ask(`/data/${doctype}/`, { method: 'POST', body, scope })
const put = (path: string, body: object | string, scope = '*') => ask(`/data/${path}`, { method: 'PUT', body, scope })
const remove = (path: string, scope = '*') => ask(`/data/${path}`, { method: 'DELETE', scope })

describe('one document', () => {
  it('is created with 201, read with its type, and written again as it was read', async () => {
    const made = await post(BILLS, { amount: 12.5, _type: BILLS })
    assert.equal(made.status, 201)
    const { ok, id, rev, type, data } = made.json
    assert.deepEqual([ok, type, data], [true, BILLS, { _id: id, _rev: rev, _type: BILLS, amount: 12.5 }])
    const read = await ask(`/data/${BILLS}/${id}`)
    assert.equal(read.status, 200)
    assert.match(String(read.headers['content-type']), /^application\/json/)
    assert.deepEqual(read.json, data)
    const updated = await put(`${BILLS}/${id}`, { ...read.json, amount: 13 })
    assert.equal(updated.status, 200)
    assert.match(updated.json.rev, /^2-/)
    assert.deepEqual(updated.json.data, { _id: id, _rev: updated.json.rev, _type: BILLS, amount: 13 })
  })

  it('that is empty is one too', async () => {
    const { id, rev } = (await post(BILLS, {})).json
    assert.deepEqual((await ask(`/data/${BILLS}/${id}`)).json, { _id: id, _rev: rev, _type: BILLS })
  })

  it('keeps every text there is: NUL, half a pair, quotes, __proto__ inside', async () => {
    const body = '{"a":"\\u0000\\ud800\\"\\ue000","in":{"__proto__":{"x":1},"constructor":2},"n":1e2}'
    const made = await post(BILLS, body)
    assert.equal(made.status, 201)
    const read = await ask(`/data/${BILLS}/${made.json.id}`)
    assert.equal(read.json.a, '\0\ud800"\ue000')
    assert.deepEqual(Object.entries(read.json.in).sort(), [
      ['__proto__', { x: 1 }],
      ['constructor', 2],
    ])
    assert.equal(read.json.n, 100)
  })

  it('with an id in a POST: 400 defined_id', async () => {
    const answer = await post(BILLS, { _id: 'x' })
    assert.deepEqual([answer.status, answer.json.error], [400, 'defined_id'])
  })

  it('with a fixed id is created by PUT with 200, once', async () => {
    const made = await put(`${BILLS}/fixed`, { n: 1 })
    assert.deepEqual([made.status, made.json.id, made.json.rev.slice(0, 2)], [200, 'fixed', '1-'])
    const again = await put(`${BILLS}/fixed`, { n: 1 })
    assert.deepEqual(again.json, {
      ok: false,
      status: '409',
      error: 'conflict',
      reason: 'Document update conflict.',
    })
    assert.equal(again.status, 409)
  })

  it('has an id with a slash when it is encoded', async () => {
    const made = await put(`io.cozy.settings/${encodeURIComponent('io.cozy.konnectors/acme')}`, { n: 1 })
    assert.equal(made.json.id, 'io.cozy.konnectors/acme')
    assert.equal((await ask('/data/io.cozy.settings/io.cozy.konnectors%2Facme')).json.n, 1)
  })

  it('is updated only with its revision: 409 for another, 404 for none, 400 for half of it', async () => {
    const { rev } = (await put(`${BILLS}/u`, { n: 1 })).json
    assert.equal((await put(`${BILLS}/u`, { _id: 'u', _rev: '1-abc' })).status, 409)
    const absent = await put(`${BILLS}/nobody`, { _id: 'nobody', _rev: rev })
    assert.deepEqual([absent.status, absent.json.reason], [404, 'missing'])
    const nowhere = await put(`io.cozy.nowhere/x`, { _id: 'x', _rev: rev })
    assert.deepEqual([nowhere.status, nowhere.json.reason], [404, 'wrong_doctype'])
    assert.equal((await put(`${BILLS}/u`, { _id: 'u' })).status, 400)
    assert.equal((await put(`${BILLS}/u`, { _rev: rev })).status, 400)
    const other = await put(`${BILLS}/u`, { _id: 'v', _rev: rev })
    assert.equal(other.status, 400)
    assert.match(other.json.error, /^Bad Request\(400\): /)
    assert.equal((await put(`${BILLS}/u`, { _id: 'u', _rev: 'garbage' })).status, 400)
    assert.equal((await put(`${BILLS}/u`, { _id: 'u', _rev: rev, n: 2 })).status, 200)
  })

  it('is deleted with its revision, in the query or in If-Match, and leaves a tombstone', async () => {
    const { rev } = (await put(`${BILLS}/d`, { n: 1 })).json
    assert.equal((await remove(`${BILLS}/d`)).status, 400)
    assert.equal((await remove(`${BILLS}/d?rev=1-abc`)).status, 409)
    const differ = { method: 'DELETE', headers: { 'if-match': '1-abc' } }
    assert.equal((await ask(`/data/${BILLS}/d?rev=${rev}`, differ)).status, 400)
    const gone = await ask(`/data/${BILLS}/d`, { method: 'DELETE', headers: { 'if-match': rev } })
    assert.equal(gone.status, 200)
    assert.deepEqual(gone.json, { ok: true, id: 'd', rev: gone.json.rev, type: BILLS, deleted: true })
    assert.match(gone.json.rev, /^2-/)
    const read = await ask(`/data/${BILLS}/d`)
    assert.deepEqual([read.status, read.json.error, read.json.reason], [404, 'not_found', 'deleted'])
    assert.equal((await remove(`${BILLS}/d?rev=${gone.json.rev}`)).status, 404)
    const again = await put(`${BILLS}/d`, { n: 2 })
    assert.match(again.json.rev, /^3-/)
  })

  it('that is not there: which of the three it is', async () => {
    assert.equal((await ask(`/data/${BILLS}/nobody`)).json.reason, 'missing')
    assert.deepEqual((await ask('/data/io.cozy.nowhere/x')).json, {
      ok: false,
      status: '404',
      error: 'not_found',
      reason: 'wrong_doctype',
    })
  })

  it('refuses members with an underscore, attachments and wrong types', async () => {
    for (const body of [{ _foo: 1 }, { _deleted: true }, { _rev: '1-a' }, { _attachments: { a: {} } }, { _id: 5 }]) {
      const answer = await post(BILLS, body)
      assert.equal(answer.status, 400, JSON.stringify(body))
    }
    assert.equal((await post(BILLS, '{"__proto__":{"x":1}}')).json.error, 'doc_validation')
    assert.equal((await put(`${BILLS}/odd`, { _foo: 1 })).json.error, 'doc_validation')
    assert.equal((await put(`${BILLS}/odd`, { _id: 'odd', _rev: 5 })).status, 400)
    assert.equal((await put(`${BILLS}/odd`, { _id: {}, _rev: '1-a' })).status, 400)
    for (const body of ['[]', 'null', '5', '"a"', '{', '']) assert.equal((await post(BILLS, body)).status, 400, body)
  })

  it('refuses ids that are none', async () => {
    for (const id of ['_all', '_design%2Fx', 'x'.repeat(2000), 'a%00b', '_'])
      for (const method of ['GET', 'PUT', 'DELETE']) {
        const body = method === 'PUT' ? {} : undefined
        const answer = await ask(`/data/${BILLS}/${id}?rev=1-a`, { method, body })
        assert.deepEqual([answer.status, answer.json.error], [400, 'bad_id'], `${method} ${id.slice(0, 20)}`)
      }
    assert.equal((await put(`${BILLS}/${encodeURIComponent('é'.repeat(500))}`, {})).status, 200)
  })

  it('takes no notice of a parameter sent twice or a revision that nobody keeps', async () => {
    const { id } = (await post(BILLS, { n: 1 })).json
    assert.equal((await ask(`/data/${BILLS}/${id}?rev=1-a&rev=2-b&revs=false&revs=false`)).status, 200)
    assert.equal((await ask(`/data/${BILLS}/${id}?revs=perhaps`)).status, 400)
  })
})

describe('doctypes', () => {
  it('that are none, closed, or only read: 403', async () => {
    for (const name of ['Bills', '.a', 'a.', 'a..b', 'a-b', 'x'.repeat(300)]) {
      const answer = await ask(`/data/${name}/x`)
      assert.deepEqual(
        [answer.status, answer.json.error],
        [403, `code=403, message=\`${name}\` is not a valid doctype name`],
      )
    }
    const closed = await ask('/data/io.cozy.sessions/x')
    assert.equal(closed.json.error, 'code=403, message=reserved doctype `io.cozy.sessions` unreadable')
    const readOnly = await post('io.cozy.files', { name: 'x' })
    assert.equal(readOnly.json.error, 'code=403, message=reserved doctype `io.cozy.files` unwritable')
    assert.equal((await ask('/data/io.cozy.files/x')).status, 404)
    for (const [method, path] of [
      ['PUT', 'io.cozy.jobs/x'],
      ['DELETE', 'io.cozy.jobs/x?rev=1-a'],
      ['PUT', 'io.cozy.jobs'],
      ['DELETE', 'io.cozy.jobs'],
      ['POST', 'io.cozy.jobs/_bulk_docs'],
    ] as const) {
      const answer = await ask(`/data/${path}`, { method, ...(method !== 'DELETE' && { body: { docs: [] } }) })
      assert.equal(answer.status, 403, `${method} ${path}`)
    }
  })

  it('reserved ones are refused on every route that reads', async () => {
    for (const path of ['', '/_all_docs', '/_normal_docs', '/_changes', '/_local/x', '/_design_docs'])
      assert.equal((await ask(`/data/io.cozy.permissions${path}`)).status, 403, path)
    for (const path of [
      '/_all_docs',
      '/_changes',
      '/_bulk_get',
      '/_revs_diff',
      '/_find',
      '/_index',
      '/_ensure_full_commit',
    ])
      assert.equal(
        (await ask(`/data/io.cozy.permissions${path}`, { method: 'POST', body: { docs: [] } })).status,
        403,
        path,
      )
  })

  it('bad JSON is told before what may not be written', async () => {
    assert.equal((await post('io.cozy.files', '{', 'io.cozy.bills')).status, 400)
  })
})

describe('permissions on one document', () => {
  it('are asked by id and by a field, on what is stored and on what comes', async () => {
    const { id, rev } = (await post(BILLS, { vendor: 'acme' })).json
    const get = (scope: string) => ask(`/data/${BILLS}/${id}`, { scope })
    assert.equal((await get('io.cozy.contacts')).status, 403)
    assert.deepEqual((await get('io.cozy.contacts')).json, { error: 'code=403, message=Forbidden' })
    assert.equal((await get(`${BILLS}:POST`)).status, 403)
    assert.equal((await get(`${BILLS}:GET:${id}`)).status, 200)
    assert.equal((await get(`${BILLS}:GET:acme:vendor`)).status, 200)
    assert.equal((await get(`${BILLS}:GET:other:vendor`)).status, 403)
    const write = (body: object, scope: string) => put(`${BILLS}/${id}`, { _id: id, _rev: rev, ...body }, scope)
    assert.equal((await write({ vendor: 'other' }, `${BILLS}:PUT:acme:vendor`)).status, 403)
    assert.equal((await write({ vendor: 'other' }, `${BILLS}:PUT:other:vendor`)).status, 403)
    assert.equal((await write({ vendor: 'acme', n: 1 }, `${BILLS}:PUT:acme:vendor`)).status, 200)
    assert.equal((await post(BILLS, { vendor: 'other' }, `${BILLS}:POST:acme:vendor`)).status, 403)
    assert.equal((await post(BILLS, { vendor: 'acme' }, `${BILLS}:POST:acme:vendor`)).status, 201)
    assert.equal((await put(`${BILLS}/by-id`, {}, `${BILLS}:PUT`)).status, 403)
    assert.equal((await put(`${BILLS}/by-id`, {}, `${BILLS}:POST:by-id`)).status, 200)
    assert.equal((await remove(`${BILLS}/by-id?rev=1-a`, `${BILLS}:DELETE:other`)).status, 403)
    assert.equal((await remove(`${BILLS}/by-id?rev=1-a`, `${BILLS}:DELETE:by-id`)).status, 409)
  })

  it('who may not know learns not that there is none', async () => {
    assert.equal((await ask(`/data/${BILLS}/nobody`, { scope: `${BILLS}:GET:other` })).status, 403)
    assert.equal((await ask(`/data/${BILLS}/nobody`, { scope: `${BILLS}:GET:nobody` })).status, 404)
    assert.equal((await put(`${BILLS}/nobody`, { _id: 'nobody', _rev: '1-a' }, `${BILLS}:PUT:other`)).status, 403)
  })

  it('[do not copy] ?revs=true and ?open_revs are not answered without the permission', async () => {
    const { id, rev } = (await post(BILLS, { secret: 1 })).json
    for (const query of ['revs=true', 'open_revs=all', 'conflicts=true', `rev=${rev}`]) {
      assert.equal((await ask(`/data/${BILLS}/${id}?${query}`, { scope: 'io.cozy.contacts' })).status, 403, query)
      assert.equal((await ask(`/data/${BILLS}/${id}?${query}`, { scope: `${BILLS}:GET:x` })).status, 403, query)
    }
    const withRevs = await ask(`/data/${BILLS}/${id}?revs=true`, { scope: `${BILLS}:GET:${id}` })
    assert.deepEqual(withRevs.json._revisions, { start: 1, ids: [rev.slice(2)] })
  })

  it('nobody reads another instance, nor without a token', async () => {
    const { id } = (await post(BILLS, { n: 1 })).json
    assert.equal((await ask(`/data/${BILLS}/${id}`, { host: 'bob.localhost' })).status, 404)
    const anonymous = await ask(`/data/${BILLS}/${id}`, { headers: { authorization: '' } })
    assert.ok([400, 401, 403].includes(anonymous.status))
  })
})
