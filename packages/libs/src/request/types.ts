import type { EventEmitter } from 'node:events'
import type { IncomingMessage } from 'node:http'
import type { Writable } from 'node:stream'
import type { Url } from 'node:url'
import type Bluebird from 'bluebird'
import type { Cookie } from 'tough-cookie'
import type { RequestJar } from './cookie-jar.ts'
import type { DebugMode } from './debug.ts'

// biome-ignore lint/suspicious/noExplicitAny: bodies, transforms and pass-through options are untyped in this API
export type Any = any

/** Options of one request, or of defaults. Unknown ones reach `http.request` (ca, lookup, insecureHTTPParser …). */
export interface RequestOptions {
  uri?: string | URL | object
  url?: string | URL | object
  baseUrl?: string
  method?: string
  headers?: Record<string, string | number | string[] | undefined>
  /** Query string; joined to the one of the address. */
  qs?: Record<string, unknown>
  body?: Any
  /** application/x-www-form-urlencoded body. */
  form?: Record<string, unknown> | string
  /** multipart/form-data body. */
  formData?: Record<string, unknown>
  /** true: accept and parse JSON, and send `body` as JSON; an object: the JSON body. */
  json?: boolean | object
  /** true: the jar of the process; a jar; false: no cookies. */
  jar?: RequestJar | boolean
  /** null: the body is a Buffer. */
  encoding?: string | null
  gzip?: boolean
  /** Milliseconds without a byte. */
  timeout?: number
  auth?: { user?: string; username?: string; pass?: string; password?: string; sendImmediately?: boolean; bearer?: Any }
  followRedirect?: boolean | ((response: IncomingMessage) => boolean)
  followAllRedirects?: boolean
  followOriginalHttpMethod?: boolean
  maxRedirects?: number
  /** false: a status outside 2xx resolves too. */
  simple?: boolean
  resolveWithFullResponse?: boolean
  transform?: (body: Any, response: Any, resolveWithFullResponse?: boolean) => Any
  transform2xxOnly?: boolean
  proxy?: string | null
  strictSSL?: boolean
  rejectUnauthorized?: boolean
  har?: object
  callback?: RequestCallback
  [option: string]: Any
}

/** Options of requestFactory: those of every request it makes, and its own. */
export interface FactoryOptions extends RequestOptions {
  /** Parse pages: resolves with `$`. Forces `json: false`. */
  cheerio?: boolean
  /** Send a desktop browser's User-Agent; on by default with `cheerio`. */
  userAgent?: boolean | string
  /** Print the requests of this factory on stderr, secrets included. */
  debug?: DebugMode
}

export type RequestCallback = (error: Any, response?: Any, body?: Any) => void

/** A full response: `resolveWithFullResponse`, `err.response`. */
export interface FullResponse<B = Any> extends IncomingMessage {
  statusCode: number
  body: B
  request: Any
  toJSON(): { statusCode: number; body: B; headers: IncomingMessage['headers']; request: object }
}

/** A request under way: stream, event emitter and promise at once. */
export interface Request<T = Any> extends EventEmitter, PromiseLike<T> {
  readable: boolean
  writable: boolean
  then: Bluebird<T>['then']
  catch: Bluebird<T>['catch']
  finally: Bluebird<T>['finally']
  cancel(): void
  promise(): Bluebird<T>
  abort(): void
  pipe<W extends NodeJS.WritableStream | Writable>(destination: W, options?: { end?: boolean }): W
  write(chunk: Any, encoding?: Any, callback?: Any): boolean
  end(chunk?: Any): void
  pause(): void
  resume(): void
  destroy(error?: Error): void
  toJSON(): object
  // biome-ignore lint/suspicious/noExplicitAny: the state of the HTTP library (uri, headers, response, req …)
  [member: string]: any
}

export interface RequestCall {
  <T = Any>(uri: string | URL | Url | RequestOptions, callback?: RequestCallback): Request<T>
  <T = Any>(
    uri: string | URL | Url | undefined,
    options: RequestOptions | null | undefined,
    callback?: RequestCallback,
  ): Request<T>
}

/** What requestFactory returns: call it, or one of its verbs. */
export interface RequestFunction extends RequestCall {
  get: RequestCall
  head: RequestCall
  post: RequestCall
  put: RequestCall
  patch: RequestCall
  del: RequestCall
  delete: RequestCall
  /** Parses one cookie. */
  cookie(text: string): Cookie | undefined
  /** A new, empty cookie jar. */
  jar(store?: unknown): RequestJar
  /** The same kind of function with more defaults. */
  defaults(options?: RequestOptions): RequestFunction
}
