/** Why a database could not be had; for programs. The sentence that goes with each says what to do. */
export type StartErrorCode =
  | 'database_in_use'
  | 'directory_unreachable'
  | 'directory_unsafe'
  | 'disk_full'
  | 'external_unreachable'
  | 'external_unsuitable'
  | 'binaries_missing'
  | 'binaries_unusable'
  | 'provider_changed'
  | 'service_user'
  | 'socket_path'
  | 'start_failed'

/** The database cannot be used. `message` is one or two sentences for the operator; `code` stays the same over versions. */
export class DatabaseStartError extends Error {
  override name = 'DatabaseStartError'
  readonly code: StartErrorCode

  constructor(code: StartErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
  }
}

/** Whether `error` is one of Node's system errors with this code, `ENOENT` and the like. */
export function hasCode(error: unknown, ...codes: string[]): boolean {
  return error instanceof Error && codes.includes((error as NodeJS.ErrnoException).code ?? '')
}
