import pg from 'pg'
import type { Log } from '../log.ts'

/** Between attempts to connect again: at once, then less and less often. Milliseconds. */
const BACK_OFF = [0, 50, 100, 250, 500, 1_000, 2_000, 5_000]
/** A connection that nobody has said is broken (a firewall that forgot it) is found out by asking. */
const HEARTBEAT_MS = 30_000
const ANSWER_MS = 10_000

export interface ListeningOptions {
  /** Where the database is: the options of its pool. */
  options: pg.PoolConfig
  channel: string
  log: Log
  /** Gets the payload of each notification. */
  onMessage(payload: string): void
  /** It listens again; what was sent in between is lost. */
  onAgain(): void
}

/** A connection beside the pool that listens, and comes back when it breaks. */
export interface ListeningConnection extends AsyncDisposable {
  /**
   * Runs a statement on it, which commits by itself.
   * @returns undefined when there is no connection now, or it broke: then whether it was done is not known
   * @throws when the database refuses it
   */
  run<Row extends pg.QueryResultRow>(text: string, values: unknown[]): Promise<Row[] | undefined>
}

/** Connects and listens. @throws the driver's error when that fails the first time */
export async function listenOn({
  options,
  channel,
  log,
  onMessage,
  onAgain,
}: ListeningOptions): Promise<ListeningConnection> {
  let client: pg.Client | undefined
  let closed = false
  let retry: NodeJS.Timeout | undefined
  let beat: NodeJS.Timeout | undefined
  let attempt = 0

  const connect = async (): Promise<void> => {
    const fresh = new pg.Client({
      ...options,
      // Not enumerable in the driver's options, so not in the copy above.
      ...(options.password !== undefined && { password: options.password }),
      ...(options.ssl !== undefined && { ssl: options.ssl }),
      application_name: 'konnectory news',
      keepAlive: true,
      connectionTimeoutMillis: ANSWER_MS,
      query_timeout: ANSWER_MS,
    })
    fresh.on('error', error => broke(fresh, error))
    fresh.on('end', () => broke(fresh, new Error('The connection was closed')))
    fresh.on('notification', ({ payload }) => {
      if (payload !== undefined) onMessage(payload)
    })
    try {
      await fresh.connect()
      // Notifying is a commit; nothing is lost with it that a crash would not take anyway, so it need not wait for the disk.
      await fresh.query('set synchronous_commit = off')
      await fresh.query(`listen ${channel}`)
    } catch (error) {
      drop(fresh)
      throw error
    }
    if (closed) return drop(fresh)
    client = fresh
    attempt = 0
    beatLater(fresh)
  }

  const beatLater = (of: pg.Client): void => {
    beat = setTimeout(() => {
      of.query('select').then(
        () => of === client && beatLater(of),
        error => broke(of, error),
      )
    }, HEARTBEAT_MS).unref()
  }

  /** Once for each connection, however it says it. */
  const broke = (which: pg.Client, error: unknown): void => {
    if (which !== client) return
    client = undefined
    clearTimeout(beat)
    drop(which)
    if (closed) return
    log.warn('the connection that hears of other processes broke', { error })
    again()
  }

  const again = (): void => {
    const wait = BACK_OFF[Math.min(attempt++, BACK_OFF.length - 1)]
    retry = setTimeout(() => {
      connect().then(
        () => {
          if (closed) return
          log.info('news of other processes are heard again')
          onAgain()
        },
        error => {
          if (closed) return
          log.debug('still no connection for the news', { error })
          again()
        },
      )
    }, wait).unref()
  }

  await connect()
  return {
    async run<Row extends pg.QueryResultRow>(text: string, values: unknown[]) {
      const mine = client
      if (!mine) return undefined
      try {
        return (await mine.query<Row>(text, values)).rows
      } catch (error) {
        // A server that ends says so as an error of the statement (57P01 and the like); the connection goes with it.
        if (error instanceof pg.DatabaseError && !/^(08|57P)/.test(error.code ?? '')) throw error
        broke(mine, error)
        return undefined
      }
    },
    async [Symbol.asyncDispose]() {
      closed = true
      clearTimeout(retry)
      clearTimeout(beat)
      const last = client
      client = undefined
      await last?.end()
    },
  }
}

/** Without waiting for an answer that may never come. */
function drop(client: pg.Client): void {
  const { connection } = client as unknown as { connection: { stream: { destroy(): void } } }
  connection.stream.destroy()
}
