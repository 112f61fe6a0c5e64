import heavy from '../heavy.cjs'
import { createJar, parseCookie } from '../request/cookie-jar.ts'
import { type DebugObserver, printObject } from '../request/debug.ts'
import { RequestError, StatusCodeError, TransformError } from '../request/errors.ts'
import { processObservers } from '../request/index.ts'
import { bluebirdRequestClass, nativeRequestClass } from '../request/promise-layer.ts'
import { requestClass } from '../request/request-class.ts'
import { createRequestFunction, makerOf, type RequestMaker } from '../request/request-function.ts'
import type { Any, RequestFunction, RequestOptions } from '../request/types.ts'

/** The errors of `request-promise/errors`: the same classes that every request of ours throws. */
export const errors = { RequestError, StatusCodeError, TransformError }

/** What `require('request')` gives: a request function plus a few members of the module. */
export interface RequestModule extends RequestFunction {
  options: RequestFunction['get']
  /** The class of the requests; reading it loads the HTTP library. */
  Request: Any
  forever(agentOptions?: object, options?: RequestOptions): RequestFunction
  /** Prints every step of the HTTP library on stderr. */
  debug: boolean
}

/**
 * @param requestClass what kind of request the module makes: callback only, Bluebird or native promise
 * @returns a module function whose requests are told to request-debug's observers
 */
function createModule(requestClass: RequestMaker['requestClass']): RequestModule {
  const module = createRequestFunction({ requestClass, observers: () => [...processObservers] })
  const call = module as (...args: unknown[]) => unknown
  const withMethod = (...args: unknown[]) => {
    const position = args[1] !== null && typeof args[1] === 'object' ? 1 : typeof args[0] === 'object' ? 0 : -1
    const method = 'OPTIONS'
    if (position < 0) return call(args[0], { method }, args.at(-1))
    return call(...args.map((arg, index) => (index === position ? { ...(arg as object), method } : arg)))
  }
  const forever = (agentOptions?: object, options: RequestOptions = {}) =>
    module.defaults({ ...options, ...(agentOptions ? { agentOptions } : {}), forever: true })
  Object.defineProperties(module, {
    Request: { get: requestClass, enumerable: true },
    debug: {
      get: () => Boolean(heavy.request().Request.debug),
      set: (on: boolean) => {
        heavy.request().Request.debug = on
      },
      enumerable: true,
    },
  })
  return Object.assign(module, { options: withMethod, forever, jar: createJar, cookie: parseCookie }) as RequestModule
}

/** `require('request')`: callbacks and streams. */
export const request: RequestModule = createModule(requestClass)

/** `require('request-promise')` */
export const requestPromise: RequestModule = createModule(bluebirdRequestClass)

/** `require('request-promise-native')` */
export const requestPromiseNative: RequestModule = createModule(nativeRequestClass)

/**
 * `require('request-debug')`: prints, or gives to `log`, all requests of the process, those of requestFactory included.
 * @param target what `require('request')` or requestFactory gave; gets a method `stopDebugging`
 * @throws {Error} when it is not given a request function
 */
export function requestDebug(target: Any, log: DebugObserver = printObject): void {
  if (!makerOf(target)) {
    throw new Error('Pass what requiring the module request gave to this function.')
  }
  processObservers.add(log)
  target.stopDebugging ??= () => processObservers.delete(log)
}

requestDebug.log = printObject
