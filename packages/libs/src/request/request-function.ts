import { createJar, parseCookie } from './cookie-jar.ts'
import { type DebugObserver, observe } from './debug.ts'
import { mergeOptions } from './merge-options.ts'
import type { Any, RequestCall, RequestCallback, RequestFunction, RequestOptions } from './types.ts'

const VERBS = ['get', 'head', 'post', 'put', 'patch', 'del', 'delete'] as const

/** What a request function is made of; functions made by `.defaults()` share all but the options. */
export interface RequestMaker {
  /** The class of the requests; called at the first request. */
  requestClass(): new (options: RequestOptions) => Any
  /** Who is told about the requests; read at each request. */
  observers(): readonly DebugObserver[]
}

const makers = new WeakMap<object, RequestMaker>()

/** The maker of a request function, undefined for anything else. */
export const makerOf = (fn: object): RequestMaker | undefined => makers.get(fn)

/**
 * Makes the function with verbs that konnectors call (exports.md section 5, "Returned object"). Making it loads
 * nothing; the first request loads the HTTP library.
 * @param defaults options under those of each call; not changed
 */
export function createRequestFunction(maker: RequestMaker, defaults: RequestOptions = {}): RequestFunction {
  const send = (verb: string | undefined, args: CallArguments) => {
    const own = callOptions(...args)
    const options = mergeOptions(defaults, own) as RequestOptions
    // The pool of sockets is shared, not copied.
    const pool = own.pool ?? defaults.pool
    if (pool !== undefined) options.pool = pool
    if (verb) options.method = verb
    if (options.method === 'HEAD' && hasBody(options)) {
      throw new Error('HTTP HEAD requests MUST NOT include a request body.')
    }
    const request = new (maker.requestClass())(options)
    observe(request, maker.observers())
    return request
  }
  const fn = ((...args: CallArguments) => send(undefined, args)) as unknown as RequestFunction
  for (const verb of VERBS) {
    const method = verb === 'del' ? 'DELETE' : verb.toUpperCase()
    fn[verb] = ((...args: CallArguments) => send(method, args)) as unknown as RequestCall
  }
  fn.cookie = parseCookie
  fn.jar = createJar
  fn.defaults = (options = {}) => createRequestFunction(maker, mergeOptions(defaults, options) as RequestOptions)
  makers.set(fn, maker)
  return fn
}

type Address = string | URL | object | undefined
type CallArguments = [
  uri?: Address,
  options?: RequestOptions | RequestCallback | null,
  callback?: RequestCallback | undefined,
]

/** The call forms `(uri)`, `(options)`, `(uri, options)`, each with an optional callback, as one options object. */
function callOptions(...[first, second, third]: CallArguments): RequestOptions {
  const callback = third ?? (typeof second === 'function' ? second : undefined)
  const options: RequestOptions =
    second !== null && typeof second === 'object'
      ? { ...second, ...(first === undefined ? {} : { uri: first }) }
      : isAddress(first)
        ? { uri: first }
        : { ...(first as RequestOptions | undefined) }
  for (const key of ['uri', 'url'] as const) {
    // The HTTP library wants what url.parse makes; it would lose the query of a WHATWG URL.
    if (options[key] instanceof URL) options[key] = options[key].href
  }
  if (callback) options.callback = callback
  return options
}

/** An address alone: text, a URL, or the result of url.parse. */
function isAddress(value: unknown): value is string | URL | object {
  if (typeof value === 'string' || value instanceof URL) return true
  return typeof value === 'object' && value !== null && 'href' in value && 'pathname' in value
}

/** `json: true` only says how to read the answer. */
function hasBody({ body, requestBodyStream, json, multipart }: RequestOptions): boolean {
  return Boolean(body || requestBodyStream || (json && typeof json !== 'boolean') || multipart)
}
