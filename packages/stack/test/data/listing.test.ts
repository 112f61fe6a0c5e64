import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { startDataServer } from '../help/data-server.ts'

const server = await startDataServer()
after(() => server[Symbol.asyncDispose]())
const { ask } = server
const T = 'io.cozy.things'
const path = `/data/${T}`
const get = (suffix: string, scope = '*') => ask(`${path}/${suffix}`, { scope })
const ids = (answer: { json: { rows: { id: string }[] } }) => answer.json.rows.map(({ id }) => id)
const key = (value: unknown) => encodeURIComponent(JSON.stringify(value))

before(async () => {
  const docs = ['a', 'b', 'c', 'd', 'e', 'B'].map((id, n) => ({ _id: id, n, in: { x: n, y: 1 }, 'p.q': n }))
  await ask(`${path}/_bulk_docs`, { method: 'POST', body: { docs } })
  const { rev } = (await ask(`${path}/gone`, { method: 'PUT', body: {} })).json
  await ask(`${path}/gone?rev=${rev}`, { method: 'DELETE' })
  await ask(`${path}/_index`, { method: 'POST', body: { index: { fields: ['n'] }, ddoc: 'by_n' } })
})

describe('_all_docs', () => {
  it('lists by id in the order of bytes, design documents among them', async () => {
    const all = await get('_all_docs')
    assert.equal(all.status, 200)
    assert.deepEqual(ids(all), ['B', '_design/by_n', 'a', 'b', 'c', 'd', 'e'])
    assert.deepEqual([all.json.total_rows, all.json.offset], [7, 0])
    const [row] = all.json.rows
    assert.deepEqual(Object.keys(row), ['id', 'key', 'value'])
    assert.equal(row.key, 'B')
    assert.match(row.value.rev, /^1-/)
  })

  it('includes documents as they are stored, without a type', async () => {
    const { rows } = (await get('_all_docs?include_docs=true')).json
    assert.deepEqual(rows[2].doc, { _id: 'a', _rev: rows[2].value.rev, n: 0, in: { x: 0, y: 1 }, 'p.q': 0 })
    assert.equal(rows[1].doc.language, 'query')
  })

  it('takes ranges, directions, skip and limit', async () => {
    const cases: [string, string[], number][] = [
      [`startkey=${key('b')}&endkey=${key('d')}`, ['b', 'c', 'd'], 3],
      [`startkey=${key('b')}&endkey=${key('d')}&inclusive_end=false`, ['b', 'c'], 3],
      [`start_key=${key('b')}&end_key=${key('c')}`, ['b', 'c'], 3],
      [`startkey=${key('d')}&endkey=${key('b')}&descending=true`, ['d', 'c', 'b'], 1],
      ['descending=true&limit=2', ['e', 'd'], 0],
      ['skip=1&limit=2', ['_design/by_n', 'a'], 1],
      ['skip=2&limit=1', ['a'], 2],
      ['skip=5&descending=true', ['_design/by_n', 'B'], 5],
      ['skip=6&descending=true', ['B'], 6],
      [`key=${key('c')}`, ['c'], 4],
      [`key=${key('nobody')}`, [], 7],
      ['limit=0', [], 0],
      [`startkey=null&endkey=${key({})}`, ['B', '_design/by_n', 'a', 'b', 'c', 'd', 'e'], 0],
      [`startkey=${key({})}`, [], 7],
      ['endkey=5', [], 7],
      [`startkey=${key('c\0')}`, ['d', 'e'], 5],
      [`endkey=${key('a\0')}`, ['B', '_design/by_n', 'a'], 0],
      [`startkey=${key('_design/')}&endkey=${key('_design/\uffff')}`, ['_design/by_n'], 1],
    ]
    for (const [query, expected, offset] of cases) {
      const answer = await get(`_all_docs?${query}`)
      assert.deepEqual(ids(answer), expected, query)
      assert.equal(answer.json.offset, offset, query)
    }
  })

  it('answers for given keys in their order: unknown, deleted, repeated', async () => {
    const expectRows = (rows: Record<string, unknown>[]) => {
      assert.deepEqual(rows[1], { key: 'zz', error: 'not_found' })
      assert.deepEqual([rows[0]!.id, rows[4]!.id], ['b', 'b'])
      const { value } = rows[2] as { value: { rev: string; deleted: boolean } }
      assert.deepEqual(rows[2], { id: 'gone', key: 'gone', value: { rev: value.rev, deleted: true }, doc: null })
      assert.equal((rows[3]!.doc as { language: string }).language, 'query')
      assert.deepEqual(rows[5], { key: 'a\0', error: 'not_found' })
    }
    const keys = ['b', 'zz', 'gone', '_design/by_n', 'b', 'a\0']
    const asked = await get(`_all_docs?include_docs=true&keys=${key(keys)}`)
    assert.deepEqual([asked.json.total_rows, asked.json.offset], [7, 0])
    expectRows(asked.json.rows)
    const posted = await ask(`${path}/_all_docs?include_docs=true`, { method: 'POST', body: { keys } })
    expectRows(posted.json.rows)
    const without = await ask(`${path}/_all_docs`, { method: 'POST', body: { keys: ['gone', 'b'], descending: true } })
    assert.deepEqual(
      without.json.rows.map((row: object) => Object.keys(row)),
      [
        ['id', 'key', 'value'],
        ['id', 'key', 'value'],
      ],
    )
    assert.deepEqual(ids(without), ['b', 'gone'])
  })

  it('takes an empty object, and nothing, for all', async () => {
    assert.equal((await ask(`${path}/_all_docs`, { method: 'POST', body: {} })).json.rows.length, 7)
    assert.equal((await ask(`${path}/_all_docs`, { method: 'POST' })).json.rows.length, 7)
    const body = { startkey: 'd', limit: 1, include_docs: true }
    assert.equal((await ask(`${path}/_all_docs`, { method: 'POST', body })).json.rows[0].doc.n, 3)
  })

  it('has the sequence when asked', async () => {
    assert.match((await get('_all_docs?update_seq=true&limit=0')).json.update_seq, /^8-\w+$/)
  })

  it('filters in the way of the stack: only some fields, no key, totals last', async () => {
    const some = await get('_all_docs?Fields=n,_id,in.x,p.q&DesignDocs=false&include_docs=false&key=%22b%22&limit=2')
    assert.deepEqual(Object.keys(some.json), ['rows', 'total_rows', 'offset'])
    assert.deepEqual(ids(some), ['B', 'a'])
    const [row] = some.json.rows
    assert.deepEqual(Object.keys(row), ['id', 'value', 'doc'])
    assert.deepEqual(row.doc, { n: 5, _id: 'B', in: { x: 5 }, 'p.q': 5 })
    const noDesign = (await get('_all_docs?DesignDocs=false')).json.rows
    assert.deepEqual([noDesign.length, noDesign[0].key, noDesign[0].doc.n], [6, 'B', 5])
    const withDesign = (await get('_all_docs?Fields=language')).json.rows
    assert.deepEqual(withDesign[1].doc, { language: 'query' })
  })

  it('refuses what is no parameter: 400 with the body of CouchDB', async () => {
    for (const query of [
      'limit=abc',
      'limit=-1',
      'skip=1.5',
      'include_docs=1',
      'startkey=abc',
      'keys={}',
      'keys=[5]',
      'descending=no',
    ]) {
      const answer = await get(`_all_docs?${query}`)
      assert.deepEqual([answer.status, Object.keys(answer.json)], [400, ['error', 'reason']], query)
    }
    for (const body of [{ keys: 5 }, { keys: [{}] }, { keys: null }, { limit: 'x' }, { limit: {} }, { skip: -1 }])
      assert.equal((await ask(`${path}/_all_docs`, { method: 'POST', body })).status, 400, JSON.stringify(body))
  })

  it('needs the whole doctype, and a database', async () => {
    assert.equal((await get('_all_docs', `${T}:GET:a`)).status, 403)
    assert.equal((await get('_all_docs', `${T}:POST`)).status, 403)
    assert.equal((await get('_all_docs', `${T}:GET`)).status, 200)
    const nowhere = await ask('/data/io.cozy.nowhere/_all_docs')
    assert.deepEqual([nowhere.status, nowhere.json], [404, { error: 'not_found', reason: 'Database does not exist.' }])
  })
})

describe('_normal_docs', () => {
  it('gives bare documents, page by page, by bookmark before skip', async () => {
    const first = (await get('_normal_docs?limit=4')).json
    assert.equal(first.total_rows, 6)
    assert.deepEqual(
      first.rows.map((doc: { _id: string }) => doc._id),
      ['B', 'a', 'b', 'c'],
    )
    assert.deepEqual(Object.keys(first.rows[0]).slice(0, 2), ['_id', '_rev'])
    const second = (await get(`_normal_docs?limit=4&skip=3&bookmark=${first.bookmark}`)).json
    assert.deepEqual(
      second.rows.map((doc: { _id: string }) => doc._id),
      ['d', 'e'],
    )
    const third = (await get(`_normal_docs?limit=4&bookmark=${second.bookmark}`)).json
    assert.deepEqual([third.rows, third.bookmark], [[], second.bookmark])
    assert.equal((await get('_normal_docs?skip=5')).json.rows.length, 1)
    assert.equal((await get('_normal_docs?bookmark=nonsense')).status, 400)
    assert.equal((await get('_normal_docs?execution_stats=true')).json.execution_stats.results_returned, 6)
    assert.equal((await ask('/data/io.cozy.nowhere/_normal_docs')).json.error, 'not_found')
  })

  it('[compat] resets a limit over 1000, negative or none to 100', async () => {
    const docs = Array.from({ length: 130 }, (_, n) => ({ n }))
    await ask('/data/io.cozy.many/_bulk_docs', { method: 'POST', body: { docs } })
    for (const limit of ['1001', '-1', 'abc', '', '99999999999999999999'])
      assert.equal((await ask(`/data/io.cozy.many/_normal_docs?limit=${limit}`)).json.rows.length, 100, limit)
    assert.equal((await ask('/data/io.cozy.many/_normal_docs?limit=1000')).json.rows.length, 130)
    assert.equal((await ask('/data/io.cozy.many/_normal_docs?limit=0')).json.rows.length, 0)
  })
})

describe('databases', () => {
  it('are welcomed, created, described, counted among the doctypes and dropped', async () => {
    const welcome = await ask('/data/', { headers: { authorization: '' } })
    assert.deepEqual([welcome.status, welcome.json], [200, { message: 'welcome to a cozy API' }])
    const db = '/data/io.cozy.fresh/'
    assert.equal((await ask(db)).json.reason, 'Database does not exist.')
    const made = await ask(db, { method: 'PUT' })
    assert.deepEqual([made.status, made.json], [201, { ok: true }])
    const twice = await ask(db, { method: 'PUT' })
    assert.deepEqual([twice.status, twice.json.error], [412, 'file_exists'])
    await ask(db, { method: 'POST', body: { n: 1 } })
    const info = (await ask(db)).json
    assert.deepEqual([info.db_name, info.doc_count, info.doc_del_count], ['io.cozy.fresh', 1, 0])
    assert.match(info.update_seq, /^1-\w+$/)
    assert.ok(info.sizes.active > 0)
    assert.deepEqual((await ask(`${db}_ensure_full_commit`, { method: 'POST' })).status, 201)
    await ask('/data/io.cozy.account_types/', { method: 'PUT' })
    assert.deepEqual((await ask('/data/_all_doctypes')).json, ['io.cozy.fresh', 'io.cozy.many', T])
    assert.equal((await ask('/data/_all_doctypes', { scope: T })).status, 403)
    assert.equal((await ask(db, { method: 'DELETE', scope: 'io.cozy.fresh:DELETE:x' })).status, 403)
    const dropped = await ask(db, { method: 'DELETE' })
    assert.deepEqual([dropped.status, dropped.json], [200, { ok: true, deleted: true }])
    assert.equal((await ask(db, { method: 'DELETE' })).status, 404)
    assert.equal((await ask(db)).status, 404)
  })

  it('appear with the first document, not with an update or a deletion of none', async () => {
    const update = { method: 'PUT', body: { _id: 'x', _rev: '1-a' } }
    assert.equal((await ask('/data/io.cozy.unborn/x', update)).status, 404)
    assert.equal((await ask('/data/io.cozy.unborn/x?rev=1-a', { method: 'DELETE' })).status, 404)
    const docs = [{ _id: 'x', _rev: '1-a', _deleted: true }]
    const bulk = await ask('/data/io.cozy.unborn/_bulk_docs', { method: 'POST', body: { docs } })
    assert.equal(bulk.json[0].error, 'conflict')
    assert.equal((await ask('/data/io.cozy.unborn')).status, 404)
  })
})

describe('records of files', () => {
  it('never show what they hold for the server alone', async () => {
    const { documents } = server.ground
    const record = { type: 'file', name: 'a', dir_id: 'r', metadata: { internal_x: 1 }, internal_blob: 'secret-key' }
    const { id, rev } = await documents.of(server.tenant).create('io.cozy.files', record)
    const f = '/data/io.cozy.files'
    const answers = [
      await ask(`${f}/${id}`),
      await ask(`${f}/${id}?open_revs=all`),
      await ask(`${f}/_all_docs?include_docs=true`),
      await ask(`${f}/_all_docs?include_docs=true`, { method: 'POST', body: { keys: [id] } }),
      await ask(`${f}/_all_docs?Fields=name,internal_blob`),
      await ask(`${f}/_normal_docs`),
      await ask(`${f}/_changes?include_docs=true`),
      await ask(`${f}/_bulk_get`, { method: 'POST', body: { docs: [{ id, rev }] } }),
      await ask(`${f}/_find`, { method: 'POST', body: { selector: { _id: id } } }),
      await ask(`${f}/_find`, { method: 'POST', body: { selector: { _id: id }, fields: ['name', 'internal_blob'] } }),
    ]
    for (const [index, answer] of answers.entries()) {
      assert.equal(answer.status, 200, String(index))
      assert.match(answer.text, /"name": ?"a"/, String(index))
      assert.doesNotMatch(answer.text, /secret-key|internal_blob/, String(index))
    }
    assert.match(answers[0]!.text, /internal_x/)
  })

  it('of directories that a client does not synchronize are deletions in its changes', async () => {
    const { documents } = server.ground
    const mark = { type: 'io.cozy.oauth.clients', id: 'desktop' }
    const directory = { type: 'directory', name: 'd', dir_id: 'r', path: '/d', not_synchronized_on: [mark] }
    const { id, rev } = await documents.of(server.tenant).create('io.cozy.files', directory)
    const rowFor = async (scope: string) => {
      const { results } = (await ask('/data/io.cozy.files/_changes?include_docs=true', { scope })).json
      return results.find((row: { id: string }) => row.id === id)
    }
    const there = await rowFor('client=desktop io.cozy.files:GET')
    assert.deepEqual([there.deleted, there.doc], [true, { _id: id, _rev: rev, _deleted: true }])
    const elsewhere = await rowFor('client=phone io.cozy.files:GET')
    assert.deepEqual([elsewhere.deleted, elsewhere.doc.name], [undefined, 'd'])
  })
})
