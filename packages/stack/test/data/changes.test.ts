import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { startDataServer } from '../help/data-server.ts'

const server = await startDataServer()
after(() => server[Symbol.asyncDispose]())
const { ask } = server
let made = 0
/** A database with documents a..e changed in that order, b changed again and d deleted. */
async function database(): Promise<string> {
  const path = `/data/io.cozy.feed${++made}`
  const docs = ['a', 'b', 'c', 'd', 'e'].map((id, n) => ({ _id: id, n }))
  const written = (await ask(`${path}/_bulk_docs`, { method: 'POST', body: { docs } })).json
  const again = [
    { _id: 'b', _rev: written[1].rev, n: 10 },
    { _id: 'd', _rev: written[3].rev, _deleted: true },
  ]
  await ask(`${path}/_bulk_docs`, { method: 'POST', body: { docs: again } })
  return path
}
const changes = (path: string, query = '') => ask(`${path}/_changes${query}`)
const ids = (answer: { json: { results: { id: string }[] } }) => answer.json.results.map(({ id }) => id)
const filter = (path: string, name: string, body: object | undefined) =>
  ask(`${path}/_changes?filter=${name}`, { method: 'POST', ...(body && { body }) })

describe('_changes', () => {
  it('tells the last change of each document, in order', async () => {
    const path = await database()
    const all = await changes(path, '?include_docs=true')
    assert.equal(all.status, 200)
    assert.deepEqual(ids(all), ['a', 'c', 'e', 'b', 'd'])
    const { results, last_seq, pending } = all.json
    assert.deepEqual([last_seq, pending], [results[4].seq, 0])
    assert.match(last_seq, /^7-\w+$/)
    assert.deepEqual(results[3].doc, { _id: 'b', _rev: results[3].changes[0].rev, n: 10 })
    assert.equal(results[3].deleted, undefined)
    const { rev } = results[4].changes[0]
    assert.deepEqual(results[4], {
      id: 'd',
      seq: last_seq,
      deleted: true,
      changes: [{ rev }],
      doc: { _id: 'd', _rev: rev, _deleted: true },
    })
  })

  it('goes on from a place; a limit of 0 is none', async () => {
    const path = await database()
    const first = (await changes(path, '?limit=2')).json
    assert.deepEqual([first.results.length, first.last_seq, first.pending], [2, first.results[1].seq, 3])
    const next = await changes(path, `?since=${first.last_seq}&limit=2`)
    assert.deepEqual([ids(next), next.json.pending], [['e', 'b'], 1])
    const last = await changes(path, `?since=${next.json.last_seq}`)
    assert.deepEqual([ids(last), last.json.pending], [['d'], 0])
    const none = (await changes(path, `?since=${last.json.last_seq}`)).json
    assert.deepEqual(none, { results: [], last_seq: last.json.last_seq, pending: 0 })
    assert.deepEqual((await changes(path, '?since=now')).json, none)
    assert.equal(ids(await changes(path, '?since=0&limit=0')).length, 5)
    assert.equal(ids(await changes(path, '?since=3')).length, 3)
  })

  it('starts over for a place of another life of the database, or of its future', async () => {
    const path = await database()
    const { last_seq } = (await changes(path)).json
    assert.equal(ids(await changes(path, '?since=3-x')).length, 5)
    assert.equal(ids(await changes(path, `?since=99-${last_seq.split('-')[1]}`)).length, 5)
    await ask(path, { method: 'DELETE' })
    await ask(`${path}/new`, { method: 'PUT', body: {} })
    const after = await changes(path, `?since=${last_seq}`)
    assert.deepEqual(ids(after), ['new'])
    assert.notEqual(after.json.last_seq.split('-')[1], last_seq.split('-')[1])
  })

  it('goes backwards', async () => {
    const path = await database()
    assert.deepEqual(ids(await changes(path, '?descending=true')), ['d', 'b', 'e', 'c', 'a'])
    const newest = (await changes(path, '?descending=true&limit=1')).json
    assert.deepEqual([newest.results[0].id, newest.last_seq, newest.pending], ['d', newest.results[0].seq, 4])
  })

  it('filters by ids and by selector, on POST only', async () => {
    const path = await database()
    assert.deepEqual(ids(await filter(path, '_doc_ids', { doc_ids: ['e', 'a', 'zz', 'a\0'] })), ['a', 'e'])
    assert.deepEqual(ids(await filter(path, '_selector', { selector: { n: { $gt: 3 } } })), ['e', 'b'])
    assert.deepEqual(ids(await filter(path, '_design', {})), [])
    assert.deepEqual(ids(await ask(`${path}/_changes`, { method: 'POST' })), ['a', 'c', 'e', 'b', 'd'])
    assert.equal((await filter(path, '_doc_ids', { doc_ids: 'a' })).status, 400)
    assert.equal((await filter(path, '_doc_ids', { doc_ids: [1] })).status, 400)
    assert.equal((await filter(path, '_doc_ids', undefined)).status, 400)
    assert.equal((await filter(path, '_selector', { selector: { $nothing: 1 } })).status, 400)
    assert.equal((await filter(path, '_selector', {})).status, 400)
    assert.equal((await filter(path, '_view', {})).status, 400)
    assert.equal((await changes(path, '?filter=_doc_ids')).status, 400)
  })

  it('refuses other parameters and values by name', async () => {
    const path = await database()
    const answer = await changes(path, '?conflicts=true')
    assert.deepEqual(
      [answer.status, answer.json],
      [400, { error: "Bad Request(400): Unsupported query parameter 'conflicts'" }],
    )
    for (const query of [
      'feed=continuous',
      'feed=eventsource',
      'style=x',
      'since=garbage',
      'since=-1',
      'limit=x',
      'limit=-1',
      'include_docs=maybe',
      'timeout=x',
      'heartbeat=x',
      'seq_interval=x',
    ])
      assert.equal((await changes(path, `?${query}`)).status, 400, query)
    const allowed =
      'feed=normal&style=all_docs&since=0&limit=10&timeout=1000&include_docs=false&heartbeat=true&_nonce=1&seq_interval=10&descending=false'
    assert.equal((await changes(path, `?${allowed}`)).status, 200)
    assert.equal((await changes(path, '?__proto__=1')).status, 400)
  })

  it('needs the whole doctype and a database', async () => {
    const path = await database()
    const doctype = path.slice(6)
    assert.equal((await ask(`${path}/_changes`, { scope: `${doctype}:GET:a` })).status, 403)
    assert.equal((await ask('/data/io.cozy.nowhere/_changes')).json.reason, 'Database does not exist.')
  })

  it('waits for the first change when asked to (feed=longpoll)', async () => {
    const path = await database()
    const { last_seq } = (await changes(path)).json
    const waiting = changes(path, `?feed=longpoll&since=${last_seq}&include_docs=true`)
    const other = await database()
    assert.notEqual(other, path)
    await ask(`${path}/f`, { method: 'PUT', body: { n: 6 } })
    const found = (await waiting).json
    assert.deepEqual([found.results.length, found.results[0].doc.n], [1, 6])
    assert.equal(ids(await changes(path, '?feed=longpoll')).length, 6)
    const started = performance.now()
    const nothing = (await changes(path, `?feed=longpoll&timeout=50&since=${found.last_seq}`)).json
    assert.deepEqual(nothing, { results: [], last_seq: found.last_seq, pending: 0 })
    assert.ok(performance.now() - started >= 49)
  })

  it('waits for what its filter lets through', async () => {
    const path = await database()
    const { last_seq } = (await changes(path)).json
    const body = { doc_ids: ['wanted'] }
    const waiting = ask(`${path}/_changes?filter=_doc_ids&feed=longpoll&since=${last_seq}`, { method: 'POST', body })
    await ask(`${path}/unwanted`, { method: 'PUT', body: {} })
    await ask(`${path}/wanted`, { method: 'PUT', body: {} })
    assert.deepEqual(ids(await waiting), ['wanted'])
  })

  it('comes page by page when there is much, each change once and in order', async () => {
    const path = '/data/io.cozy.long'
    const documents = server.ground.documents.of(server.tenant)
    await documents.write(
      'io.cozy.long',
      Array.from({ length: 3500 }, (_, n) => ({ body: { n, filler: 'x'.repeat(n % 700) } })),
    )
    for (const query of ['', '?include_docs=true', '?descending=true&include_docs=true', '?style=all_docs']) {
      const { results } = (await changes(path, query)).json
      const numbers = results.map(({ seq }: { seq: string }) => Number.parseInt(seq, 10))
      if (query.includes('descending')) numbers.reverse()
      assert.deepEqual(
        numbers,
        Array.from({ length: 3500 }, (_, n) => n + 1),
        query,
      )
    }
    const { rows } = (await ask(`${path}/_all_docs?include_docs=true`)).json
    assert.equal(new Set(rows.map(({ doc }: { doc: { n: number } }) => doc.n)).size, 3500)
    assert.equal((await ask(`${path}/_all_docs?limit=2400&skip=1000`)).json.rows.length, 2400)
  })
})
