import { StackError } from '@konnectory/client'

/**
 * An answer of the stack that is not a success, as cozy-client-js and cozy-client report it (`sdk/exports.md` section 25).
 * `reason` is the parsed body; the message is its JSON text, which callers parse back (`JSON.parse(err.message).errors[0].status`).
 */
export class FetchError extends Error {
  override name = 'FetchError'
  readonly status: number
  readonly url: string
  readonly reason: unknown

  constructor(status: number, url: string, reason: unknown) {
    const said = typeof reason === 'object' && reason !== null ? (reason as { message?: unknown }).message : undefined
    super(typeof said === 'string' ? said : typeof reason === 'string' ? reason : JSON.stringify(reason))
    this.status = status
    this.url = url
    this.reason = reason
  }

  /** The answer, with its body to read again. */
  get response(): Response {
    const body = typeof this.reason === 'string' ? this.reason : JSON.stringify(this.reason)
    const response = new Response(body, { status: this.status })
    Object.defineProperty(response, 'url', { value: this.url })
    return response
  }

  static isUnauthorized(error: unknown): boolean {
    return error instanceof FetchError && error.status === 401
  }

  static isNotFound(error: unknown): boolean {
    return error instanceof FetchError && error.status === 404
  }

  static isInvalidToken(error: unknown): boolean {
    if (!(error instanceof FetchError) || (error.status !== 400 && error.status !== 401)) return false
    const { error: text } = (error.reason ?? {}) as { error?: unknown }
    return text === 'Invalid JWT token' || text === 'Expired token'
  }
}

/** @returns the same failure as these clients throw it; other errors as they are */
export function toFetchError(error: unknown): unknown {
  if (!(error instanceof StackError)) return error
  return new FetchError(error.status, error.url, error.reason)
}
