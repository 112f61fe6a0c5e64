/** What a request was asked, as its errors show it. */
export type ErrorOptions = Record<string, unknown>

/** The response of a failed request: an IncomingMessage with a body, or whatever the transform made of it. */
// biome-ignore lint/suspicious/noExplicitAny: konnectors read vendor specific members of it
export type ErrorResponse = any

/** The server answered with a status outside 2xx while `simple` was on. */
export class StatusCodeError extends Error {
  statusCode: number
  /** The body as received, before any transform. */
  // biome-ignore lint/suspicious/noExplicitAny: a body is whatever the vendor sends
  error: any
  options: ErrorOptions
  /** With a transform, its result. */
  response: ErrorResponse

  constructor(statusCode: number, body: unknown, options: ErrorOptions, response: ErrorResponse) {
    super()
    this.name = 'StatusCodeError'
    this.statusCode = statusCode
    // Assigned, not passed to super: own and enumerable, so that JSON.stringify(err) shows it as it always did.
    this.message = `${statusCode} - ${JSON.stringify(body)}`
    this.error = body
    this.options = options
    this.response = response
  }
}

class CausedError extends Error {
  // biome-ignore lint/suspicious/noExplicitAny: konnectors read `cause.code`, `cause.errno` … of any error
  override cause: any
  // biome-ignore lint/suspicious/noExplicitAny: the same object as `cause`
  error: any
  options: ErrorOptions
  response: ErrorResponse

  constructor(name: string, cause: unknown, options: ErrorOptions, response: ErrorResponse) {
    super()
    this.name = name
    this.message = String(cause)
    this.cause = cause
    this.error = cause
    this.options = options
    this.response = response
  }
}

/** No usable answer: connection, TLS, time-out, redirect loop, wrong address. The code is at `err.cause.code`. */
export class RequestError extends CausedError {
  constructor(cause: unknown, options: ErrorOptions, response?: ErrorResponse) {
    super('RequestError', cause, options, response)
  }
}

/** The `transform` function threw, or rejected; `cause` is what it threw. */
export class TransformError extends CausedError {
  constructor(cause: unknown, options: ErrorOptions, response?: ErrorResponse) {
    super('TransformError', cause, options, response)
  }
}
