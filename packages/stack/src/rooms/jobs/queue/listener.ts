import pg from 'pg'
import type { Log } from '#ground/log'

/** Channels of PostgreSQL, over one connection beside the pool. What is heard is a hint to look, never the only way to know. */
export interface Listener extends AsyncDisposable {
  /** False while the connection is away: then who waits for hints must look by itself more often. */
  readonly connected: boolean
  /** @param onGap called after each time the connection came (back): something may have been missed */
  on(channel: string, heard: (payload: string) => void, onGap?: () => void): void
  /** Connects. Without success it goes on trying. */
  start(): Promise<void>
}

const RECONNECT_MS = { first: 100, most: 30_000 }

export function createListener({ options }: pg.Pool, log: Log): Listener {
  const channels = new Map<string, { heard(payload: string): void; onGap: (() => void) | undefined }[]>()
  let client: pg.Client | undefined
  let connected = false
  let stopped = false
  let retry: NodeJS.Timeout | undefined
  let delay = RECONNECT_MS.first

  const connect = async (): Promise<void> => {
    const next = new pg.Client({
      ...options,
      // Not enumerable in the driver's options, so not in the copy above.
      ...(options.password !== undefined && { password: options.password as string }),
      ...(options.ssl !== undefined && { ssl: options.ssl }),
      application_name: 'konnectory listener',
      keepAlive: true,
      keepAliveInitialDelayMillis: 10_000,
    } as pg.ClientConfig)
    client = next
    next.on('notification', ({ channel, payload = '' }) => {
      for (const { heard } of channels.get(channel) ?? []) heard(payload)
    })
    next.on('error', error => lost(next, error))
    next.on('end', () => lost(next, undefined))
    try {
      await next.connect()
      for (const channel of channels.keys()) await next.query(`listen ${pg.escapeIdentifier(channel)}`)
    } catch (error) {
      return lost(next, error)
    }
    if (stopped || client !== next) return
    connected = true
    delay = RECONNECT_MS.first
    for (const { onGap } of [...channels.values()].flat()) onGap?.()
  }

  function lost(from: pg.Client, error: unknown): void {
    if (client !== from) return
    client = undefined
    connected = false
    // A second error of a connection that is given up has nobody to hear it.
    from.removeAllListeners()
    from.on('error', () => {})
    from.end().catch(reason => log.debug('the connection that listens did not close', { error: reason }))
    if (stopped) return
    log.warn('the connection that listens broke; it comes back', { error })
    retry = setTimeout(() => void connect(), delay)
    delay = Math.min(2 * delay, RECONNECT_MS.most)
  }

  return {
    get connected() {
      return connected
    },
    on(channel, heard, onGap) {
      channels.set(channel, [...(channels.get(channel) ?? []), { heard, onGap }])
    },
    start: connect,
    async [Symbol.asyncDispose]() {
      stopped = true
      connected = false
      clearTimeout(retry)
      const last = client
      client = undefined
      last?.removeAllListeners()
      last?.on('error', () => {})
      await last?.end()
    },
  }
}
