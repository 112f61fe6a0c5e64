import assert from 'node:assert/strict'
import { test } from 'node:test'
import { derivePassphrase } from '../../src/rooms/instances/passphrase/derive.ts'
import { ITERATIONS, makeInstance, openBench, serve } from './help.ts'

async function openOffice() {
  const cleanup = new AsyncDisposableStack()
  const bench = cleanup.use(await openBench())
  // The administration's routes need no instance of their own; the test's gate wants one.
  await makeInstance(bench, 'gate.localhost')
  const served = cleanup.use(await serve(bench, bench.instances.adminRoutes, { host: 'gate.localhost' }))
  return { bench, ...served, [Symbol.asyncDispose]: () => cleanup.disposeAsync() }
}

test('add, show, list, change, destroy', async () => {
  await using office = await openOffice()
  const { request, bench } = office
  const made = await request('/instances', {
    method: 'POST',
    body: { domain: 'Alice.localhost:8080', locale: 'fr', email: 'a@b.net', quotaBytes: 10 },
  })
  assert.equal(made.status, 201)
  const { register_token: token, ...attributes } = made.json.data.attributes
  assert.match(token, /^[0-9a-f]{32}$/)
  assert.deepEqual(
    [made.json.data.id, attributes.url, attributes.quota_bytes, attributes.passphrase_defined],
    ['alice.localhost:8080', 'http://alice.localhost:8080/', 10, false],
  )
  const one = '/instances/alice.localhost%3A8080'
  const shown = await request(one)
  assert.equal(shown.json.data.attributes.register_token, undefined)
  assert.ok(!shown.text.includes('secrets'))
  assert.deepEqual(
    (await request('/instances')).json.data.map(({ id }: { id: string }) => id),
    ['alice.localhost:8080', 'gate.localhost'],
  )
  const first = await request('/instances?limit=1')
  assert.equal(first.json.links.next, '/instances?limit=1&after=alice.localhost%3A8080')
  assert.equal((await request(first.json.links.next)).json.data[0].id, 'gate.localhost')

  const changed = await request(one, {
    method: 'PATCH',
    body: { blocked: 'PAYMENT_FAILED', quotaBytes: null, locale: 'en' },
  })
  assert.deepEqual(
    [
      changed.json.data.attributes.blocked,
      changed.json.data.attributes.quota_bytes,
      changed.json.data.attributes.locale,
    ],
    ['PAYMENT_FAILED', undefined, 'en'],
  )
  const moved = await request(one, { method: 'PATCH', body: { domain: 'alice2.localhost', blocked: null } })
  assert.equal(moved.json.data.attributes.old_domain, 'alice.localhost:8080')
  assert.equal((await request('/instances/alice2.localhost', { method: 'DELETE' })).status, 204)
  assert.equal((await request('/instances/alice2.localhost')).status, 404)
  assert.equal(await bench.instances.byDomain('alice2.localhost'), undefined)
})

test('what cannot be is told, never a 500', async () => {
  await using office = await openOffice()
  const { request } = office
  for (const [method, path, body, status] of [
    ['POST', '/instances', '{', 400],
    ['POST', '/instances', {}, 422],
    ['POST', '/instances', { domain: 7 }, 422],
    ['POST', '/instances', { domain: 'a b' }, 422],
    ['POST', '/instances', { domain: 'gate.localhost' }, 409],
    ['POST', '/instances', { domain: 'a.localhost', passphrase: 'x' }, 422],
    ['POST', '/instances', { domain: 'a.localhost', quotaBytes: 1e300 }, 422],
    ['PATCH', '/instances/gate.localhost', { blocked: 'BECAUSE' }, 422],
    ['PATCH', '/instances/gate.localhost', { tz: 'Mars/Base' }, 422],
    ['PATCH', '/instances/nobody.localhost', {}, 404],
    ['DELETE', '/instances/%20', undefined, 404],
    ['GET', '/instances?limit=0', undefined, 422],
    ['PUT', '/instances/gate.localhost/passphrase', { passphrase: 'clear', iterations: 0 }, 400],
    ['PUT', '/instances/gate.localhost/passphrase', { passphrase: 'x', iterations: 10 }, 422],
    ['POST', '/instances/import', 'no archive', 400],
    ['POST', '/instances/nobody.localhost/export', {}, 404],
  ] as const) {
    const answer = await request(path, { method, body })
    assert.ok(
      answer.status === status || (status === 422 && answer.status === 400),
      `${method} ${path} ${JSON.stringify(body)}: ${answer.status} ${answer.text}`,
    )
    assert.equal(typeof answer.json.errors[0].detail, 'string')
  }
})

test('the passphrase is set derived, with the salt the server tells', async () => {
  await using office = await openOffice()
  const { request, bench } = office
  const path = '/instances/gate.localhost/passphrase'
  const { salt } = (await request(path)).json.data.attributes
  assert.equal(salt, 'me@gate.localhost')
  const passphrase = await derivePassphrase('correct horse', salt, ITERATIONS)
  assert.equal(
    (await request(path, { method: 'PUT', body: { passphrase, iterations: ITERATIONS, hint: 'h' } })).status,
    204,
  )
  const gate = (await bench.instances.byDomain('gate.localhost'))!
  assert.equal(await bench.instances.passphrase.verify(gate, passphrase, { address: '::1' }), true)
  assert.equal((await request('/instances/gate.localhost/register-token', { method: 'POST' })).status, 400)
})

test('another register token makes the first one void', async () => {
  await using office = await openOffice()
  const { request, bench } = office
  const made = await request('/instances', { method: 'POST', body: { domain: 'alice.localhost' } })
  const again = await request('/instances/alice.localhost/register-token', { method: 'POST' })
  const alice = (await bench.instances.byDomain('alice.localhost'))!
  const valid = (answer: typeof made) =>
    bench.instances.passphrase.isRegisterToken(alice, answer.json.data.attributes.register_token)
  assert.deepEqual([await valid(made), await valid(again)], [false, true])
})

test('an archive goes out and comes in over HTTP', async () => {
  await using office = await openOffice()
  const { request, bench } = office
  const alice = await makeInstance(bench, 'alice.localhost')
  await bench.ground.documents.of(alice).create('io.cozy.things', { a: 'é' }, 'one')
  const out = await request('/instances/alice.localhost/export', { method: 'POST', body: { passphrase: 'sésame' } })
  assert.deepEqual([out.status, out.headers['content-type']], [200, 'application/x-tar'])
  const bring = (passphrase: string) =>
    request('/instances/import?domain=copy.localhost', {
      method: 'POST',
      body: out.bytes,
      headers: { 'archive-passphrase': passphrase },
    })
  assert.equal((await bring('spaces here')).status, 400)
  assert.equal((await bring(Buffer.from('other').toString('base64url'))).status, 400)
  const made = await bring(Buffer.from('sésame').toString('base64url'))
  assert.equal(made.status, 201)
  assert.deepEqual([made.json.data.id, made.json.meta.leftOut], ['copy.localhost', []])
  const copy = (await bench.instances.byDomain('copy.localhost'))!
  assert.equal((await bench.ground.documents.of(copy).get('io.cozy.things', 'one'))?.body.a, 'é')
})
