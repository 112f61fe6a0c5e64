/**
 * An answer of the stack that is not a success.
 * `reason` is the parsed body (or its text); the message is that body as JSON text, because clients of the
 * ecosystem look for substrings such as `not_found` in it (`protocol/data.md` section 2).
 */
export class StackError extends Error {
  override name = 'StackError'
  readonly status: number
  readonly method: string
  readonly url: string
  readonly reason: unknown

  constructor(status: number, method: string, url: string, reason: unknown) {
    super(typeof reason === 'string' ? reason : JSON.stringify(reason))
    this.status = status
    this.method = method
    this.url = url
    this.reason = reason
  }
}

/** True when `error` is an answer of the stack with one of these statuses. */
export function isStatus(error: unknown, ...statuses: number[]): error is StackError {
  return error instanceof StackError && statuses.includes(error.status)
}
