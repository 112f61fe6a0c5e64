import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { z } from 'zod'
import { systemClock } from '../../src/ground/clock.ts'
import { silentLog } from '../../src/ground/database/testing.ts'
import type { Grant } from '../../src/ground/http/grant.ts'
import {
  conflict,
  createServer,
  HttpError,
  invalidParameter,
  json,
  jsonText,
  listen,
  route,
} from '../../src/ground/http/index.ts'
import { send } from '../help/request.ts'

const allowing = (answer: boolean): Grant => ({
  maximal: false,
  allowsWholeType: () => answer,
  allowsId: () => answer,
  allowsDocument: () => answer,
  allowsOnFields: () => answer,
})
const tenant = {
  id: '00000000-0000-4000-8000-000000000001',
  domain: 'localhost',
  url: 'http://localhost/',
  locale: 'en',
}
const anything = z.record(z.string(), z.unknown())

const routes = [
  route({
    method: 'GET',
    path: '/large',
    summary: 's',
    family: 'plain',
    permission: { token: 'test' },
    handle: () => json({ a: 'x'.repeat(5000) }),
  }),
  route({
    method: 'GET',
    path: '/public',
    summary: 's',
    family: 'plain',
    permission: { public: 'test' },
    handle: () => json({ fine: true }),
  }),
  route({
    method: 'GET',
    path: '/mine/:id',
    summary: 's',
    family: 'data',
    permission: { token: 'test' },
    handle: ({ params, actor }) => json({ id: params.id, who: actor.subject }),
  }),
  route({
    method: 'GET',
    path: '/whole/:doctype',
    summary: 's',
    family: 'json-api',
    permission: { whole: 'GET', of: params => params.doctype as string },
    handle: () => json({}),
  }),
  route({
    method: 'GET',
    path: '/forgot',
    summary: 's',
    family: 'data',
    permission: { inside: 'never asked' },
    handle: () => jsonText('{"leak":true}'),
  }),
  route({
    method: 'POST',
    path: '/data',
    summary: 's',
    family: 'data',
    permission: { token: 'test' },
    body: { json: anything },
    bodyLimit: 1000,
    handle: ({ body }) => json(body),
  }),
  route({
    method: 'POST',
    path: '/form',
    summary: 's',
    family: 'oauth',
    permission: { public: 'test' },
    body: { form: z.object({ a: z.string() }) },
    handle: ({ body }) => json(body),
  }),
  route({
    method: 'POST',
    path: '/api',
    summary: 's',
    family: 'json-api',
    permission: { token: 'test' },
    body: { json: z.object({ data: z.object({}) }) },
    handle: () => {
      throw invalidParameter('name', 'no such name')
    },
  }),
  route({
    method: 'GET',
    path: '/data/conflict',
    summary: 's',
    family: 'data',
    permission: { token: 'test' },
    handle: () => {
      throw conflict()
    },
  }),
  route({
    method: 'GET',
    path: '/broken',
    summary: 's',
    family: 'json-api',
    permission: { token: 'test' },
    handle: () => {
      throw new Error('the secret inside')
    },
  }),
  route({
    method: 'GET',
    path: '/signed-in',
    summary: 's',
    family: 'page',
    permission: { session: 'test' },
    handle: () => json({}),
  }),
]
const listener = await listen('127.0.0.1', 0, 'PORT')
const server = await createServer({
  listener,
  routes,
  secure: false,
  log: silentLog,
  clock: systemClock,
  gate: {
    tenantOf: async host => {
      if (host === 'nobody') throw new HttpError(404, 'Instance not found')
      return { tenant, blocked: undefined }
    },
    tokenOf: ({ headers }) => headers.authorization?.replace('Bearer ', ''),
    async authenticate(_tenant, token) {
      if (token === 'bad')
        throw new HttpError(400, 'Invalid JWT token', { 'www-authenticate': 'Bearer error="invalid_token"' })
      return { kind: 'cli', subject: 'CLI', grant: allowing(token === 'all') }
    },
    registering: async () => undefined,
    sessionOf: async (_tenant, cookie) => (cookie ? { id: 'one', createdAt: '' } : undefined),
  },
})
after(async () => {
  await listener[Symbol.asyncDispose]()
  await server.close()
})
const origin = `http://127.0.0.1:${listener.port}`
const all = { authorization: 'Bearer all' }
const ask = (path: string, headers: Record<string, string> = all) => send(origin, path, { headers })
const post = (path: string, body: object | string | Uint8Array) =>
  send(origin, path, { method: 'POST', headers: all, body })

test('without a token 401, with a bad one 400, without the permission 403', async () => {
  const none = await ask('/mine/1', {})
  assert.deepEqual([none.status, none.json], [401, { error: 'code=401, message=No token in request' }])
  const bad = await ask('/mine/1', { authorization: 'Bearer bad' })
  assert.deepEqual([bad.status, bad.headers['www-authenticate']], [400, 'Bearer error="invalid_token"'])
  const weak = await ask('/whole/io.cozy.bills', { authorization: 'Bearer nothing', accept: 'application/json' })
  assert.deepEqual([weak.status, weak.json], [403, { error: 'Forbidden' }])
  assert.equal((await ask('/whole/io.cozy.bills')).status, 200)
  assert.equal((await ask('/signed-in', {})).status, 403)
  assert.equal((await ask('/signed-in', { cookie: 'a=b' })).status, 200)
})

test('a route that forgets to ask answers with an error and shows nothing', async () => {
  const answer = await ask('/forgot')
  assert.deepEqual([answer.status, answer.text], [500, '{"error":"Internal server error"}'])
})

test('an encoded slash does not split a segment', async () => {
  assert.deepEqual((await ask('/mine/io.cozy.konnectors%2Facme')).json, { id: 'io.cozy.konnectors/acme', who: 'CLI' })
  assert.equal((await ask('/mine/1/')).status, 200)
})

test('each family renders an error in its own way', async () => {
  const couch = await ask('/data/conflict')
  assert.deepEqual(couch.json, { ok: false, status: '409', error: 'conflict', reason: 'Document update conflict.' })
  const api = await post('/api', { data: {} })
  assert.match(String(api.headers['content-type']), /^application\/vnd\.api\+json/)
  assert.deepEqual(api.json.errors, [
    { status: '422', title: 'Invalid Parameter', detail: 'no such name', source: { parameter: 'name' } },
  ])
  const inside = await ask('/broken')
  assert.equal(inside.status, 500)
  assert.doesNotMatch(inside.text, /secret inside/)
})

test('bodies that are none: 400; too large: 413', async () => {
  for (const body of ['{', '[1', '"text"', 'null', '', '{"a":1e999}', `${'['.repeat(300)}${']'.repeat(300)}`])
    assert.equal((await post('/data', body)).status, 400, body.slice(0, 20))
  assert.equal((await post('/data', Buffer.from([0x22, 0xff, 0x22]))).status, 400)
  assert.equal((await post('/data', { a: 'x'.repeat(2000) })).status, 413)
  assert.deepEqual((await post('/data', '{"a":"[[[[","n":1e99}')).json, { a: '[[[[', n: 1e99 })
  assert.deepEqual((await post('/form', 'a=b+c')).json, { a: 'b c' })
})

test('unknown paths and hosts are 404, in the form asked for', async () => {
  assert.equal((await ask('/nowhere')).status, 404)
  assert.equal((await send(origin, '/public', { host: 'nobody' })).status, 404)
  assert.match((await ask('/nowhere', { accept: 'text/html' })).text, /<h1>Not Found/)
})

test('any origin may ask, none may ask the pages', async () => {
  const preflight = await send(origin, '/data/x', {
    method: 'OPTIONS',
    headers: { origin: 'http://a.b', 'access-control-request-headers': 'authorization' },
  })
  assert.deepEqual(
    [
      preflight.status,
      preflight.headers['access-control-allow-origin'],
      preflight.headers['access-control-allow-headers'],
    ],
    [204, 'http://a.b', 'authorization'],
  )
  const auth = await ask('/auth/login', { origin: 'http://a.b' })
  assert.equal(auth.headers['access-control-allow-origin'], undefined)
  assert.equal((await ask('/public')).headers['x-content-type-options'], 'nosniff')
})

test('a long answer is compressed when the client takes it, and HEAD has no body', async () => {
  const long = { a: 'x'.repeat(5000) }
  const large = await send(origin, '/large', { headers: { ...all, 'accept-encoding': 'gzip, br' } })
  assert.equal(large.headers['content-encoding'], 'gzip')
  assert.deepEqual(JSON.parse(gunzipSync(large.bytes).toString()), long)
  assert.equal((await ask('/large')).headers['content-encoding'], undefined)
  assert.deepEqual((await ask('/large')).json, long)
  const head = await send(origin, '/mine/1', { method: 'HEAD', headers: all })
  assert.deepEqual([head.status, head.bytes.length], [200, 0])
})

test('a port that is taken is told with what to do', async () => {
  await assert.rejects(
    listen('127.0.0.1', listener.port, 'KONNECTORY_PORT'),
    /is taken by another program.*KONNECTORY_PORT=/,
  )
})
