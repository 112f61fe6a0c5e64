import assert from 'node:assert/strict'
import { randomBytes, randomUUID } from 'node:crypto'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { ConfigError, readConfig } from '../../src/ground/config.ts'
import { migrate, readMigrations } from '../../src/ground/database/index.ts'
import { replayEveryVersion } from '../../src/ground/database/replay.ts'
import { silentLog } from '../../src/ground/database/testing.ts'
import { KeyringError, MasterKeyError } from '../../src/ground/keyring/index.ts'
import { createLog } from '../../src/ground/log.ts'
import { openCellar } from './help.ts'

const FILE = 'master-key.json'
const key = () => randomBytes(32).toString('base64')

test('the first start makes a key file that only its owner reads; the next one uses it', async () => {
  await using cellar = await openCellar()
  const folder = join(cellar.folder(), 'not', 'there', 'yet')
  const first = cellar.keyring(folder)
  await first.assertKeysMatch()
  assert.ok(!existsSync(folder), 'asking writes nothing')
  await first.start()
  assert.equal(statSync(join(folder, FILE)).mode & 0o777, 0o600)
  assert.deepEqual(readdirSync(folder), [FILE], 'no temporary file stays')
  const before = readFileSync(join(folder, FILE), 'utf8')
  const sealed = await first.sealGlobal('c', 'x')
  const second = cellar.keyring(folder)
  await second.assertKeysMatch()
  assert.equal(await second.openGlobal('c', sealed), 'x')
  assert.equal(readFileSync(join(folder, FILE), 'utf8'), before)
})

test('processes that start for the first time at once agree on one file', async () => {
  await using cellar = await openCellar()
  const folder = cellar.folder()
  const processes = Array.from({ length: 4 }, () => cellar.keyring(folder))
  const sealed = await Promise.all(processes.map(process => process.sealGlobal('c', 'x')))
  for (const process of processes) {
    for (const text of sealed) assert.equal(await process.openGlobal('c', text), 'x')
  }
  assert.equal((await cellar.database.driver.query('select from konnectory.master_keys')).rowCount, 1)
})

test('two machines that start for the first time at once on one database: the second is told', async () => {
  await using cellar = await openCellar()
  const outcomes = await Promise.allSettled(
    [cellar.folder(), cellar.folder()].map(folder => cellar.keyring(folder).start()),
  )
  assert.deepEqual(outcomes.map(({ status }) => status).sort(), ['fulfilled', 'rejected'])
  const refused = outcomes.find(outcome => outcome.status === 'rejected')
  assert.ok(refused?.reason instanceof MasterKeyError)
})

/** What every refusal must leave as it was. */
async function snapshot(cellar: Awaited<ReturnType<typeof openCellar>>, folder: string) {
  const { rows: masters } = await cellar.database.driver.query('select * from konnectory.master_keys order by id')
  const { rows: tenants } = await cellar.database.driver.query('select * from konnectory.tenant_keys order by id')
  return JSON.stringify([
    masters,
    tenants,
    readdirSync(folder).map(name => [name, readFileSync(join(folder, name), 'utf8')]),
  ])
}

test('another key, a lost file and a damaged one refuse to start, say what to restore, and write nothing', async t => {
  await using cellar = await openCellar()
  const folder = cellar.folder()
  const path = join(folder, FILE)
  const sealed = await cellar.keyring(folder).sealGlobal('c', 'x')
  const right = readFileSync(path, 'utf8')

  const other = cellar.folder()
  {
    await using elsewhere = await openCellar()
    await elsewhere.keyring(other).start()
  }
  const cases: [string, RegExp, () => { masterKeys?: string[] } | undefined][] = [
    ['lost', /there is no .*master-key\.json.*Put back the master-key\.json/, () => void rmSync(path)],
    ['another file', /the key at hand is .*Put back/, () => void copyFileSync(join(other, FILE), path)],
    [
      'another in the environment',
      /KONNECTORY_MASTER_KEY/,
      () => {
        rmSync(path)
        return { masterKeys: [key()] }
      },
    ],
    ['cut short', /damaged/, () => void writeFileSync(path, right.slice(0, 60))],
    ['empty', /damaged/, () => void writeFileSync(path, '')],
    ['a list of none', /damaged/, () => void writeFileSync(path, '{"version":1,"keys":[]}')],
    [
      'key and id do not belong together',
      /damaged/,
      () =>
        void writeFileSync(path, right.replace(/"key": "[^"]+"/, `"key": "${randomBytes(32).toString('base64url')}"`)),
    ],
  ]
  for (const [name, sentence, arrange] of cases) {
    await t.test(name, async () => {
      writeFileSync(path, right)
      const options = arrange()
      const before = await snapshot(cellar, folder)
      const keyring = cellar.keyring(folder, options)
      for (const attempt of [
        () => keyring.assertKeysMatch(),
        () => keyring.start(),
        () => keyring.sealGlobal('c', 'y'),
        () => keyring.openGlobal('c', sealed),
      ]) {
        await assert.rejects(
          attempt(),
          error => error instanceof MasterKeyError && sentence.test(error.message) && !error.message.includes('"key"'),
        )
      }
      assert.equal(await snapshot(cellar, folder), before)
    })
  }

  writeFileSync(path, right)
  assert.equal(
    await cellar.keyring(folder).openGlobal('c', sealed),
    'x',
    'the same keyring starts once the file is back',
  )
})

test('a refused start can be tried again when the file is back', async () => {
  await using cellar = await openCellar()
  const folder = cellar.folder()
  const sealed = await cellar.keyring(folder).sealGlobal('c', 'x')
  const right = readFileSync(join(folder, FILE))
  rmSync(join(folder, FILE))
  const keyring = cellar.keyring(folder)
  await assert.rejects(keyring.openGlobal('c', sealed), MasterKeyError)
  writeFileSync(join(folder, FILE), right)
  assert.equal(await keyring.openGlobal('c', sealed), 'x')
})

test('a check record of another key under the right id is noticed', async () => {
  await using cellar = await openCellar()
  const folder = cellar.folder()
  await cellar.keyring(folder).start()
  await cellar.database.driver.query("update konnectory.master_keys set key_check = 'AAAA'")
  await assert.rejects(cellar.keyring(folder).assertKeysMatch(), /check record/)
})

test('the question is asked of a database without any table, and only reads', async () => {
  await using cellar = await openCellar({ migrations: [] })
  const folder = cellar.folder()
  const keyring = cellar.keyring(folder)
  await keyring.assertKeysMatch()
  assert.deepEqual(readdirSync(folder), [])
  await migrate(cellar.database.driver, readMigrations(), silentLog)
  await keyring.start()
  assert.ok(existsSync(join(folder, FILE)))
})

test('a key from the environment: no file is made, any usual writing will do', async () => {
  await using cellar = await openCellar()
  const folder = cellar.folder()
  const bytes = randomBytes(32)
  const sealed = await cellar.keyring(folder, { masterKeys: [bytes.toString('hex')] }).sealGlobal('c', 'x')
  assert.deepEqual(readdirSync(folder), [])
  for (const text of [bytes.toString('base64'), bytes.toString('base64url'), bytes.toString('hex').toUpperCase()]) {
    assert.equal(await cellar.keyring(folder, { masterKeys: [text] }).openGlobal('c', sealed), 'x')
  }
  assert.throws(() => cellar.keyring(folder, { masterKeys: ['short'] }), MasterKeyError)
})

test('from the file to the environment and away from it', async () => {
  await using cellar = await openCellar()
  const folder = cellar.folder()
  const sealed = await cellar.keyring(folder).sealGlobal('c', 'x')
  const masterKeys = [key()]
  const both = cellar.keyring(folder, { masterKeys })
  assert.equal(await both.openGlobal('c', sealed), 'x')
  assert.equal((await both.rotateMasterKey()).rewrapped, 1)
  rmSync(join(folder, FILE))
  assert.equal(await cellar.keyring(folder, { masterKeys }).openGlobal('c', sealed), 'x')
})

test('a key others can read is warned about, once', async () => {
  await using cellar = await openCellar()
  const folder = cellar.folder()
  await cellar.keyring(folder).start()
  chmodSync(join(folder, FILE), 0o644)
  const lines: string[] = []
  const log = createLog({ level: 'warn', clock: { now: () => new Date() }, write: line => lines.push(line) })
  const keyring = cellar.keyring(folder, { log })
  await keyring.assertKeysMatch()
  await keyring.start()
  assert.equal(lines.length, 1)
  assert.match(lines[0] ?? '', /chmod 600/)
})

test('KONNECTORY_MASTER_KEY: one or several, and what is wrong is never told', () => {
  const [a, b] = [key(), randomBytes(32).toString('hex')]
  assert.deepEqual(readConfig({ KONNECTORY_MASTER_KEY: `${a} , ${b}` }).masterKeys, [a, b])
  assert.equal(readConfig({ KONNECTORY_MASTER_KEY: ' ' }).masterKeys, undefined)
  for (const wrong of ['hunter2', `${a},`, `${a}${b}`, `${a};${b}`, a.slice(2)]) {
    assert.throws(
      () => readConfig({ KONNECTORY_MASTER_KEY: wrong }),
      error =>
        error instanceof ConfigError &&
        /KONNECTORY_MASTER_KEY must be/.test(error.message) &&
        !error.message.includes(wrong),
    )
  }
})

test('upgrades from every version come out the same', async () => {
  assert.ok((await replayEveryVersion(readMigrations())) >= 3)
})

test('an unknown tenant has nothing to open', async () => {
  await using cellar = await openCellar()
  const keyring = cellar.keyring(cellar.folder())
  const sealed = await keyring.sealGlobal('c', 'x')
  await assert.rejects(keyring.open(randomUUID(), 'c', sealed), KeyringError)
})
