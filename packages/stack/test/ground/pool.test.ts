import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { sql } from 'kysely'
import {
  createPool,
  DatabaseUnavailable,
  IntegrityViolation,
  StatementTimeout,
  TransactionConflict,
  UniqueViolation,
} from '../../src/ground/database/index.ts'
import { createTestDatabase, silentLog } from '../../src/ground/database/testing.ts'

type Things = { things: { id: number; name: string } }

const database = await createTestDatabase()
after(() => database[Symbol.asyncDispose]())
await database.driver.query('create table konnectory.things (id integer primary key, name text not null)')
const things = database.query.withTables<Things>()

test('a key that is taken is a typed error with its constraint', async () => {
  await things.insertInto('things').values({ id: 1, name: 'one' }).execute()
  await assert.rejects(things.insertInto('things').values({ id: 1, name: 'again' }).execute(), error => {
    assert.ok(error instanceof UniqueViolation)
    assert.deepEqual([error.constraint, error.table, error.code], ['things_pkey', 'things', '23505'])
    // The driver's detail quotes the row; what goes into a log by default must not.
    assert.doesNotMatch(error.message, /again/)
    return true
  })
})

test('a missing value is an integrity violation, and no unique one', async () => {
  const insert = sql`insert into things (id) values (2)`.execute(database.query)
  await assert.rejects(insert, error => error instanceof IntegrityViolation && !(error instanceof UniqueViolation))
})

test('every connection has our schema and limits', async () => {
  const { rows } = await sql<{ path: string; timeout: string; idle: string }>`
    select current_setting('search_path') as path, current_setting('statement_timeout') as timeout,
           current_setting('idle_in_transaction_session_timeout') as idle`.execute(database.query)
  assert.deepEqual(rows, [{ path: 'konnectory', timeout: '10s', idle: '1min' }])
})

test('options that a URL has already are kept', async () => {
  const url = new URL(database.url)
  url.searchParams.set('options', '-c work_mem=1234kB')
  await using pool = createPool({ target: url.href, connections: 1, statementTimeout: 500, log: silentLog })
  const { rows } =
    await sql`select current_setting('work_mem') as memory, current_setting('statement_timeout') as timeout`.execute(
      pool.query,
    )
  assert.deepEqual(rows, [{ memory: '1234kB', timeout: '500ms' }])
})

test('a statement that takes too long is ended by the database', async () => {
  await using pool = createPool({ target: database.url, connections: 1, statementTimeout: 50, log: silentLog })
  await assert.rejects(sql`select pg_sleep(5)`.execute(pool.query), StatementTimeout)
  // The connection is still good.
  assert.equal((await sql`select 1`.execute(pool.query)).rows.length, 1)
})

test('a transaction is all or nothing', async () => {
  const work = database.transaction(async query => {
    await query.withTables<Things>().insertInto('things').values({ id: 10, name: 'ten' }).execute()
    throw new Error('changed my mind')
  })
  await assert.rejects(work, /changed my mind/)
  const found = await things.selectFrom('things').select('id').where('id', '=', 10).execute()
  assert.deepEqual(found, [])
  assert.equal(await database.transaction(async () => 'answer'), 'answer')
})

test('a conflict is tried again when asked to, and told otherwise', async () => {
  await things.insertInto('things').values({ id: 20, name: 'a' }).execute()
  const bump = (retries: number) => {
    let tries = 0
    return database.transaction(
      async query => {
        tries++
        const mine = query.withTables<Things>()
        const row = await mine.selectFrom('things').select('name').where('id', '=', 20).executeTakeFirstOrThrow()
        // Somebody else writes in between, the first time.
        if (tries === 1)
          await things
            .updateTable('things')
            .set({ name: `${row.name}b` })
            .where('id', '=', 20)
            .execute()
        await mine
          .updateTable('things')
          .set({ name: `${row.name}c` })
          .where('id', '=', 20)
          .execute()
        return tries
      },
      { isolation: 'repeatable read', retries },
    )
  }
  await assert.rejects(bump(0), TransactionConflict)
  assert.equal(await bump(1), 2)
  const { name } = await things.selectFrom('things').select('name').where('id', '=', 20).executeTakeFirstOrThrow()
  assert.equal(name, 'abbc')
})

test('a connection that the server ended is replaced, without an uncaught error', async () => {
  await using pool = createPool({ target: database.url, connections: 1, statementTimeout: 1000, log: silentLog })
  const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(pool.query)
  const removed = new Promise(resolve => pool.driver.once('remove', resolve))
  await database.driver.query('select pg_terminate_backend($1)', [rows[0]!.pid])
  await removed
  assert.equal((await sql`select 1`.execute(pool.query)).rows.length, 1)
})

test('a server that is not there is unavailable', async () => {
  await using pool = createPool({
    target: { host: '/nonexistent', port: 5432, user: 'nobody', database: 'none' },
    connections: 1,
    statementTimeout: 1000,
    log: silentLog,
  })
  await assert.rejects(sql`select 1`.execute(pool.query), DatabaseUnavailable)
})
