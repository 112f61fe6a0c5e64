/** Why a runner could not do its part. The konnector's own failures are never errors: they are ends of a run. */
export type RunnerErrorCode =
  /** The driver is not usable here: program missing, namespaces refused. Konnectors stay off until the operator acts. */
  | 'driver_unavailable'
  /** The folder, entry or a path on the way to it cannot be used by the user konnectors run as. */
  | 'unreadable'
  /** A variable does not fit the kernel's limit, or bears a name that is not the caller's. */
  | 'environment'
  /** The sandbox could not be set up for this run: ours, may be tried again. */
  | 'setup'
  /** A limit, domain or option out of its range. */
  | 'option'

export class RunnerError extends Error {
  override readonly name = 'RunnerError'
  readonly code: RunnerErrorCode

  /** @param message a whole sentence for the operator */
  constructor(code: RunnerErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
  }
}

/** Whether something thrown by Node's system calls carries this code. */
export function hasCode(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code))
}
