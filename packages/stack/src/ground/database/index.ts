import type { Clock } from '../clock.ts'
import type { Config } from '../config.ts'
import type { Log } from '../log.ts'
import { createPool, type Pool } from './pool.ts'
import { provideDatabase } from './provider.ts'
import { assertSuitable } from './suitable.ts'

export * from './errors.ts'
export { type Migration, MigrationError, type MigrationSource, migrate, readMigrations } from './migrations.ts'
export { createPool, type GroundTables, type Pool, type Query, SCHEMA, type TransactionOptions } from './pool.ts'
export { DatabaseStartError, type StartErrorCode } from './start-error.ts'

/** The server's database, open. Disposing closes the connections, and ends the server when it is ours. */
export interface Database extends Pool {
  /** `external`: somebody else's server, from DATABASE_URL. */
  kind: 'external' | 'managed'
  /** Of the server, `18.4`. */
  version: string
  /** Rejects when a server of ours goes away without being asked to; never settles otherwise. */
  lost: Promise<never>
}

/**
 * Opens the database of a configuration, starting it when it is ours. Tables are `migrate`'s business.
 * @throws DatabaseStartError with a sentence that says what to do
 */
export async function openDatabase(config: Config, { log, clock }: { log: Log; clock: Clock }): Promise<Database> {
  const { dataDirectory, database } = config
  if (database.url) hidePassword(database.url, log)
  await using cleanup = new AsyncDisposableStack()
  const provided = await provideDatabase({ dataDirectory, database, log, clock })
  if (provided.server) cleanup.use(provided.server)
  const pool = cleanup.use(
    createPool({
      target: provided.kind === 'external' ? provided.url : provided.server.connection,
      connections: database.connections,
      statementTimeout: database.statementTimeout,
      log,
    }),
  )
  const version = await assertSuitable(pool.driver)
  // A URL that never worked must not bind the directory to itself.
  provided.remember?.()
  log.info('the database is open', { kind: provided.kind, version })

  // Disposed in reverse: connections first, then the server.
  const opened = cleanup.move()
  let closing = false
  const { promise: lost, reject } = Promise.withResolvers<never>()
  lost.catch(() => {})
  void provided.server?.ended.then(end => {
    if (!closing)
      reject(
        new Error(`PostgreSQL ended by itself (exit code ${end.code ?? end.signal}); see the log before this line`),
      )
  })
  return {
    ...pool,
    kind: provided.kind,
    version,
    lost,
    async [Symbol.asyncDispose]() {
      closing = true
      await opened.disposeAsync()
    },
  }
}

function hidePassword(url: string, log: Log): void {
  const { password } = new URL(url)
  log.hide(password)
  log.hide(decodeURIComponent(password))
}
