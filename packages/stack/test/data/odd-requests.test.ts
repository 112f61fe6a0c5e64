import assert from 'node:assert/strict'
import { after, before, it } from 'node:test'
import { startDataServer } from '../help/data-server.ts'
import type { TestRequest } from '../help/request.ts'

const server = await startDataServer()
after(() => server[Symbol.asyncDispose]())
const { ask } = server
const T = 'io.cozy.odd'
const path = `/data/${T}`

before(async () => {
  await ask(`${path}/kept`, { method: 'PUT', body: { kept: true } })
})

/** Values of every type, and texts that something may choke on. */
const VALUES: unknown[] = [
  null,
  true,
  0,
  -1,
  1.5,
  1e300,
  '',
  'x',
  'a\0b',
  '\ud800',
  '\ue000',
  '__proto__',
  "'; drop table docs; --",
  '%',
  '1-a',
  '0-0',
  '99999999999999999999-x',
  'x'.repeat(5000),
  [],
  [[]],
  [null],
  ['a\0'],
  [{}],
  {},
  { a: null },
  { $gt: null },
  { constructor: 1 },
]
const MEMBERS = [
  '_id',
  '_rev',
  '_deleted',
  '_revisions',
  '_attachments',
  '_type',
  '_x',
  'docs',
  'keys',
  'new_edits',
  'doc_ids',
  'selector',
  'startkey',
  'limit',
  'a',
]
const PARAMETERS = [
  'rev',
  'revs',
  'open_revs',
  'latest',
  'conflicts',
  'limit',
  'skip',
  'startkey',
  'endkey',
  'key',
  'keys',
  'descending',
  'include_docs',
  'Fields',
  'DesignDocs',
  'bookmark',
  'since',
  'feed',
  'style',
  'filter',
  'timeout',
  'heartbeat',
]
const encoded = (value: unknown) =>
  encodeURIComponent((typeof value === 'string' ? value : JSON.stringify(value)).toWellFormed())

async function assertAnswered(suffix: string, request: TestRequest): Promise<void> {
  const answer = await ask(suffix, request)
  const said = `${request.method ?? 'GET'} ${suffix.slice(0, 200)} ${JSON.stringify(request.body)?.slice(0, 200)}`
  assert.ok(answer.status < 500, `${answer.status} ${said}: ${answer.text.slice(0, 200)}`)
  // What is no path of ours is refused before any route.
  if (answer.status >= 400 && answer.text !== 'Not Found') assert.equal(typeof answer.json.error, 'string', said)
}

it('odd parameters are answered or refused, on every route that reads', { timeout: 60_000 }, async () => {
  for (const route of ['kept', '_all_docs', '_normal_docs', '_changes', '', '_local/x'])
    for (const name of PARAMETERS) {
      const queries = VALUES.filter((_, index) => index > 6 && index % 2).map(value => `${name}=${encoded(value)}`)
      queries.push(`${name}`, `${name}=1&${name}=2`, `${name}[]=1`, `${name}=%00`)
      const waits = name === 'feed' ? '&since=0' : ''
      await Promise.all(queries.map(query => assertAnswered(`${path}/${route}?${query}${waits}`, {})))
    }
})

it('odd bodies are taken or refused, on every route that takes one', { timeout: 60_000 }, async () => {
  const routes: [string, string][] = [
    ['POST', ''],
    ['PUT', 'put'],
    ['POST', '_bulk_docs'],
    ['POST', '_bulk_get'],
    ['POST', '_revs_diff'],
    ['POST', '_all_docs'],
    ['POST', '_changes'],
    ['POST', '_changes?filter=_doc_ids'],
    ['POST', '_changes?filter=_selector'],
    ['PUT', '_local/x'],
  ]
  for (const [method, route] of routes) {
    const bodies: (object | string)[] = VALUES.map(value => JSON.stringify(value))
    for (const name of MEMBERS)
      for (const value of VALUES) {
        bodies.push(JSON.stringify({ [name]: value }))
        if (name.startsWith('_') && route === '_bulk_docs') {
          bodies.push(JSON.stringify({ docs: [{ _id: 'd', _rev: '1-a', [name]: value }], new_edits: false }))
          bodies.push(JSON.stringify({ docs: [{ [name]: value }] }))
        }
      }
    for (const value of VALUES)
      bodies.push(JSON.stringify({ docs: [{ id: value, rev: value }] }), JSON.stringify({ x: value }))
    for (let at = 0; at < bodies.length; at += 50)
      await Promise.all(bodies.slice(at, at + 50).map(body => assertAnswered(`${path}/${route}`, { method, body })))
  }
})

it('odd paths are refused', { timeout: 60_000 }, async () => {
  // Of their own: an empty id is the database, and it may be dropped.
  const segments = [
    ...VALUES.map(encoded),
    '..',
    '.',
    '%2e%2e',
    '%2F',
    '%2F..%2F',
    '_design',
    '_local',
    '%ff',
    '%',
    '_design%2Fx',
    '%E2%80%AE',
  ]
  for (const segment of segments)
    for (const method of ['GET', 'PUT', 'POST', 'DELETE']) {
      const body = method === 'GET' || method === 'DELETE' ? undefined : {}
      for (const suffix of [
        `/data/${segment}`,
        `/data/${segment}/x`,
        `/data/io.cozy.paths/_local/${segment}`,
        `/data/io.cozy.paths/${segment}?rev=1-a`,
      ]) {
        await assertAnswered(suffix, { method, body })
      }
    }
})

it('after all that everything works, and nothing is lost', async () => {
  const read = await ask(`${path}/kept`)
  assert.deepEqual([read.status, read.json.kept], [200, true])
  const { rows } = (await ask(`${path}/_all_docs`)).json
  const info = (await ask(path)).json
  assert.equal(rows.length, info.doc_count)
  assert.equal((await ask(`${path}/_changes`)).json.results.length, info.doc_count + info.doc_del_count)
})
