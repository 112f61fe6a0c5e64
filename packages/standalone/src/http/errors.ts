/** An answer that is not a success. Each family renders its own body (`protocol/conventions.md` section 4, `data.md` section 2). */
export abstract class HttpError extends Error {
  readonly status: number
  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
  abstract body(): object
  get contentType(): string {
    return 'application/json'
  }
  get headers(): Record<string, string> {
    return {}
  }
}

/** An error of the document store: `{ok, status, error, reason}` under `/data`, a JSON:API error elsewhere. */
export class CouchError extends HttpError {
  override name = 'CouchError'
  readonly error: string
  readonly reason: string
  constructor(status: number, error: string, reason: string) {
    super(status, `${error}: ${reason}`)
    this.error = error
    this.reason = reason
  }
  body(): object {
    return { ok: false, status: String(this.status), error: this.error, reason: this.reason }
  }
}

/** A plain `{error}` answer. */
export class PlainError extends HttpError {
  override name = 'PlainError'
  readonly #headers: Record<string, string>
  constructor(status: number, message: string, headers: Record<string, string> = {}) {
    super(status, message)
    this.#headers = headers
  }
  body(): object {
    return { error: this.message }
  }
  override get headers(): Record<string, string> {
    return this.#headers
  }
}

/** A JSON:API error; `status` in the body is a string, which clients compare with `'404'`. */
export class ApiError extends HttpError {
  override name = 'ApiError'
  readonly title: string
  readonly source: { parameter?: string; pointer?: string }
  constructor(status: number, title: string, detail: string, source: { parameter?: string; pointer?: string } = {}) {
    super(status, detail)
    this.title = title
    this.source = source
  }
  entry(): object {
    return { status: String(this.status), title: this.title, detail: this.message, source: this.source }
  }
  body(): object {
    return { errors: [this.entry()] }
  }
  override get contentType(): string {
    return 'application/vnd.api+json'
  }
}

/** Validation in a `/data` route. */
export function badRequest(detail: string): PlainError {
  return new PlainError(400, `Bad Request(400): ${detail}`)
}

/** A reserved or malformed doctype. */
export function forbidden(message = 'Forbidden'): PlainError {
  return new PlainError(403, `code=403, message=${message}`)
}

export function fileNotFound(): ApiError {
  return new ApiError(404, 'Not Found', 'file does not exist')
}

export function fileConflict(detail = 'file already exists'): ApiError {
  return new ApiError(409, 'Conflict', detail)
}

export function invalidParameter(parameter: string, detail: string): ApiError {
  return new ApiError(422, 'Invalid Parameter', detail, { parameter })
}

export function failedPrecondition(parameter: string, detail: string): ApiError {
  return new ApiError(412, 'Precondition Failed', detail, { parameter })
}

/** Any thrown value as an error that can be answered. A full disk is what a full quota is on a server (`protocol/files.md` section 3). */
export function toHttpError(error: unknown): HttpError {
  if (error instanceof HttpError) return error
  if (isFullDisk(error))
    return new ApiError(413, 'Request Entity Too Large', `The disk of this machine is full (${error.message})`)
  return new ApiError(500, 'Unqualified error', error instanceof Error ? error.message : String(error))
}

function isFullDisk(error: unknown): error is Error {
  return error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT')
}
