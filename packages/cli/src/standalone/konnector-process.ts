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
/** The end with its parent, routes of connections, the replay's clock, what the author may call. */
const PRELOADS = ['./leash.cjs', './preload.cjs', './deterministic.cjs', './open-in-browser.cjs']
/** Descriptor of a pipe that only tells, by closing, that we are gone (`leash.cjs`). */
const LEASH = 3
/**
 * A konnector makes much short-lived garbage and keeps little: V8 would let its nursery grow to 48 MB before it looks. Megabytes;
 * measured on 1,000 bills: 40 MB less, and no slower.
 */
const NURSERY = 2

/**
 * Runs a konnector in a process group of its own, so that browsers it started end with it, whatever happens to it. It ends with us too,
 * even when we are killed.
 * The promise rejects only when the process cannot be started.
 */
export function runKonnectorProcess(options: KonnectorProcessOptions): Promise<KonnectorEnd> {
  const startedAt = performance.now()
  const preload = (name: string): string[] => ['--require', fileURLToPath(new URL(name, import.meta.url))]
  const flags = ['--enable-source-maps', `--max-semi-space-size=${NURSERY}`]
  const child = spawn(process.execPath, [...flags, ...PRELOADS.flatMap(preload), options.script], {
    cwd: options.cwd,
    env: { ...options.env, KONNECTORY_LEASH: String(LEASH) },
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    detached: process.platform !== 'win32',
  })
  // It breaks when the konnector ends, which `exit` tells better.
  child.stdio[LEASH]?.on('error', () => undefined)
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
