import { createHash } from 'node:crypto'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type pg from 'pg'
import type { Log } from '../log.ts'
import { SCHEMA } from './pool.ts'

/** A room and the folder of its migrations. */
export interface MigrationSource {
  room: string
  folder: string
}

/** One file, `001-documents.sql`. Forward only: what was applied somewhere is never edited, only followed by the next number. */
export interface Migration {
  room: string
  number: number
  /** The file's name. */
  name: string
  sql: string
  /** SHA-256 of the text, whatever a checkout did to its line ends. */
  checksum: string
}

/** A migration that cannot be done. Nothing of it is in the database; those before it are. */
export class MigrationError extends Error {
  override name = 'MigrationError'
}

/** The ground's own, the first of all. */
export const GROUND_MIGRATIONS: MigrationSource = {
  room: 'ground',
  folder: join(import.meta.dirname, '..', 'migrations'),
}

/** Any number, the same in all versions: whoever migrates this database waits on it. */
const LOCK = 7_340_211_905

/**
 * Reads the migrations of the ground, then of the rooms, in the order in which they are applied.
 * @param rooms in the order of the house: a room's tables may refer only to those of rooms before it
 * @throws MigrationError for a file that is not named `NNN-words.sql`, for a gap or the same number twice
 */
export function readMigrations(rooms: MigrationSource[] = []): Migration[] {
  return [GROUND_MIGRATIONS, ...rooms].flatMap(({ room, folder }) =>
    globSync('*', { cwd: folder })
      .sort()
      .map((name, index) => {
        const number = Number(/^(\d{3})-[a-z0-9-]+\.sql$/.exec(name)?.[1])
        if (!number) throw new MigrationError(`${join(folder, name)}: a migration is named like 001-documents.sql`)
        if (number !== index + 1) {
          const expected = String(index + 1).padStart(3, '0')
          throw new MigrationError(
            `${join(folder, name)}: the next number of ${room} is ${expected}; numbers have no gaps and are used once`,
          )
        }
        const sql = readFileSync(join(folder, name), 'utf8').replaceAll('\r\n', '\n')
        return { room, number, name, sql, checksum: createHash('sha256').update(sql).digest('hex') }
      }),
  )
}

/**
 * Applies what is missing. Each file in a transaction of its own, which first takes the lock and then looks again at what
 * is applied: several processes may start at once, and a pooler in between does no harm (no lock outlives a transaction).
 * @returns what this call applied
 * @throws MigrationError when a file fails, when an applied one has changed, when the database is from a newer version
 */
export async function migrate(driver: pg.Pool, migrations: Migration[], log: Log): Promise<Migration[]> {
  const done: Migration[] = []
  for (;;) {
    const started = performance.now()
    const applied = await applyNext(driver, migrations)
    if (!applied) return done
    done.push(applied)
    log.info('migrated the database', {
      room: applied.room,
      file: applied.name,
      ms: Math.round(performance.now() - started),
    })
  }
}

async function applyNext(driver: pg.Pool, migrations: Migration[]): Promise<Migration | undefined> {
  const client = await driver.connect()
  let broken: Error | undefined
  try {
    await client.query('begin')
    // Waiting for another process, and building indexes on a big table, take as long as they take.
    await client.query('set local statement_timeout = 0; set local idle_in_transaction_session_timeout = 0')
    await client.query('select pg_advisory_xact_lock($1)', [LOCK])
    const next = nextOf(migrations, await appliedIn(client))
    if (next) await apply(client, next)
    await client.query('commit')
    return next
  } catch (error) {
    await client.query('rollback').catch(reason => {
      broken = reason
    })
    throw error
  } finally {
    client.release(broken)
  }
}

interface Applied {
  room: string
  number: number
  name: string
  checksum: string
}

async function appliedIn(client: pg.PoolClient): Promise<Applied[]> {
  const { rows } = await client.query<{ there: boolean }>(
    `select to_regclass('${SCHEMA}.migrations') is not null as there`,
  )
  if (!rows[0]?.there) return []
  return (await client.query<Applied>(`select room, number, name, checksum from ${SCHEMA}.migrations`)).rows
}

function nextOf(migrations: Migration[], applied: Applied[]): Migration | undefined {
  const key = ({ room, number }: { room: string; number: number }) => `${room} ${number}`
  const known = new Map(migrations.map(migration => [key(migration), migration]))
  for (const row of applied) {
    const file = known.get(key(row))
    if (!file) {
      throw new MigrationError(
        `The database has ${row.room}/${row.name}, which this version of Konnectory does not know: a newer one has migrated it. Start that version again, or restore a backup from before.`,
      )
    }
    if (file.checksum !== row.checksum) {
      throw new MigrationError(
        `${row.room}/${file.name} was applied to this database and has been changed since. Put it back as it was; what must be different goes into a new file with the next number.`,
      )
    }
  }
  const there = new Set(applied.map(key))
  return migrations.find(migration => !there.has(key(migration)))
}

async function apply(client: pg.PoolClient, { room, number, name, sql, checksum }: Migration): Promise<void> {
  try {
    await client.query(sql)
    await client.query(`insert into ${SCHEMA}.migrations (room, number, name, checksum) values ($1, $2, $3, $4)`, [
      room,
      number,
      name,
      checksum,
    ])
  } catch (error) {
    const { message, position } = error as Error & { position?: string }
    const line = position ? `, line ${sql.slice(0, Number(position) - 1).split('\n').length}` : ''
    throw new MigrationError(`${room}/${name}${line}: ${message}. Nothing of it was applied.`, { cause: error })
  }
}
