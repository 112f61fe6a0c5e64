import type { Resolve } from './gate/dial.ts'
import type { GateLimits } from './gate/gate.ts'
import type { Traffic } from './gate/join.ts'
import type { PinnedHost, StackOrigin } from './gate/policy.ts'
import type { Refusal } from './gate/refusals.ts'
import type { JailUser } from './jail/user.ts'

export type DriverName = 'bubblewrap' | 'nsjail' | 'none'

/** Where the runner tells the operator what matters beyond one run. */
export interface RunnerLog {
  info(message: string, details?: Record<string, unknown>): void
  warn(message: string, details?: Record<string, unknown>): void
  error(message: string, details?: Record<string, unknown>): void
}

export interface RunnerOptions {
  /** `none` confines nothing and must be asked for by name. */
  driver?: DriverName
  /** For the jail's root, compile caches and sockets; made when missing. Everybody must be able to enter its parents. */
  cacheDirectory: string
  log: RunnerLog
  /** Whom konnectors run as when the server is root; never root. Ignored otherwise: they run as the server's uid. */
  user?: JailUser
  /** Node to run konnectors with; by default the one running now. */
  node?: string
  /** A delegated cgroup v2 folder; by default found through /proc/self/cgroup. `false`: do without. */
  cgroup?: string | false
  /** How the gate finds addresses; for tests. */
  resolve?: Resolve
}

export interface RunLimits {
  /** Wall clock. */
  seconds: number
  /** Of the whole run with a cgroup; without, of each process by RLIMIT_DATA and of all of them as sampled. */
  memoryMb: number
  /** Processor time of each process; by default twice `seconds`. */
  cpuSeconds: number
  /** Processes and threads. Node alone has about a dozen. */
  pids: number
  /** One file. */
  fileMb: number
  /** /tmp, all files together. */
  tmpMb: number
  /** Files in /tmp. */
  tmpFiles: number
  openFiles: number
  /** Bytes of one line; the rest is cut. */
  lineBytes: number
  /** Lines passed on; later ones are counted, but for the last `critical` and the last `error`. */
  lines: number
  /** Of stderr; the rest is counted. */
  stderrBytes: number
  /** All output together; beyond it the run is ended. */
  outputMb: number
}

export const DEFAULT_LIMITS: Omit<RunLimits, 'cpuSeconds'> = {
  seconds: 300,
  memoryMb: 768,
  pids: 128,
  fileMb: 64,
  tmpMb: 64,
  tmpFiles: 20_000,
  openFiles: 256,
  lineBytes: 65_536,
  lines: 10_000,
  stderrBytes: 262_144,
  outputMb: 256,
}

export interface OutputLine {
  /** `runner`: a remark for the run's log (refused by the gate, output cut), not the konnector's words. */
  stream: 'stdout' | 'stderr' | 'runner'
  text: string
  /** Bytes of the whole line when `text` is only its beginning. Such a line is not JSON any more. */
  cutFrom?: number
}

export interface RunRequest {
  /** The work directory, with the bundle; seen as /konnector, read-only. */
  dir: string
  /** File in it to run; by default what Node finds for the folder (package.json's main, index.js). */
  entry?: string
  /** All variables the konnector gets but the runner's own (PATH, HOME, LANG, NODE_OPTIONS…); names as in `ALLOWED_NAMES`. */
  env: Readonly<Record<string, string>>
  /** What stdin gives; nothing by default. */
  input?: string
  limits?: Partial<RunLimits>
  gateLimits?: Partial<GateLimits>
  /** Declared names (`vendor.example`, `*.vendor.example`), or `public` for manifests that declare none. */
  domains: readonly string[] | 'public'
  stack?: StackOrigin
  /** The operator's `--gate-host` entries. */
  pinnedHosts?: readonly PinnedHost[]
  /** Names the bundle's version: same key, same bytes. Its compile cache is used when `prepare` has made one. */
  cacheKey?: string
  onLine?(line: OutputLine): void
  /** Ends the run: SIGKILL to all of it. */
  signal?: AbortSignal
}

/** `limit` and `killed` say more in `cause`. */
export type RunEnd = 'exit' | 'timeout' | 'limit' | 'killed'

export type RunCause = 'time' | 'memory' | 'cpu' | 'disk' | 'output' | 'syscall' | 'cancelled' | 'signal'

export interface RunResult {
  end: RunEnd
  /** Absent when `end` is `exit`. */
  cause?: RunCause
  /** A whole sentence for the run's log, when there is a cause. */
  sentence?: string
  code: number | null
  signal: NodeJS.Signals | null
  /** Exact with a cgroup; else the highest sample (four a second). 0: too short to be seen. */
  peakMb: number
  /** As `peakMb`. */
  cpuMs: number
  durationMs: number
  refused: Refusal[]
  traffic: Traffic
  /** Lines of stdout passed on. */
  lines: number
  /** What was not. */
  dropped: { lines: number; bytes: number; cutLines: number }
}

export interface SelfTestCheck {
  name: string
  holds: boolean
  /** What was seen. */
  detail: string
}

export interface SelfTestReport {
  driver: DriverName
  /** Whether konnectors may run: every check holds. */
  holds: boolean
  checks: SelfTestCheck[]
  /** What is weaker than it could be, in sentences: no cgroup, say. */
  warnings: string[]
}

export interface Runner extends AsyncDisposable {
  readonly name: DriverName
  /** Whom konnectors run as. A work directory they cannot read is copied for them when the server is root. */
  readonly user: JailUser
  /** Tries from inside what must not work. Never throws for a jail that does not hold: it says so. */
  selfTest(): Promise<SelfTestReport>
  /** @throws RunnerError; whatever the konnector does is in the result instead */
  run(request: RunRequest): Promise<RunResult>
  /**
   * Makes the compile cache of a bundle: runs it once, confined, without variables or network, for at most 20 s, so that what
   * later runs of any owner load comes from the bundle alone.
   */
  prepare(bundle: { dir: string; entry?: string; cacheKey: string }): Promise<void>
}
