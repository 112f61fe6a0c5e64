import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Log } from '../log.ts'
import type { Binaries } from './binaries.ts'
import { type DataDirectory, explained, openDataDirectory } from './data-directory.ts'
import { lockDirectory } from './directory-lock.ts'
import { explainFailure } from './explain.ts'
import { initialisedCluster, SUPERUSER } from './initialise.ts'
import { usableBinaries } from './packaged-binaries.ts'
import { clearLeftovers, readPostmaster } from './postmaster.ts'
import { serverSettings } from './server-settings.ts'
import type { ServiceUser } from './service-user.ts'
import { SOCKET_PORT, socketDirectory } from './socket-directory.ts'
import { DatabaseStartError } from './start-error.ts'
import { type End, startWatched, type WatchedProcess } from './watched-process.ts'

/** Clients get this long to finish; our own pool is closed before, so that there are none in the usual case. */
const SMART_MS = 2_000
/** Then they are sent away, and the server writes down what is in memory. */
const FAST_MS = 30_000
/** Backends of a postmaster that was killed alone hold its memory for a moment. */
const OLD_MEMORY_MS = 10_000

export interface LauncherOptions {
  /** Absolute; made when missing. */
  dataDirectory: string
  binaries: Binaries
  /** Connections that the application may open. */
  connections: number
  log: Log
  socketDirectory?: string | undefined
  /** Tests only: no durability, faster. */
  volatile?: boolean
}

/** A PostgreSQL of our own. */
export interface RunningPostgres extends AsyncDisposable {
  /** For `pg`: a path as host is a unix socket. */
  connection: { host: string; port: number; user: string; database: string }
  /** Of the postmaster. */
  pid: number
  binaries: Binaries
  user: ServiceUser
  /** The data directory was empty before. */
  fresh: boolean
  /** Resolves when the server is gone, asked to or not. */
  ended: Promise<End>
  /** Ends it in order: waits for clients, then sends them away, then gives up. Safe to call again. */
  stop(): Promise<void>
}

/**
 * Starts PostgreSQL on a data directory and waits until it takes connections; makes the directory at the first start.
 * Rules and measurements: storage.md §6.
 * @throws DatabaseStartError with a sentence that says what to do
 */
export async function startPostgres(options: LauncherOptions): Promise<RunningPostgres> {
  const directory = openDataDirectory(options.dataDirectory)
  try {
    return await launch(directory, options)
  } catch (error) {
    throw explained(directory.path, error)
  }
}

async function launch(directory: DataDirectory, options: LauncherOptions): Promise<RunningPostgres> {
  const { log } = options
  const { path: dataDirectory, user } = directory
  using cleanup = new DisposableStack()
  cleanup.use(lockDirectory(dataDirectory, user))

  const binaries = usableBinaries(options.binaries, user, join(dataDirectory, 'cache'))
  const env = { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' }
  const { cluster, fresh } = await initialisedCluster({
    dataDirectory,
    binaries,
    user,
    env,
    ...(options.volatile && { noSync: true }),
  })
  const sockets = socketDirectory(dataDirectory, user, options.socketDirectory)
  const left = await clearLeftovers(cluster, sockets)
  if (left !== 'none') log.info('cleared what an earlier database process left', { left, dataDirectory })

  const start = () =>
    startServer({
      command: join(binaries.bin, 'postgres'),
      args: ['-D', cluster, ...serverSettings({ ...options, major: binaries.major, sockets })],
      user,
      cwd: '/',
      env,
      atOurEnd: 'INT',
      onLine: line => logLine(log, line),
    })
  const server = await untilOldMemoryIsGone(start)
  const pid = readPostmaster(cluster)?.pid
  if (!pid) throw new DatabaseStartError('start_failed', `${cluster} lost its postmaster.pid while it started.`)

  // From here on the lock lives as long as the server.
  const lock = cleanup.move()
  const ended = server.ended.finally(() => lock.dispose())
  let stopping: Promise<void> | undefined
  const stop = () => (stopping ??= stopServer(server, log))
  return {
    connection: { host: sockets, port: SOCKET_PORT, user: SUPERUSER, database: 'postgres' },
    pid,
    binaries,
    user,
    fresh,
    ended,
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

/** Resolves when the server says that it takes connections; a server that ends before is explained by its own words. */
async function startServer(options: Parameters<typeof startWatched>[0]): Promise<WatchedProcess> {
  const lines: string[] = []
  const { promise: ready, resolve: isReady } = Promise.withResolvers<'ready'>()
  let starting = true
  const server = startWatched({
    ...options,
    onLine(line) {
      options.onLine(line)
      if (!starting) return
      lines.push(line)
      if (line.includes('database system is ready to accept connections')) isReady('ready')
    },
  })
  const first = await Promise.race([ready, server.ended])
  starting = false
  if (first !== 'ready') throw explainFailure('PostgreSQL did not start', lines, options.command, first.code)
  return server
}

async function untilOldMemoryIsGone(start: () => Promise<WatchedProcess>): Promise<WatchedProcess> {
  const deadline = performance.now() + OLD_MEMORY_MS
  for (;;) {
    try {
      return await start()
    } catch (error) {
      const old = /pre-existing shared memory block/.test((error as Error).message)
      if (!old || performance.now() > deadline) throw error
      await delay(50)
    }
  }
}

async function stopServer(server: WatchedProcess, log: Log): Promise<void> {
  const steps = [
    ['TERM', SMART_MS],
    ['INT', FAST_MS],
  ] as const
  for (const [signal, patience] of steps) {
    server.signal(signal)
    const timer = new AbortController()
    const late = delay(patience, 'late', { signal: timer.signal }).catch(() => 'late')
    const first = await Promise.race([server.ended, late])
    timer.abort()
    if (first !== 'late') return
    log.warn('the database does not end yet', { after: patience, asked: signal })
  }
  server.signal('QUIT')
  await server.ended
}

/** PostgreSQL's severities in our log: what it tells about itself is for debugging, what worries it is for the operator. */
function logLine(log: Log, line: string): void {
  const [, severity, text] = /^(?:\[\d+\] )?([A-Z]+\d?): {2}(.*)$/.exec(line) ?? []
  const source = { source: 'postgresql' }
  if (severity === 'FATAL' || severity === 'PANIC') log.warn(text ?? line, { ...source, severity })
  else if (severity === 'WARNING') log.warn(text ?? line, source)
  else log.debug(text ?? line, source)
}
