import pg from 'pg'
import { typedError } from '../database/index.ts'
import type { Log } from '../log.ts'
import type { Runner } from './key-store.ts'

/** One connection beside the server's pool, opened when needed and closed when idle. */
export interface OwnConnection extends AsyncDisposable {
  run: Runner
  /** All or nothing. `read only`: the database refuses any write. */
  transaction<T>(work: (run: Runner) => Promise<T>, mode?: 'read write' | 'read only'): Promise<T>
}

/**
 * Secrets are sealed inside transactions, each of which holds a connection of the pool. If keys came through the same pool,
 * as many writers as it has connections could all wait for one more, and none would ever get it.
 */
export function ownConnection({ options }: pg.Pool, log: Log): OwnConnection {
  const pool = new pg.Pool({
    ...options,
    // Not enumerable in the driver's options, so not in the copy above.
    ...(options.password !== undefined && { password: options.password }),
    ...(options.ssl !== undefined && { ssl: options.ssl }),
    min: 0,
    max: 1,
    idleTimeoutMillis: 5000,
    allowExitOnIdle: true,
    application_name: 'konnectory keyring',
  })
  pool.on('error', error => log.debug('the connection of the keyring broke', { error }))
  const rethrow = (error: unknown): never => {
    throw typedError(error)
  }
  return {
    run: {
      query: (...args: unknown[]) => (Reflect.apply(pool.query, pool, args) as Promise<never>).catch(rethrow),
    } as Runner,
    async transaction(work, mode = 'read write') {
      const client = await pool.connect().catch(rethrow)
      let broken: Error | undefined
      try {
        await client.query(`begin ${mode}`)
        const result = await work(client)
        await client.query('commit')
        return result
      } catch (error) {
        await client.query('rollback').catch(reason => {
          broken = reason
        })
        throw typedError(error)
      } finally {
        client.release(broken)
      }
    },
    [Symbol.asyncDispose]: () => pool.end(),
  }
}
