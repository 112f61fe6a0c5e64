import assert from 'node:assert/strict'
import { randomBytes, randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { KeyringError, keyIdOf } from '../../src/ground/keyring/index.ts'
import { createLog } from '../../src/ground/log.ts'
import { openCellar } from './help.ts'

test('what was sealed opens, for its tenant and context only', async () => {
  await using cellar = await openCellar()
  const keyring = cellar.keyring(cellar.folder())
  const [alice, bob] = [randomUUID(), randomUUID()]
  const sealed = await keyring.seal(alice, 'account:a', 'hunter2 élan')
  assert.match(sealed, /^k1\.[\w-]{12}\.[\w-]+$/)
  assert.equal(await keyring.open(alice, 'account:a', sealed), 'hunter2 élan')
  await keyring.seal(bob, 'account:a', 'x')
  await assert.rejects(keyring.open(bob, 'account:a', sealed), KeyringError)
  await assert.rejects(keyring.open(alice, 'account:b', sealed), KeyringError)
  // Contexts are not glued together: the border between tenant and context cannot be moved.
  await assert.rejects(keyring.open(alice, 'account', sealed), KeyringError)
  await assert.rejects(keyring.openGlobal('account:a', sealed), KeyringError)
})

test('any text comes back as it was, and never seals to the same twice', async () => {
  await using cellar = await openCellar()
  const keyring = cellar.keyring(cellar.folder())
  const texts = ['', ' ', '\0', '\ud800 alone', 'é'.repeat(70_000), '{"a":1}', '🗝️', 'k1.aaaaaaaaaaaa.bbbb']
  const seen = new Set<string>()
  for (const text of [...texts, ...texts]) {
    const sealed = await keyring.sealGlobal('test', text)
    assert.equal(await keyring.openGlobal('test', sealed), text)
    seen.add(sealed)
  }
  assert.equal(seen.size, texts.length * 2)
})

test('a changed text, a cut one and one of somebody else are refused, all with one kind of error', async () => {
  await using cellar = await openCellar()
  const keyring = cellar.keyring(cellar.folder())
  const tenant = randomUUID()
  const sealed = await keyring.seal(tenant, 'c', 'hunter2')
  const wrong = ['', 'hunter2', 'k1..', sealed.slice(0, -1), `${sealed}A`, `${sealed}=`, ` ${sealed}`, `${sealed}\n`]
  wrong.push(sealed.replace('k1.', 'k2.'), `k1.${'A'.repeat(12)}.${'A'.repeat(60)}`)
  for (let at = 3; at < sealed.length; at++) {
    if (sealed[at] !== '.') wrong.push(sealed.slice(0, at) + (sealed[at] === 'A' ? 'B' : 'A') + sealed.slice(at + 1))
  }
  for (const text of wrong) await assert.rejects(keyring.open(tenant, 'c', text), KeyringError, JSON.stringify(text))
})

test('a row of a key moved to another tenant gives nothing', async () => {
  await using cellar = await openCellar()
  const folder = cellar.folder()
  const [alice, mallory] = [randomUUID(), randomUUID()]
  const sealed = await cellar.keyring(folder).seal(alice, 'c', 'hunter2')
  await cellar.database.driver.query(
    'insert into konnectory.tenant_keys select $2, id, master_key, wrapped, created_at from konnectory.tenant_keys where instance_id = $1',
    [alice, mallory],
  )
  const fresh = cellar.keyring(folder)
  await assert.rejects(fresh.open(mallory, 'c', sealed), KeyringError)
  assert.equal(await fresh.open(alice, 'c', sealed), 'hunter2')
})

test('two processes that seal for a tenant for the first time at once make one key', async () => {
  await using cellar = await openCellar()
  const folder = cellar.folder()
  const processes = [cellar.keyring(folder), cellar.keyring(folder), cellar.keyring(folder)]
  const tenants = Array.from({ length: 8 }, () => randomUUID())
  const sealed = await Promise.all(
    tenants.flatMap(tenant =>
      processes.flatMap(process => [1, 2].map(async () => ({ tenant, text: await process.seal(tenant, 'c', tenant) }))),
    ),
  )
  const { rows } = await cellar.database.driver.query('select instance_id, id from konnectory.tenant_keys')
  assert.equal(rows.length, tenants.length)
  assert.equal(new Set(sealed.map(({ text }) => keyIdOf(text))).size, tenants.length)
  for (const process of processes) {
    for (const { tenant, text } of sealed) assert.equal(await process.open(tenant, 'c', text), tenant)
  }
})

test('sealing inside transactions does not wait for the connections they hold', { timeout: 20_000 }, async () => {
  await using cellar = await openCellar()
  const keyring = cellar.keyring(cellar.folder())
  const held = cellar.database.driver.options.max
  const barrier = Promise.withResolvers<void>()
  let inside = 0
  // All of the pool's connections are taken before the first key is asked for.
  const sealed = await Promise.all(
    Array.from({ length: held }, () =>
      cellar.database.transaction(async () => {
        if (++inside === held) barrier.resolve()
        await barrier.promise
        return keyring.seal(randomUUID(), 'c', 'x')
      }),
    ),
  )
  assert.equal(sealed.length, held)
})

test('a key that is known costs no statement', async () => {
  await using cellar = await openCellar()
  const keyring = cellar.keyring(cellar.folder())
  const tenant = randomUUID()
  const sealed = await keyring.seal(tenant, 'c', 'x')
  await cellar.database.driver.query('alter table konnectory.tenant_keys rename to hidden')
  assert.equal(await keyring.open(tenant, 'c', await keyring.seal(tenant, 'c', 'y')), 'y')
  assert.equal(await keyring.open(tenant, 'c', sealed), 'x')
  keyring.forget(tenant)
  await assert.rejects(keyring.open(tenant, 'c', sealed), /tenant_keys/)
})

test('keys of a tenant that went away open nothing any more', async () => {
  await using cellar = await openCellar()
  const folder = cellar.folder()
  const keyring = cellar.keyring(folder)
  const tenant = randomUUID()
  const sealed = await keyring.seal(tenant, 'c', 'x')
  await cellar.database.transaction(query => keyring.dropTenant(tenant, query))
  await assert.rejects(keyring.open(tenant, 'c', sealed), KeyringError)
  await assert.rejects(cellar.keyring(folder).open(tenant, 'c', sealed), KeyringError)
})

test('no key and no secret comes into the log, by no road', async () => {
  await using cellar = await openCellar()
  const lines: string[] = []
  const log = createLog({ level: 'debug', clock: { now: () => new Date() }, write: line => lines.push(line) })
  const master = randomBytes(32)
  const written = [master.toString('base64'), master.toString('hex')]
  for (const masterKeys of written.map(text => [text])) {
    const keyring = cellar.keyring(cellar.folder(), { masterKeys, log })
    const tenant = randomUUID()
    const sealed = await keyring.seal(tenant, 'c', 'hunter2')
    await keyring.rotateMasterKey()
    await assert.rejects(keyring.open(tenant, 'd', sealed), error => {
      log.error('it failed', { error })
      return error instanceof KeyringError
    })
    log.info(`somebody writes ${masterKeys[0]} and ${master.toString('base64url')}`, { masterKeys })
  }
  assert.ok(lines.length >= 4)
  for (const secret of [...written, master.toString('base64url'), 'hunter2']) assert.ok(!lines.join().includes(secret))
})
