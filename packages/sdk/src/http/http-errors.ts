/** An answer of a vendor that is not a success (status outside 200-299). */
export class HttpError extends Error {
  override name = 'HttpError'
  readonly status: number
  readonly method: string
  /** Address that answered, after redirects. */
  readonly url: string
  readonly headers: Headers
  /** The page that came with it, decoded; at most 64 KiB. */
  readonly body: string

  constructor(answer: { status: number; method: string; url: string; headers: Headers; body: string }) {
    super(`${answer.status} from ${answer.method} ${withoutSecrets(answer.url)}`)
    this.status = answer.status
    this.method = answer.method
    this.url = answer.url
    this.headers = answer.headers
    this.body = answer.body
  }
}

/** No answer: refused, unknown host, bad certificate, cut, or nothing came in time (`code: 'TIMEOUT'`). */
export class NetworkError extends Error {
  override name = 'NetworkError'
  /** Node's code (`ECONNREFUSED`, `ENOTFOUND`...), or `TIMEOUT`. */
  readonly code: string
  readonly method: string
  readonly url: string

  constructor(method: string, url: string, code: string, reason: string, cause?: unknown) {
    super(`${method} ${withoutSecrets(url)}: ${reason}`, { cause })
    this.code = code
    this.method = method
    this.url = url
  }
}

/** An answer that came but cannot be used: not JSON, too many redirects. */
export class BadAnswerError extends Error {
  override name = 'BadAnswerError'
  readonly url: string

  constructor(url: string, reason: string, cause?: unknown) {
    super(`${withoutSecrets(url)}: ${reason}`, { cause })
    this.url = url
  }
}

/** What fetch threw, as a NetworkError; an abort that the caller asked for stays what it is. */
export function toNetworkError(error: unknown, method: string, url: string): unknown {
  if (error instanceof NetworkError || error instanceof BadAnswerError) return error
  // fetch hides the reason in `cause`, and several attempts of one connect in `errors`.
  for (let cause: unknown = error, depth = 0; cause instanceof Error && depth < 5; depth++) {
    const { code, errors } = cause as Error & { code?: unknown; errors?: unknown[] }
    if (typeof code === 'string' && code !== '')
      return new NetworkError(method, url, code, cause.message || code, error)
    cause = cause.cause ?? errors?.[0]
  }
  if (error instanceof TypeError) return new NetworkError(method, url, 'NETWORK', error.message, error)
  return error
}

/** Addresses appear in messages, and messages in logs: queries often hold tokens, and `user:password@` does. */
export function withoutSecrets(url: string): string {
  try {
    const { protocol, host, pathname, search } = new URL(url)
    return `${protocol}//${host}${pathname}${search ? '?…' : ''}`
  } catch {
    return 'an address that cannot be read'
  }
}
