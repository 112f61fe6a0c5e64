import { type DebugObserver, debugObserver } from './debug.ts'
import { getRequestOptions, mergeDefaultOptions } from './factory-options.ts'
import { bluebirdRequestClass } from './promise-layer.ts'
import { createRequestFunction } from './request-function.ts'
import type { FactoryOptions, RequestFunction } from './types.ts'

export { createJar, globalJar, parseCookie, type RequestJar } from './cookie-jar.ts'
export type { DebugData, DebugEvent, DebugMode } from './debug.ts'
export { RequestError, StatusCodeError, TransformError } from './errors.ts'
export { getRequestOptions, mergeDefaultOptions, transformWithCheerio } from './factory-options.ts'
export type {
  FactoryOptions,
  FullResponse,
  Request,
  RequestCall,
  RequestCallback,
  RequestFunction,
  RequestOptions,
} from './types.ts'
export { DEFAULT_USER_AGENT } from './user-agent.ts'

/** Observers of every request of the process: what `require('request-debug')(require('request'))` asks for. */
export const processObservers = new Set<DebugObserver>()

/**
 * Makes a function that sends HTTP requests with the given defaults (exports.md section 5).
 *
 * ```js
 * const request = requestFactory({ cheerio: true, jar: true })
 * const $ = await request('https://vendor.example/bills')
 * ```
 *
 * Nothing is loaded, opened or sent before the first request.
 * @param options `cheerio`, `json` (default true), `jar`, `userAgent`, `headers`, `debug`, and any option of a request
 * @returns a function with `get`, `post`, `defaults`, `jar` …; each call gives a stream that is a promise too, which
 *   rejects with StatusCodeError, RequestError or TransformError
 * @throws {TypeError} when `headers` is given as undefined
 */
export default function requestFactory({ debug, ...options }: FactoryOptions = {}): RequestFunction {
  const own = debugObserver(debug)
  const maker = {
    requestClass: bluebirdRequestClass,
    observers: () => (own ? [own, ...processObservers] : [...processObservers]),
  }
  return createRequestFunction(maker, getRequestOptions(mergeDefaultOptions(options)))
}
