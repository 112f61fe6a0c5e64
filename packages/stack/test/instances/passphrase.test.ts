import assert from 'node:assert/strict'
import { test } from 'node:test'
import { WireError } from '../../src/ground/http/errors.ts'
import { derivePassphrase } from '../../src/rooms/instances/passphrase/derive.ts'
import { hashSecret, matchesHash } from '../../src/rooms/instances/passphrase/hash.ts'
import { derived, ITERATIONS, makeInstance, openBench } from './help.ts'

const HERE = { address: '10.0.0.1' }

const refused = (status: number, text?: RegExp) => (error: unknown) => {
  assert.ok(error instanceof WireError, String(error))
  assert.equal(error.status, status, error.message)
  if (text) assert.match(error.message, text)
  return true
}

test('a client derives as the protocol says', async () => {
  // By Python: hashlib.pbkdf2_hmac twice, base64.
  assert.equal(
    await derivePassphrase('correct horse', 'me@alice.localhost', 50_000),
    'FN5eDruYIPRYwIsINsyIE+UUdy5uPGj0nk5A1B5GEdo=',
  )
})

test('hashes are scrypt with a salt of their own, and are compared whole', async () => {
  const [one, two] = await Promise.all([hashSecret('a'), hashSecret('a')])
  assert.match(one, /^scrypt\$32768\$8\$1\$[0-9a-f]{32}\$[0-9a-f]{64}$/)
  assert.notEqual(one, two)
  assert.deepEqual([await matchesHash('a', one), await matchesHash('b', one)], [true, false])
  await assert.rejects(matchesHash('a', 'plain'), /cannot be read/)
})

test('hashing leaves the loop free', async () => {
  let turns = 0
  const count = setInterval(() => turns++, 1)
  await Promise.all(Array.from({ length: 4 }, () => hashSecret('a')))
  clearInterval(count)
  assert.ok(turns >= 3, `${turns} turns`)
})

test('the first passphrase needs the register token, once', async () => {
  await using bench = await openBench()
  const { instances } = bench
  const { instance, registerToken } = await instances.create({ domain: 'alice.localhost:8080' })
  const { passphrase } = instances
  assert.deepEqual(await passphrase.params(instance), { salt: 'me@alice.localhost', kdf: 0, iterations: 650_000 })
  assert.equal(await passphrase.verify(instance, 'anything', HERE), false, 'none is defined')
  assert.equal(await passphrase.isRegisterToken(instance, registerToken.toUpperCase()), true)
  for (const token of ['', 'zz', '00', `${registerToken}00`]) {
    assert.equal(await passphrase.isRegisterToken(instance, token), false)
    const input = { registerToken: token, passphrase: 'p', iterations: ITERATIONS }
    await assert.rejects(passphrase.define(instance, input), refused(400, /register token/))
  }
  const input = { registerToken, passphrase: await derived('one', instance), iterations: ITERATIONS, hint: 'number' }
  for (const iterations of [0, 49_999, 5_000_001, 60_000.5])
    await assert.rejects(passphrase.define(instance, { ...input, iterations }), (error: unknown) => {
      refused(422)(error)
      assert.deepEqual((error as { source?: unknown }).source, { parameter: 'KdfIterations' })
      return true
    })
  const both = await Promise.allSettled([passphrase.define(instance, input), passphrase.define(instance, input)])
  assert.deepEqual(both.map(({ status }) => status).sort(), ['fulfilled', 'rejected'])
  const now = (await instances.byDomain('alice.localhost:8080'))!
  assert.deepEqual([now.passphraseDefined, now.onboardingFinished], [true, true])
  assert.equal(await passphrase.isRegisterToken(now, registerToken), false)
  await assert.rejects(passphrase.define(now, input), refused(400))
  assert.equal((await passphrase.params(now)).iterations, ITERATIONS)
  assert.equal(await passphrase.verify(now, input.passphrase, HERE), true)
  assert.equal(await passphrase.hint(now), 'number')
  await passphrase.setHint(now, '')
  assert.equal(await passphrase.hint(now), undefined)
})

test('only a hash of what the client derived is in the database', async () => {
  await using bench = await openBench()
  const alice = await makeInstance(bench, 'alice.localhost', 'correct horse')
  const { rows } = await bench.ground.database.driver.query('select * from passphrases')
  assert.equal(rows.length, 1)
  const text = JSON.stringify(rows)
  assert.ok(!text.includes('correct horse') && !text.includes(await derived('correct horse', alice)))
})

test('a change ends sessions and tokens of apps, and needs the current one', async () => {
  await using bench = await openBench()
  const { instances } = bench
  const alice = await makeInstance(bench, 'alice.localhost', 'one')
  const { setCookie } = await instances.sessions.open(alice)
  assert.ok(await instances.sessions.find(setCookie, alice))
  const before = await instances.secrets(alice)
  const change = async (current: string, next: string) =>
    await instances.passphrase.change(alice, {
      ...HERE,
      current: await derived(current, alice),
      passphrase: await derived(next, alice),
      iterations: ITERATIONS,
    })
  await assert.rejects(change('wrong', 'two'), refused(400, /Invalid passphrase/))
  assert.ok(await instances.sessions.find(setCookie, alice))
  const heard: unknown[] = []
  bench.ground.news.subscribe(({ verb, id, doc }) => {
    if (id === 'io.cozy.settings.passphrase') heard.push([verb, doc])
  })
  await change('one', 'two')
  assert.deepEqual(heard, [['UPDATED', { _id: 'io.cozy.settings.passphrase', kdf: 0, iterations: ITERATIONS }]])
  assert.equal(await instances.sessions.find(setCookie, alice), undefined)
  assert.deepEqual(await instances.sessions.list(alice), [])
  const after = await instances.secrets(alice)
  assert.notDeepEqual(after.session, before.session)
  assert.deepEqual(after.oauth, before.oauth)
  assert.equal(await instances.passphrase.verify(alice, await derived('one', alice), HERE), false)
  assert.equal(await instances.passphrase.verify(alice, await derived('two', alice), HERE), true)
})

test('after a move the salt is still the one clients derive with', async () => {
  await using bench = await openBench()
  const alice = await makeInstance(bench, 'alice.localhost', 'one')
  const moved = await bench.instances.update(alice, { domain: 'alice.example' })
  assert.equal((await bench.instances.passphrase.params(moved)).salt, 'me@alice.localhost')
  const passphrase = await derived('two', alice)
  const current = await derived('one', alice)
  await bench.instances.passphrase.change(moved, { ...HERE, current, passphrase, iterations: ITERATIONS })
  assert.equal((await bench.instances.passphrase.params(moved)).salt, 'me@alice.localhost')
})

test('one that was never derived is accepted as it is, once', async () => {
  await using bench = await openBench()
  const alice = await makeInstance(bench, 'alice.localhost')
  const { passphrase } = bench.instances
  await passphrase.set(alice, { passphrase: 'clear', iterations: 0 })
  assert.equal((await passphrase.params(alice)).iterations, 0)
  assert.equal(await passphrase.verify(alice, 'unclear', HERE), false)
  assert.equal(await passphrase.verify(alice, 'clear', HERE), true)
  const { salt, iterations } = await passphrase.params(alice)
  assert.equal(iterations, 650_000)
  assert.equal(await passphrase.verify(alice, 'clear', HERE), false, 'from now on it must be derived')
  assert.equal(await passphrase.verify(alice, await derivePassphrase('clear', salt, iterations), HERE), true)
})

test('ten wrong ones from an address in five minutes, all processes together; other addresses go on', async () => {
  await using bench = await openBench()
  const { instances, clock } = bench
  const other = bench.other()
  const alice = await makeInstance(bench, 'alice.localhost', 'one')
  const bob = await makeInstance(bench, 'bob.localhost', 'one')
  const right = await derived('one', alice)
  for (let n = 0; n < 9; n++) assert.equal(await [instances, other][n % 2]!.passphrase.verify(alice, 'x', HERE), false)
  assert.equal(await instances.passphrase.verify(alice, right, HERE), true, 'a right one starts over')
  // All at once: counting comes before checking.
  const many = await Promise.allSettled(Array.from({ length: 25 }, () => instances.passphrase.verify(alice, 'x', HERE)))
  assert.equal(many.filter(({ status }) => status === 'fulfilled').length, 10)
  await assert.rejects(other.passphrase.verify(alice, right, HERE), (error: unknown) => {
    refused(429)(error)
    assert.equal((error as WireError).headers['retry-after'], '300')
    return true
  })
  assert.equal(await instances.passphrase.verify(alice, right, { address: '10.0.0.2' }), true)
  assert.equal(await instances.passphrase.verify(bob, await derived('one', bob), HERE), true)
  clock.forward(300_000)
  assert.equal(await instances.passphrase.verify(alice, right, HERE), true)
})

test('a thousand wrong ones in an hour close the instance, until the administrator opens it', async () => {
  await using bench = await openBench()
  const { instances, ground } = bench
  const alice = await makeInstance(bench, 'alice.localhost', 'one')
  const right = await derived('one', alice)
  await instances.rates.hit(alice.id, { name: 'auth', limit: 1000, windowMs: 3_600_000 })
  await ground.database.driver.query("update rate_counters set count = 999 where name = 'auth'")
  assert.equal(await instances.passphrase.verify(alice, 'x', HERE), false)
  await assert.rejects(instances.passphrase.verify(alice, right, HERE), refused(503, /too many login failures/))
  const closed = (await instances.byDomain('alice.localhost'))!
  assert.equal(closed.blocked, 'LOGIN_FAILED')
  await assert.rejects(instances.passphrase.verify(closed, right, HERE), refused(503))
  bench.clock.forward(3_600_000)
  const opened = await instances.update(closed, { blocked: null })
  assert.equal(await instances.passphrase.verify(opened, right, HERE), true)
})

test('right passphrases are not counted for the instance, and counters of the past are taken away', async () => {
  await using bench = await openBench()
  const { instances, ground, clock } = bench
  const alice = await makeInstance(bench, 'alice.localhost', 'one')
  const right = await derived('one', alice)
  for (let n = 0; n < 12; n++) assert.equal(await instances.passphrase.verify(alice, right, HERE), true)
  const { rows } = await ground.database.driver.query("select count from rate_counters where name = 'auth'")
  assert.deepEqual(rows, [{ count: 0 }])
  for (let n = 0; n < 30; n++) await instances.rates.hit(alice.id, { name: 'y', limit: 1, windowMs: 1000 }, `${n}`)
  clock.forward(4_000_000)
  for (let n = 0; n < 3; n++) await instances.rates.hit(alice.id, { name: 'z', limit: 1, windowMs: 1000 }, `${n}`)
  const { rows: left } = await ground.database.driver.query('select name from rate_counters')
  assert.deepEqual(
    left.map(({ name }) => name),
    ['z', 'z', 'z'],
  )
})
