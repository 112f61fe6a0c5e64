import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { createPool, type Migration, MigrationError, migrate, readMigrations } from '../../src/ground/database/index.ts'
import { replayEveryVersion } from '../../src/ground/database/replay.ts'
import { createTestDatabase, silentLog } from '../../src/ground/database/testing.ts'

const folder = mkdtempSync(join(tmpdir(), 'konnectory-migrations-'))
after(() => rmSync(folder, { recursive: true, force: true }))

/** A house with these rooms, each a list of files. */
function house(name: string, rooms: Record<string, Record<string, string>>): Migration[] {
  const sources = Object.entries(rooms).map(([room, files]) => {
    const path = join(folder, name, room)
    mkdirSync(path, { recursive: true })
    for (const [file, sql] of Object.entries(files)) writeFileSync(join(path, file), sql)
    return { room, folder: path }
  })
  // Of the ground only the first: these are about migrating, not about our tables.
  return readMigrations(sources).filter(({ room, number }) => room !== 'ground' || number === 1)
}

const people = {
  '001-people.sql': 'create table people (id int primary key);\ncreate index on people (id);',
  '002-names.sql': "alter table people add column name text not null default 'nobody';",
}
const visits = { '001-visits.sql': 'create table visits (who int references people);' }
const applied = async (database: { driver: { query(text: string): Promise<{ rows: unknown[] }> } }) =>
  (await database.driver.query('select room, number from konnectory.migrations order by applied_at, room, number')).rows

test('files are applied once, in the order of the house', async () => {
  const migrations = house('order', { people, visits })
  await using database = await createTestDatabase({ migrations: [] })
  const done = await migrate(database.driver, migrations, silentLog)
  assert.deepEqual(
    done.map(({ room, number }) => `${room} ${number}`),
    ['ground 1', 'people 1', 'people 2', 'visits 1'],
  )
  assert.deepEqual(await migrate(database.driver, migrations, silentLog), [])
  assert.equal((await applied(database)).length, 4)
})

test('every earlier version of several rooms, with rows in it', async () => {
  const migrations = house('replay', { people, visits })
  const versions: number[] = []
  await replayEveryVersion(migrations, {
    async seed({ driver }, version) {
      if (version >= 2) await driver.query('insert into people (id) values (7)')
    },
    async check({ driver }, version) {
      versions.push(version)
      const { rows } = await driver.query('select * from people')
      assert.deepEqual(rows, version >= 2 ? [{ id: 7, name: 'nobody' }] : [])
    },
  })
  assert.deepEqual(versions, [0, 1, 2, 3])
})

test('replaying notices a version that comes out different', async () => {
  const migrations = house('different', {
    people: {
      '001-people.sql': 'create table people (id int)',
      '002-more.sql':
        'do $$ begin if (select count(*) from people) > 0 then alter table people add column extra text; end if; end $$',
    },
  })
  const replay = replayEveryVersion(migrations, {
    async seed({ driver }, version) {
      if (version === 2) await driver.query('insert into people values (1)')
    },
  })
  await assert.rejects(replay, /From version 2 the schema becomes[\s\S]*extra/)
})

test('four processes that migrate at once apply each file once', async () => {
  const migrations = house('race', { people, visits })
  await using database = await createTestDatabase({ migrations: [] })
  const pools = Array.from({ length: 4 }, () =>
    createPool({ target: database.url, connections: 1, statementTimeout: 5000, log: silentLog }),
  )
  const done = await Promise.all(pools.map(({ driver }) => migrate(driver, migrations, silentLog)))
  await Promise.all(pools.map(pool => pool[Symbol.asyncDispose]()))
  assert.equal(done.flat().length, 4)
  assert.equal((await applied(database)).length, 4)
})

test('a file that was changed after it was applied is refused', async () => {
  await using database = await createTestDatabase({ migrations: house('changed', { people }) })
  const edited = house('changed', {
    people: { ...people, '001-people.sql': 'create table people (id bigint primary key)' },
  })
  await assert.rejects(migrate(database.driver, edited, silentLog), {
    name: 'MigrationError',
    message: /people\/001-people\.sql was applied to this database and has been changed since/,
  })
})

test('line ends of a Windows checkout are no change', async () => {
  const windows = Object.fromEntries(Object.entries(people).map(([name, sql]) => [name, sql.replaceAll('\n', '\r\n')]))
  await using database = await createTestDatabase({ migrations: house('unix', { people }) })
  assert.deepEqual(await migrate(database.driver, house('windows', { people: windows }), silentLog), [])
})

test('a database from a newer version is refused', async () => {
  await using database = await createTestDatabase({ migrations: house('newer', { people }) })
  const older = house('older', { people: { '001-people.sql': people['001-people.sql'] } })
  await assert.rejects(
    migrate(database.driver, older, silentLog),
    /people\/002-names\.sql, which this version .* does not know/,
  )
})

test('a file that fails leaves nothing of itself, and all before it', async () => {
  const broken = house('broken', {
    people: { ...people, '003-bad.sql': 'create table half (id int);\n\nalter table people drop column nothing;' },
  })
  await using database = await createTestDatabase({ migrations: [] })
  await assert.rejects(migrate(database.driver, broken, silentLog), error => {
    assert.ok(error instanceof MigrationError)
    assert.match(error.message, /people\/003-bad\.sql.*column "nothing" .* does not exist\. Nothing of it was applied/)
    return true
  })
  assert.equal((await applied(database)).length, 3)
  const { rows } = await database.driver.query("select to_regclass('konnectory.half') as half")
  assert.deepEqual(rows, [{ half: null }])
  // Put right, it goes on from there.
  const mended = house('mended', { people: { ...people, '003-good.sql': 'create table whole (id int)' } })
  assert.equal((await migrate(database.driver, mended, silentLog)).length, 1)
})

test('a syntax error tells its line', async () => {
  const migrations = house('syntax', {
    people: { '001-people.sql': 'create table people (id int);\n\ncreate tabel x;' },
  })
  await using database = await createTestDatabase({ migrations: [] })
  await assert.rejects(migrate(database.driver, migrations, silentLog), /people\/001-people\.sql, line 3: syntax error/)
})

test('names and numbers are checked when the files are read', () => {
  assert.throws(() => house('names', { a: { '1-x.sql': '' } }), /a migration is named like 001-documents\.sql/)
  assert.throws(() => house('gap', { a: { '001-x.sql': '', '003-y.sql': '' } }), /the next number of a is 002/)
  assert.throws(() => house('twice', { a: { '001-x.sql': '', '001-y.sql': '' } }), /the next number of a is 002/)
  assert.throws(() => house('zero', { a: { '000-x.sql': '' } }), MigrationError)
})
