import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cookieDomain, cookieName } from '../../src/rooms/instances/sessions/cookie.ts'
import { makeInstance, openBench } from './help.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR

test('the cookie: name, domain, flags, and when it ends', async () => {
  await using nested = await openBench({ secure: true })
  const alice = await makeInstance(nested, 'alice.example.net')
  const attributes = async (kind: 'default' | 'long' | 'short') => {
    const { setCookie } = await nested.instances.sessions.open(alice, { kind })
    return setCookie.replace(/=[\w-]+;/, '=…;')
  }
  const base = 'cozysessid=…; Path=/; Domain=.alice.example.net'
  assert.equal(await attributes('default'), `${base}; HttpOnly; Secure; SameSite=Lax`)
  assert.equal(await attributes('long'), `${base}; Max-Age=315360000; HttpOnly; Secure; SameSite=Lax`)
  assert.equal(await attributes('short'), `${base}; Max-Age=300; HttpOnly; Secure; SameSite=Lax`)
  assert.match(nested.instances.sessions.clearCookie(alice), /^cozysessid=; .*Domain=\.alice\.example\.net; Max-Age=0/)

  await using flat = await openBench({ subdomains: 'flat' })
  const bob = await makeInstance(flat, 'bob.example.net')
  const carol = await makeInstance(flat, 'carol.example.net')
  assert.match(cookieName(bob, 'flat'), /^sess-[0-9a-f]{16}$/)
  assert.notEqual(cookieName(bob, 'flat'), cookieName(carol, 'flat'))
  assert.equal(cookieDomain(bob, 'flat'), '.example.net')
  const { setCookie } = await flat.instances.sessions.open(bob)
  assert.ok(!setCookie.includes('Secure'))
})

test('on localhost and on addresses, where browsers refuse a domain, the cookie is of the host alone', async () => {
  await using bench = await openBench()
  const names = ['localhost:8080', '127.0.0.1', 'alice.local:1']
  const instances = await Promise.all(names.map(name => makeInstance(bench, name)))
  assert.deepEqual(
    instances.map(instance => cookieDomain(instance, 'nested')),
    [undefined, undefined, '.alice.local'],
  )
  assert.deepEqual(
    instances.map(instance => cookieDomain(instance, 'flat')),
    [undefined, undefined, undefined],
  )
})

test('a session is found by its cookie; not by one of another instance, forged, or changed', async () => {
  await using bench = await openBench()
  const { sessions } = bench.instances
  const alice = await makeInstance(bench, 'alice.localhost')
  const bob = await makeInstance(bench, 'bob.localhost')
  const { session, setCookie } = await sessions.open(alice)
  const value = /^cozysessid=([^;]+)/.exec(setCookie)![1]!
  const bytes = Buffer.from(value, 'base64url')
  assert.equal(bytes.length, 8 + 32 + 32)
  assert.equal(bytes.subarray(8, 40).toString(), session.id)
  const found = async (header: string | undefined, instance = alice) => (await sessions.find(header, instance))?.id
  assert.equal(await found(`a=b; cozysessid=${value}; c=d`), session.id)
  assert.equal(
    await found(`cozysessid=old; cozysessid="${value}"`),
    session.id,
    'a stale one of another domain beside it',
  )
  assert.equal(
    await bench
      .other()
      .sessions.find(`cozysessid=${value}`, alice)
      .then(other => other?.id),
    session.id,
  )
  assert.equal(await found(`cozysessid=${value}`, bob), undefined)
  const changed = Buffer.from(bytes)
  changed[10]! ^= 1
  for (const header of [
    undefined,
    '',
    'cozysessid',
    'cozysessid=',
    `cozysessid=${value}A`,
    `cozysessid=${changed.toString('base64url')}`,
    `x-cozysessid=${value}`,
    `cozysessid=${session.id}`,
  ])
    assert.equal(await found(header), undefined, String(header))
})

test('each login is another session: no id from before is taken over', async () => {
  await using bench = await openBench()
  const alice = await makeInstance(bench, 'alice.localhost')
  const first = await bench.instances.sessions.open(alice)
  const second = await bench.instances.sessions.open(alice)
  assert.notEqual(first.session.id, second.session.id)
  assert.equal((await bench.instances.sessions.list(alice)).length, 2)
})

test('valid 30 days after the last use, which is written at most once an hour', async () => {
  await using bench = await openBench()
  const { instances, ground, clock } = bench
  const alice = await makeInstance(bench, 'alice.localhost')
  const { session, setCookie } = await instances.sessions.open(alice)
  const rev = async () => (await ground.documents.of(alice).get('io.cozy.sessions', session.id))!.rev
  const first = await rev()
  clock.forward(59 * 60_000)
  assert.ok(await instances.sessions.find(setCookie, alice))
  assert.equal(await rev(), first)
  clock.forward(60_000)
  const both = await Promise.all([
    instances.sessions.find(setCookie, alice),
    bench.other().sessions.find(setCookie, alice),
  ])
  assert.ok(both.every(found => found?.lastSeen === clock.now().toISOString()))
  assert.match(await rev(), /^2-/)
  clock.forward(29 * DAY)
  assert.ok(await instances.sessions.find(setCookie, alice))
  clock.forward(30 * DAY)
  assert.ok(await instances.sessions.find(setCookie, alice))
  clock.forward(30 * DAY + 1)
  assert.equal(await instances.sessions.find(setCookie, alice), undefined)
  assert.deepEqual(await instances.sessions.list(alice), [])
  await instances.sessions.open(alice)
  assert.equal((await ground.documents.of(alice).list('io.cozy.sessions')).length, 1, 'the old one was tidied up')
})

test('a short one lives five minutes, however used', async () => {
  await using bench = await openBench()
  const alice = await makeInstance(bench, 'alice.localhost')
  const { setCookie } = await bench.instances.sessions.open(alice, { kind: 'short' })
  bench.clock.forward(300_000)
  assert.ok(await bench.instances.sessions.find(setCookie, alice))
  bench.clock.forward(1)
  assert.equal(await bench.instances.sessions.find(setCookie, alice), undefined)
})

test('closing one, and all others', async () => {
  await using bench = await openBench()
  const { sessions } = bench.instances
  const alice = await makeInstance(bench, 'alice.localhost')
  const [one, two, three] = [await sessions.open(alice), await sessions.open(alice), await sessions.open(alice)]
  assert.ok(await sessions.find(one.setCookie, alice))
  assert.equal(await sessions.close(alice, one.session.id), true)
  assert.equal(await sessions.close(alice, one.session.id), false)
  assert.equal(await sessions.find(one.setCookie, alice), undefined)
  await sessions.closeOthers(alice, two.session.id)
  assert.ok(await sessions.find(two.setCookie, alice))
  assert.equal(await sessions.find(three.setCookie, alice), undefined)
})

test('a request with a cookie costs no query when nothing changed', async () => {
  await using bench = await openBench()
  const alice = await makeInstance(bench, 'alice.localhost')
  const { setCookie } = await bench.instances.sessions.open(alice)
  await bench.instances.sessions.find(setCookie, alice)
  let asked = 0
  bench.ground.database.driver.on('acquire', () => asked++)
  for (let n = 0; n < 5; n++) assert.ok(await bench.instances.sessions.find(setCookie, alice))
  assert.equal(asked, 0)
})
