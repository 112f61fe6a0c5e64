import type { JailRoot } from '../jail/root.ts'
import type { JailUser } from '../jail/user.ts'
import type { DriverName, RunLimits } from '../types.ts'

/** One run as a driver sees it: everything decided, nothing made yet. Paths are the host's. */
export interface JailPlan {
  root: JailRoot
  user: JailUser
  dir: string
  /** In the work directory: `.` or a file. */
  entry: string
  limits: RunLimits
  /** Whether a cgroup bounds memory; else RLIMIT_DATA does. */
  hasMemoryGroup: boolean
  env: Readonly<Record<string, string>>
  /** Absent: no way out at all. */
  gate?: { socket: string; stack?: { host: string; port: number } }
  cache?: { path: string; writable: boolean }
}

/** What to spawn. Descriptors: 3 and up are given as `inputs`; a driver that says `status` gets a pipe it writes to. */
export interface JailCommand {
  command: string
  args: string[]
  env: Record<string, string>
  cwd: string
  /** Bytes for descriptors 3, 4, … */
  inputs: Uint8Array[]
  /** Whether the descriptor after the inputs carries bubblewrap's status as JSON. */
  hasStatus: boolean
}

export interface Driver {
  readonly name: DriverName
  /** @throws RunnerError `driver_unavailable` with what the operator can do about it */
  assertUsable(): void
  command(plan: JailPlan): JailCommand
  /** Exit codes by which the program says that it could not set up, where `hasStatus` does not tell. */
  readonly setupCodes: readonly number[]
  /** Whether the gate's socket and the bridge are seen at their places in the jail. */
  readonly isConfined: boolean
}
