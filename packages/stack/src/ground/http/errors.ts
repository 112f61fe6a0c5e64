/**
 * Errors as the wire knows them (`protocol/conventions.md` §4, `protocol/data.md` §2). Which body a caller gets is decided
 * once, in `render-error.ts`, from the kind of error and the family of the route.
 */
export abstract class WireError extends Error {
  readonly status: number
  /** Added to the answer. */
  readonly headers: Record<string, string>

  constructor(status: number, message: string, headers: Record<string, string> = {}) {
    super(message)
    this.status = status
    this.headers = headers
  }
}

/** A bare error: rendered by `Accept`, `{"error":"code=403, message=Forbidden"}` under `/data`. */
export class HttpError extends WireError {
  override name = 'HttpError'
}

export const forbidden = (message = 'Forbidden') => new HttpError(403, message)
export const notFound = (message = 'Not Found') => new HttpError(404, message)

/** The document store's: `{"ok":false,"status":"404","error":"not_found","reason":"missing"}`; elsewhere title and detail. */
export class CouchError extends WireError {
  override name = 'CouchError'
  readonly error: string
  readonly reason: string

  constructor(status: number, error: string, reason: string) {
    super(status, `${error}: ${reason}`)
    this.error = error
    this.reason = reason
  }
}

export const missing = (reason = 'missing') => new CouchError(404, 'not_found', reason)
export const conflict = () => new CouchError(409, 'conflict', 'Document update conflict.')

/** Where an error of a request is: a member of the body, or a parameter. */
export interface ErrorSource {
  pointer?: string
  parameter?: string
}

/** `{"errors":[{"status":"422","title":"Invalid Parameter","detail":…,"source":{…}}]}`; one line of text under `/data`. */
export class JsonApiError extends WireError {
  override name = 'JsonApiError'
  readonly title: string
  readonly source: ErrorSource
  readonly code: string | undefined

  constructor(status: number, title: string, detail: string, source: ErrorSource = {}, code?: string) {
    super(status, detail)
    this.title = title
    this.source = source
    this.code = code
  }
}

export const badRequest = (detail: string) => new JsonApiError(400, 'Bad Request', detail)
export const invalidAttribute = (name: string, detail: string) =>
  new JsonApiError(422, 'Invalid Attribute', detail, { pointer: name })
export const invalidParameter = (name: string, detail: string) =>
  new JsonApiError(422, 'Invalid Parameter', detail, { parameter: name })
export const preconditionFailed = (name: string, detail: string) =>
  new JsonApiError(412, 'Precondition Failed', detail, { parameter: name })
/** For what is not there in the JSON:API families; clients read the status as a text. */
export const notThere = (detail: string) => new JsonApiError(404, 'Not Found', detail)
export const alreadyThere = (detail: string) => new JsonApiError(409, 'Conflict', detail)

/** A body exactly as given, whatever the family: OAuth's `{"error":…}`, lists of errors, pages. */
export class ShapedError extends WireError {
  override name = 'ShapedError'
  readonly body: unknown

  constructor(status: number, body: unknown, headers: Record<string, string> = {}) {
    super(status, typeof body === 'string' ? body : JSON.stringify(body), headers)
    this.body = body
  }
}
