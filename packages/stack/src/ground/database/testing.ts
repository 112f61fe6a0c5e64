import { spawn } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import pg from 'pg'
import { systemClock } from '../clock.ts'
import { createLog, type Log } from '../log.ts'
import { type Migration, migrate, readMigrations } from './migrations.ts'
import { createPool, type Pool } from './pool.ts'
import { hasCode } from './start-error.ts'

/**
 * Databases for tests: one server per test run, a database for each who asks.
 *
 * The first file that asks starts a keeper, a process of its own, since files are processes that come and go. The keeper
 * starts the server and ends it when the run, that is the test runner, is gone. Other files find it through a folder named
 * after the runner. `KONNECTORY_TEST_DATABASE=external` runs the same tests on Debian's PostgreSQL 15.
 */
export interface TestDatabase extends Pool {
  name: string
  /** As an operator would give it in DATABASE_URL. */
  url: string
}

export interface TestDatabaseOptions {
  /** Applied before; without, those of the ground. An empty list: an empty database. */
  migrations?: Migration[]
  connections?: number
  statementTimeout?: number
  log?: Log
}

/** What the keeper says about its server, in `server.json`. */
export type KeptServer =
  | { keeper: number; host: string; port: number; user: string; version: string }
  | { keeper: number; error: string }

type LiveServer = Extract<KeptServer, { host: string }>

/** How long the first of a run may take: initdb on a busy machine. */
const START_MS = 60_000
const LOOK_EVERY_MS = 20

/** A log that says nothing. */
export const silentLog: Log = createLog({ level: 'silent', clock: systemClock, write: () => {} })

/** Makes an empty database of the asker's own; disposing drops it, once. */
export async function createTestDatabase(options: TestDatabaseOptions = {}): Promise<TestDatabase> {
  const { migrations = readMigrations(), connections = 5, statementTimeout = 10_000, log = silentLog } = options
  const server = await testServer()
  const name = `test_${randomBytes(6).toString('hex')}`
  await withAdmin(server, async admin => {
    const template = await templateOf(server, admin, migrations)
    await admin.query(`create database ${name} template ${template}`)
  })
  const url = urlOf(server, name)
  const pool = createPool({ target: url, connections, statementTimeout, log })
  let dropped: Promise<void> | undefined
  const drop = async () => {
    await pool[Symbol.asyncDispose]()
    await withAdmin(server, admin => admin.query(`drop database ${name} with (force)`))
  }
  return { ...pool, name, url, [Symbol.asyncDispose]: () => (dropped ??= drop()) }
}

/** Runs statements on the test server's own database, as its superuser. */
export async function asAdmin<T>(work: (admin: pg.Client) => Promise<T>): Promise<T> {
  return withAdmin(await testServer(), work)
}

/** The version of PostgreSQL the tests run on. */
export async function testServerVersion(): Promise<string> {
  return (await testServer()).version
}

/** The URL of a database on the test server. */
export async function testUrl(name: string): Promise<string> {
  return urlOf(await testServer(), name)
}

function urlOf({ host, port, user }: LiveServer, name: string): string {
  return `postgresql://${user}@localhost:${port}/${name}?host=${encodeURIComponent(host)}`
}

async function withAdmin<T>({ host, port, user }: LiveServer, work: (admin: pg.Client) => Promise<T>): Promise<T> {
  const admin = new pg.Client({ host, port, user, database: 'postgres' })
  await admin.connect()
  try {
    return await work(admin)
  } finally {
    await admin.end()
  }
}

/** A migrated database to copy from, made once per run for each list of migrations. Half made, it has another name. */
async function templateOf(server: LiveServer, admin: pg.Client, migrations: Migration[]): Promise<string> {
  if (migrations.length === 0) return 'template0'
  const hash = createHash('sha256').update(migrations.map(({ checksum }) => checksum).join())
  const name = `template_${hash.digest('hex').slice(0, 16)}`
  const isThere = async () => (await admin.query('select from pg_database where datname = $1', [name])).rowCount !== 0
  if (await isThere()) return name
  await admin.query('select pg_advisory_lock(hashtext($1))', [name])
  try {
    if (await isThere()) return name
    await admin.query(`drop database if exists ${name}_new`)
    await admin.query(`create database ${name}_new template template0`)
    {
      await using pool = createPool({
        target: urlOf(server, `${name}_new`),
        connections: 1,
        statementTimeout: 30_000,
        log: silentLog,
      })
      await migrate(pool.driver, migrations, silentLog)
    }
    await admin.query(`alter database ${name}_new rename to ${name}`)
    return name
  } finally {
    await admin.query('select pg_advisory_unlock(hashtext($1))', [name])
  }
}

let found: Promise<LiveServer> | undefined

function testServer(): Promise<LiveServer> {
  found ??= findOrStart()
  return found
}

async function findOrStart(): Promise<LiveServer> {
  // A file below `node --test` is its child; a file run by itself is its own run.
  const run = process.env.NODE_TEST_CONTEXT ? process.ppid : process.pid
  const kind = process.env.KONNECTORY_TEST_DATABASE === 'external' ? 'external' : 'managed'
  const folder = join(tmpdir(), `konnectory-test-${process.getuid?.() ?? 0}-${run}-${kind}`)
  const deadline = performance.now() + START_MS
  for (;;) {
    if (makeFolder(folder)) startKeeper(folder, run, kind)
    const server = await waitForServer(folder, deadline)
    if (server === 'gone') continue
    if ('error' in server) throw new Error(`The test server did not start: ${server.error}`)
    if (isAlive(server.keeper)) return server
    // A keeper that was killed, of a run with the same number long ago.
    rmSync(folder, { recursive: true, force: true })
  }
}

/** @returns whether we are the first; exactly one is */
function makeFolder(folder: string): boolean {
  try {
    mkdirSync(folder, { mode: 0o755 })
    return true
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false
    throw error
  }
}

function startKeeper(folder: string, run: number, kind: string): void {
  const log = openSync(join(folder, 'keeper.log'), 'a')
  const args = [join(import.meta.dirname, 'testing-keeper.ts'), folder, String(run), kind]
  spawn(process.execPath, args, { detached: true, stdio: ['ignore', log, log], cwd: '/' }).unref()
  closeSync(log)
}

/** No event crosses from a process that is not ours; we look until the file is there. */
async function waitForServer(folder: string, deadline: number): Promise<KeptServer | 'gone'> {
  const file = join(folder, 'server.json')
  for (;;) {
    try {
      return JSON.parse(readFileSync(file, 'utf8'))
    } catch (error) {
      if (!hasCode(error, 'ENOENT')) throw error
    }
    if (!existsSync(folder)) return 'gone'
    if (performance.now() > deadline) {
      throw new Error(`The test server did not start within ${START_MS / 1000} s; see ${join(folder, 'keeper.log')}`)
    }
    await delay(LOOK_EVERY_MS)
  }
}

/** Whether a process is there; one of another user is. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return !hasCode(error, 'ESRCH')
  }
}
