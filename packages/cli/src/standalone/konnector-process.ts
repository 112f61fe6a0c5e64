import { type ChildProcess, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { type LogLine, parseLogLine } from './log-line.ts'

export interface KonnectorProcessOptions {
  /** The bundled script. */
  script: string
  /** Working directory: the project, as konnectors expect when they read files beside themselves. */
  cwd: string
  env: NodeJS.ProcessEnv
  /** Milliseconds after which the konnector is ended; undefined: none. */
  limit?: number | undefined
  onLine(line: string, stream: 'stdout' | 'stderr', log: LogLine | undefined): void
  signal?: AbortSignal | undefined
}

export interface KonnectorEnd {
  /** Exit code; null when a signal ended it. */
  code: number | null
  endSignal: NodeJS.Signals | null
  timedOut: boolean
  /** Message of the last `critical` line: the job's error on a server. */
  error?: string
  /** Number of `error` lines: on a server one of them makes a job fail. */
  errorLines: number
  /** Milliseconds. */
  duration: number
}

/** Time that a konnector has to leave after SIGTERM before it is killed. */
const GRACE = 3000
/** Routes of connections, the replay's clock, what the author may call. */
const PRELOADS = ['./preload.cjs', './deterministic.cjs', './open-in-browser.cjs']

/**
 * Runs a konnector in a process group of its own, so that browsers it started end with it, whatever happens to it.
 * The promise rejects only when the process cannot be started.
 */
export function runKonnectorProcess(options: KonnectorProcessOptions): Promise<KonnectorEnd> {
  const startedAt = performance.now()
  const preload = (name: string): string[] => ['--require', fileURLToPath(new URL(name, import.meta.url))]
  const child = spawn(process.execPath, ['--enable-source-maps', ...PRELOADS.flatMap(preload), options.script], {
    cwd: options.cwd,
    env: options.env,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: process.platform !== 'win32',
  })
  let timedOut = false
  let error: string | undefined
  let errorLines = 0

  const read = (stream: NodeJS.ReadableStream, name: 'stdout' | 'stderr'): Promise<void> =>
    new Promise(resolve => {
      createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY })
        .on('line', line => {
          const log = name === 'stdout' ? parseLogLine(line) : undefined
          if (log?.type === 'critical') error = log.message
          if (log?.type === 'error') errorLines++
          options.onLine(line, name, log)
        })
        .on('close', resolve)
    })
  const streams = Promise.all([read(child.stdout!, 'stdout'), read(child.stderr!, 'stderr')])

  const timers: NodeJS.Timeout[] = []
  const stop = (signal: NodeJS.Signals): void => {
    signalGroup(child, signal)
    timers.push(setTimeout(() => signalGroup(child, 'SIGKILL'), GRACE))
  }
  if (options.limit !== undefined) {
    const limit = setTimeout(() => {
      timedOut = true
      stop('SIGTERM')
    }, options.limit)
    timers.push(limit)
  }
  const onAbort = (): void => stop((options.signal?.reason as NodeJS.Signals | undefined) ?? 'SIGTERM')
  if (options.signal?.aborted) onAbort()
  else options.signal?.addEventListener('abort', onAbort, { once: true })

  return new Promise((resolve, reject) => {
    child.once('error', failure => {
      for (const timer of timers) clearTimeout(timer)
      reject(failure)
    })
    child.once('exit', (code, endSignal) => {
      for (const timer of timers) clearTimeout(timer)
      options.signal?.removeEventListener('abort', onAbort)
      // What the konnector started and forgot would keep its pipes, and the machine, busy.
      signalGroup(child, 'SIGKILL')
      streams.then(() =>
        resolve({
          code,
          endSignal,
          timedOut,
          ...(error === undefined ? {} : { error }),
          errorLines,
          duration: performance.now() - startedAt,
        }),
      )
    })
  })
}

function signalGroup(child: ChildProcess, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return
  try {
    if (process.platform === 'win32') child.kill(signal)
    else process.kill(-child.pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}
