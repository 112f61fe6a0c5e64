import assert from 'node:assert/strict'
import { randomBytes, randomUUID } from 'node:crypto'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { keyIdOf, MasterKeyError, SERVER } from '../../src/ground/keyring/index.ts'
import { openCellar } from './help.ts'

const FILE = 'master-key.json'
const key = () => randomBytes(32).toString('base64')

test('another master key in the file: all is wrapped again, and what was sealed stays readable', async () => {
  await using cellar = await openCellar()
  const folder = cellar.folder()
  const keyring = cellar.keyring(folder)
  // More than one batch.
  const tenants = Array.from({ length: 1100 }, () => randomUUID())
  const sealed = await Promise.all(tenants.map(tenant => keyring.seal(tenant, 'c', tenant)))
  const [before] = JSON.parse(readFileSync(join(folder, FILE), 'utf8')).keys
  const { id, rewrapped } = await keyring.rotateMasterKey()
  assert.equal(rewrapped, tenants.length)
  const { keys } = JSON.parse(readFileSync(join(folder, FILE), 'utf8'))
  assert.deepEqual([keys.length, keys[0].id, keys[1]], [2, id, before])
  assert.equal(statSync(join(folder, FILE)).mode & 0o777, 0o600)
  const { rows } = await cellar.database.driver.query('select distinct master_key from konnectory.tenant_keys')
  assert.deepEqual(rows, [{ master_key: id }])

  // Only the new one is needed from now on.
  writeFileSync(join(folder, FILE), JSON.stringify({ version: 1, keys: [keys[0]] }))
  const later = cellar.keyring(folder)
  await later.assertKeysMatch()
  for (const at of [0, 499, 500, 1099]) assert.equal(await later.open(tenants[at]!, 'c', sealed[at]!), tenants[at])
  // And the old one alone is refused.
  writeFileSync(join(folder, FILE), JSON.stringify({ version: 1, keys: [before] }))
  await assert.rejects(cellar.keyring(folder).assertKeysMatch(), MasterKeyError)
})

test('a process that runs meanwhile finds the new master key in the file', async () => {
  await using cellar = await openCellar()
  const folder = cellar.folder()
  const [one, other] = [cellar.keyring(folder), cellar.keyring(folder)]
  await other.start()
  const tenant = randomUUID()
  await one.rotateMasterKey()
  const sealed = await one.seal(tenant, 'c', 'x')
  assert.equal(await other.open(tenant, 'c', sealed), 'x')
})

test('another master key in the environment: first of two, then alone', async () => {
  await using cellar = await openCellar()
  const folder = cellar.folder()
  const [old, fresh] = [key(), key()]
  const tenant = randomUUID()
  const sealed = await cellar.keyring(folder, { masterKeys: [old] }).seal(tenant, 'c', 'x')
  await assert.rejects(cellar.keyring(folder, { masterKeys: [fresh] }).assertKeysMatch(), MasterKeyError)
  const both = cellar.keyring(folder, { masterKeys: [fresh, old] })
  await both.assertKeysMatch()
  assert.equal((await both.rotateMasterKey()).rewrapped, 1)
  assert.equal((await both.rotateMasterKey()).rewrapped, 0, 'done is done')
  assert.equal(await cellar.keyring(folder, { masterKeys: [fresh] }).open(tenant, 'c', sealed), 'x')
})

test('master keys change under load: no seal and no open fails, nothing is lost', { timeout: 60_000 }, async () => {
  await using cellar = await openCellar()
  const folder = cellar.folder()
  const processes = [cellar.keyring(folder), cellar.keyring(folder)]
  const tenants = Array.from({ length: 20 }, () => randomUUID())
  const sealed: { tenant: string; text: string }[] = []
  let running = true
  const work = processes.map(async process => {
    for (let turn = 0; running || turn < 40; turn++) {
      const tenant = turn % 5 === 0 ? randomUUID() : tenants[turn % tenants.length]!
      const text = await process.seal(tenant, 'c', tenant)
      sealed.push({ tenant, text })
      process.forget(tenant)
      const earlier = sealed[Math.floor(sealed.length / 2)]!
      assert.equal(await process.open(earlier.tenant, 'c', earlier.text), earlier.tenant)
    }
  })
  for (const process of [...processes, ...processes]) await process.rotateMasterKey()
  await Promise.all([
    ...tenants.slice(0, 5).map(tenant => processes[0]!.rotateTenantKey(tenant)),
    processes[1]!.rotateMasterKey(),
  ])
  running = false
  await Promise.all(work)
  const later = cellar.keyring(folder)
  for (const { tenant, text } of sealed) assert.equal(await later.open(tenant, 'c', text), tenant)
})

test("a tenant's new key seals, the old one still opens, the rooms seal again", async () => {
  await using cellar = await openCellar()
  const folder = cellar.folder()
  const keyring = cellar.keyring(folder)
  const [alice, bob] = [randomUUID(), randomUUID()]
  const shelf = [await keyring.seal(alice, 'c', 'one'), await keyring.seal(alice, 'c', 'two')]
  const [kept, bobs] = [shelf[0]!, await keyring.seal(bob, 'c', 'x')]
  const id = await keyring.rotateTenantKey(alice, [
    async () => {
      for (const [at, text] of shelf.entries()) {
        shelf[at] = await keyring.seal(alice, 'c', await keyring.open(alice, 'c', text))
      }
    },
  ])
  assert.deepEqual(shelf.map(keyIdOf), [id, id])
  assert.notEqual(keyIdOf(kept), id)
  for (const process of [keyring, cellar.keyring(folder)]) {
    assert.equal(await process.open(alice, 'c', kept), 'one')
    assert.equal(await process.open(alice, 'c', shelf[1]!), 'two')
    assert.equal(keyIdOf(await process.seal(alice, 'c', 'three')), id)
  }
  assert.equal(keyIdOf(await keyring.seal(bob, 'c', 'y')), keyIdOf(bobs), "nobody else's key changes")
})

test("rotations of one tenant's key at once, and the server's own key", async () => {
  await using cellar = await openCellar()
  const folder = cellar.folder()
  const processes = [cellar.keyring(folder), cellar.keyring(folder)]
  const sealed = await processes[0]!.sealGlobal('c', 'x')
  const ids = await Promise.all([...processes, ...processes].map(process => process.rotateTenantKey(SERVER)))
  assert.equal(new Set(ids).size, 4)
  const { rows } = await cellar.database.driver.query('select id from konnectory.tenant_keys where retired_at is null')
  assert.equal(rows.length, 1)
  assert.ok(ids.includes(rows[0].id))
  assert.equal(await processes[1]!.openGlobal('c', sealed), 'x')
})
