/** DATABASE_URL: what will do, what will not, and that it is recorded. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import type pg from 'pg'
import { assertSuitable } from '../../src/ground/database/suitable.ts'
import { asAdmin, createTestDatabase, testServerVersion, testUrl } from '../../src/ground/database/testing.ts'
import {
  createLog,
  DatabaseStartError,
  migrate,
  openDatabase,
  readConfig,
  readMigrations,
  systemClock,
} from '../../src/ground/index.ts'
import { remove, testFolder } from '../help/start-server.ts'

const folder = testFolder('external')
after(() => remove(folder))

async function open(data: string, url: string) {
  const lines: string[] = []
  const log = createLog({ level: 'debug', clock: systemClock, write: line => lines.push(line) })
  const config = readConfig({ KONNECTORY_DATA: join(folder, data), DATABASE_URL: url })
  return { lines, database: await openDatabase(config, { log, clock: systemClock }) }
}

const refused = (code: string, sentence: RegExp) => (error: unknown) => {
  assert.ok(error instanceof DatabaseStartError, String(error))
  assert.equal(error.code, code)
  assert.match(error.message, sentence)
  assert.doesNotMatch(error.message, /hunter2/)
  return true
}

test('a database of somebody else is used, recorded without its password, and not ended', async () => {
  await using theirs = await createTestDatabase({ migrations: [] })
  const url = new URL(theirs.url)
  url.password = 'hunter2'
  const { database, lines } = await open('used', url.href)
  assert.equal(database.kind, 'external')
  assert.equal(database.version, await testServerVersion())
  assert.equal(
    (await migrate(database.driver, readMigrations(), createLog({ level: 'silent', clock: systemClock, write() {} })))
      .length,
    readMigrations().length,
  )
  await database[Symbol.asyncDispose]()
  const record = readFileSync(join(folder, 'used/database.json'), 'utf8')
  assert.equal(JSON.parse(record).provider, 'external')
  assert.doesNotMatch(record + lines.join(''), /hunter2/)
  assert.equal(existsSync(join(folder, 'used/postgresql')), false)
  assert.equal((await theirs.driver.query('select from konnectory.migrations')).rowCount, readMigrations().length)
})

test('one that cannot be reached is refused, and binds the directory to nothing', async () => {
  const missing = await testUrl('no_such_database')
  await assert.rejects(open('missing', missing), refused('external_unreachable', /There is no such database/))
  const nobody = 'postgresql://u:hunter2@127.0.0.1:1/x'
  await assert.rejects(open('missing', nobody), refused('external_unreachable', /Nothing listens there/))
  assert.equal(existsSync(join(folder, 'missing/database.json')), false)
})

test('one that sorts by a language is refused with the command that makes a right one', async t => {
  const name = `sorted_${process.pid}`
  try {
    await asAdmin(admin =>
      admin.query(`create database ${name} template template0 locale_provider icu icu_locale 'en-US'`),
    )
  } catch (error) {
    return t.skip(`this server has no ICU: ${(error as Error).message}`)
  }
  try {
    const url = await testUrl(name)
    await assert.rejects(
      open('sorted', url),
      refused('external_unsuitable', /sorts text by the rules of .*CREATE DATABASE/),
    )
  } finally {
    await asAdmin(admin => admin.query(`drop database ${name} with (force)`))
  }
})

test('one that stores text otherwise than in UTF-8 is refused', async () => {
  const name = `ascii_${process.pid}`
  await asAdmin(admin =>
    admin.query(`create database ${name} template template0 encoding 'SQL_ASCII' locale_provider libc locale 'C'`),
  )
  try {
    await assert.rejects(open('ascii', await testUrl(name)), refused('external_unsuitable', /stores text as SQL_ASCII/))
  } finally {
    await asAdmin(admin => admin.query(`drop database ${name} with (force)`))
  }
})

test('a server that is too old, and one that is a standby', async () => {
  // The server is the outside here: we have none so old, and no standby.
  const answering = (row: object) => ({ query: async () => ({ rows: [row] }) }) as unknown as pg.Pool
  const good = { version: '15.1 (Debian)', encoding: 'UTF8', collation: 'C.UTF-8', locprovider: 'c', readonly: 'off' }
  assert.equal(await assertSuitable(answering(good)), '15.1')
  await assert.rejects(
    assertSuitable(answering({ ...good, version: '14.12' })),
    refused('external_unsuitable', /is PostgreSQL 14\.12; Konnectory needs 15 or newer/),
  )
  await assert.rejects(
    assertSuitable(answering({ ...good, readonly: 'on' })),
    refused('external_unsuitable', /standby/),
  )
})
