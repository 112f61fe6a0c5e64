import assert from 'node:assert/strict'
import { after, it } from 'node:test'
import { startRooms } from './help.ts'

const rooms = await startRooms()
after(() => rooms[Symbol.asyncDispose]())

/** Numbers that are the same at each run. */
let state = 20
const next = (below: number): number => {
  state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
  return (state >>> 8) % below
}
const pick = <T>(items: readonly T[]): T => items[next(items.length)]!

const NAMES = [
  'data',
  'attributes',
  'permissions',
  'codes',
  'password',
  'expires_at',
  'cozyMetadata',
  'type',
  'verbs',
  'values',
  'selector',
  'id',
  'a',
  '__proto__',
  '',
  '\u0000',
]
const LEAVES = [
  null,
  true,
  0,
  -1,
  1e300,
  '',
  'x',
  '\u0000',
  '\ud800',
  'io.cozy.files',
  'io.cozy.*',
  '*',
  'GET',
  'ALL',
  '2030-01-01T00:00:00Z',
  'é'.repeat(300),
  [],
  {},
]
const TEXTS = [
  '',
  'x',
  '%00',
  '%ED%A0%80',
  '%',
  '..',
  '%2F',
  '1D',
  '-1',
  '9'.repeat(30),
  '[]',
  '[null]',
  '__proto__',
  'true',
  encodeURIComponent('é'.repeat(200)),
  encodeURIComponent('["a","b"]'),
]

function anything(depth: number): unknown {
  if (depth === 0 || next(4) === 0) return pick(LEAVES)
  if (next(3) === 0) return Array.from({ length: next(3) }, () => anything(depth - 1))
  return Object.fromEntries(Array.from({ length: next(4) }, () => [pick(NAMES), anything(depth - 1)]))
}

it('answers every request, whatever it says, and never with an error of its own', async () => {
  const token = await rooms.app('home', {
    files: { type: 'io.cozy.files' },
    k: { type: 'io.cozy.konnectors' },
    p: { type: 'io.cozy.permissions' },
  })
  await rooms.konnector('acme', { files: { type: 'io.cozy.files' } })
  const rules = { f: { type: 'io.cozy.files', verbs: ['GET'] } }
  const body = { data: { attributes: { permissions: rules } } }
  const { id } = (await rooms.request('/permissions?codes=a', token, { method: 'POST', body })).json.data
  const statuses = new Map<number, number>()
  for (let round = 0; round < 800; round++) {
    const path = pick([
      () => `/permissions?codes=${pick(TEXTS)}&ttl=${pick(TEXTS)}&tiny=${pick(TEXTS)}`,
      () => '/permissions/exists',
      () => '/permissions/konnectors/acme',
      () => `/permissions/${id}`,
      () => `/permissions/${pick(TEXTS)}`,
      () => `/permissions/apps/${pick(TEXTS)}`,
      () => `/permissions/doctype/${pick(TEXTS)}/shared-by-link?page[limit]=${pick(TEXTS)}&page[cursor]=${pick(TEXTS)}`,
      () => `/permissions/doctype/io.cozy.files/shared-by-link?page[limit]=${pick(TEXTS)}&page[cursor]=${pick(TEXTS)}`,
      () => '/auth/share-by-link/password',
    ])()
    const shaped = [
      anything(3),
      { data: anything(2) },
      { data: { attributes: anything(3) } },
      { data: { attributes: { permissions: anything(3) } } },
    ]
    const text = JSON.stringify(pick(shaped))
    const method = pick(['GET', 'POST', 'PATCH', 'DELETE'])
    const sent = method === 'GET' || method === 'DELETE' ? undefined : next(10) === 0 ? text.slice(0, -1) : text
    const answer = await rooms.request(path, token, { method, body: sent })
    statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1)
    assert.ok(answer.status < 500, `${method} ${path} ${sent}: ${answer.status} ${answer.text}`)
  }
  assert.ok((statuses.get(400) ?? 0) > 50, JSON.stringify([...statuses]))
  assert.equal((await rooms.request('/permissions/self', token)).status, 200)
})
