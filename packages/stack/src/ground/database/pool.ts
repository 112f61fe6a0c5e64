import { Kysely, PostgresDialect, type PostgresPool, type PostgresPoolClient, type Transaction } from 'kysely'
import pg from 'pg'
import type { Log } from '../log.ts'
import { TransactionConflict, typedError } from './errors.ts'

/** Our tables live in a schema of their own: a database may be shared, and nothing is found by accident in `public`. */
export const SCHEMA = 'konnectory'

/** What the ground itself keeps. A room sees its own tables with `query.withTables<{…}>()`. */
export interface GroundTables {
  migrations: { room: string; number: number; name: string; checksum: string; applied_at: Date }
}

export type Query = Kysely<GroundTables>

export interface TransactionOptions {
  isolation?: 'read committed' | 'repeatable read' | 'serializable'
  /** How often the whole work is tried again after a conflict. Default 0: then it must not have effects elsewhere. */
  retries?: number
}

/** Connections to one PostgreSQL. Errors of statements are those of `errors.ts`. */
export interface Pool extends AsyncDisposable {
  query: Query
  /** The driver's own, for what brings its own statements (the queue) or listens. Its errors are the driver's. */
  driver: pg.Pool
  /** Does the work in one transaction: all of it is there when this resolves, none of it when it rejects. */
  transaction<T>(work: (query: Transaction<GroundTables>) => Promise<T>, options?: TransactionOptions): Promise<T>
}

export interface PoolOptions {
  /** A URL, or the place of a server of ours. */
  target: string | { host: string; port: number; user: string; database: string }
  connections: number
  /** Milliseconds. */
  statementTimeout: number
  log: Log
}

/** How long a request waits for a free connection before it is told that the database is unavailable. */
const WAIT_MS = 10_000
/** A transaction that nobody goes on with holds locks and keeps dead rows alive. */
const IDLE_IN_TRANSACTION_MS = 60_000

/** Makes a pool; connects at the first statement. */
export function createPool({ target, connections, statementTimeout, log }: PoolOptions): Pool {
  const driver = new pg.Pool({
    ...connectionTo(target, statementTimeout),
    max: connections,
    connectionTimeoutMillis: WAIT_MS,
    allowExitOnIdle: false,
    application_name: 'konnectory',
  })
  // An idle connection that broke (a restart of the server): the pool has dropped it, the next statement opens another.
  driver.on('error', error => log.warn('a database connection broke', { error }))
  // One that breaks while it is lent: who has it is told by the statement that fails; without a listener the process would end.
  driver.on('connect', client => {
    client.on('error', error => log.warn('a database connection broke', { error }))
  })
  const query = new Kysely<GroundTables>({ dialect: new PostgresDialect({ pool: withTypedErrors(driver) }) })
  return {
    query,
    driver,
    transaction: (work, options = {}) => transact(query, work, options),
    async [Symbol.asyncDispose]() {
      // Kysely ends the driver's pool only if it ever used it.
      await query.destroy()
      if (!driver.ending) await driver.end()
    },
  }
}

/** Settings go along in the connection's first packet: no round trip, and no moment in which they are not yet set. */
function connectionTo(target: PoolOptions['target'], statementTimeout: number): pg.PoolConfig {
  const options = [
    `search_path=${SCHEMA}`,
    `statement_timeout=${statementTimeout}`,
    `idle_in_transaction_session_timeout=${IDLE_IN_TRANSACTION_MS}`,
  ]
    .map(setting => `-c ${setting}`)
    .join(' ')
  if (typeof target !== 'string') return { ...target, options }
  const url = new URL(target)
  url.searchParams.set('options', `${url.searchParams.get('options') ?? ''} ${options}`.trim())
  return { connectionString: url.href }
}

async function transact<T>(
  query: Query,
  work: (query: Transaction<GroundTables>) => Promise<T>,
  { isolation = 'read committed', retries = 0 }: TransactionOptions,
): Promise<T> {
  for (let tried = 0; ; tried++) {
    try {
      return await query.transaction().setIsolationLevel(isolation).execute(work)
    } catch (error) {
      if (!(error instanceof TransactionConflict) || tried >= retries) throw error
    }
  }
}

/** The driver's pool as Kysely uses it, with our errors. */
function withTypedErrors(driver: pg.Pool): PostgresPool {
  const rethrow = (error: unknown): never => {
    throw typedError(error)
  }
  // One wrapper per client: Kysely remembers what it knows of a connection by the object.
  const wrapped = new WeakMap<pg.PoolClient, PostgresPoolClient>()
  const wrap = (client: pg.PoolClient): PostgresPoolClient => {
    const known = wrapped.get(client)
    if (known) return known
    const query = (...args: unknown[]) => {
      const answer: unknown = Reflect.apply(client.query, client, args)
      // A cursor comes back as it is; statements answer with a promise.
      return answer instanceof Promise ? answer.catch(rethrow) : answer
    }
    // The pool gives a client another `release` each time it hands it out.
    const wrapper = { query, release: (broken?: boolean) => client.release(broken) } as PostgresPoolClient
    wrapped.set(client, wrapper)
    return wrapper
  }
  return {
    options: driver.options,
    connect: () => driver.connect().then(wrap, rethrow),
    end: () => driver.end(),
  }
}
