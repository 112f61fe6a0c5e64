import heavy from '../heavy.cjs'
import { RequestError, StatusCodeError, TransformError } from './errors.ts'
import { requestClass } from './request-class.ts'
import type { Any, RequestOptions } from './types.ts'

type Settle = (value: unknown) => void
type Transform = NonNullable<RequestOptions['transform']>

/** A promise implementation, and what a request does with it. */
interface Promises {
  /** @param cancelled called when somebody cancels the promise */
  create(executor: (resolve: Settle, reject: Settle) => void, cancelled: () => void): Any
  /** Says that nobody will look at a rejection, and that this is right. */
  forgive(promise: Any): void
}

let Bluebird: Any

/** Bluebird 3 with cancellation, in a copy of its own: the konnector's `require('bluebird')` keeps its settings. */
const bluebirdPromises: Promises = {
  create(executor, cancelled) {
    if (!Bluebird) {
      Bluebird = heavy.bluebird().getNewLibraryCopy()
      Bluebird.config({ cancellation: true })
    }
    return new Bluebird((resolve: Settle, reject: Settle, onCancel: (handler: () => void) => void) => {
      onCancel(cancelled)
      executor(resolve, reject)
    })
  },
  forgive: promise => promise.suppressUnhandledRejections(),
}

/** What `request-promise-native` gives. */
const nativePromises: Promises = {
  create: executor => new Promise(executor),
  forgive: promise => promise.catch(() => {}),
}

type PromiseRequestConstructor = new (options: RequestOptions) => Any

const cached = new Map<Promises, PromiseRequestConstructor>()

/** Request with a Bluebird promise: what requestFactory and `request-promise` make. */
export const bluebirdRequestClass = (): PromiseRequestConstructor => classWith(bluebirdPromises)

/** Request with a native promise: what `request-promise-native` makes. */
export const nativeRequestClass = (): PromiseRequestConstructor => classWith(nativePromises)

function classWith(promises: Promises): PromiseRequestConstructor {
  const known = cached.get(promises)
  if (known) return known
  const defined = define(promises)
  cached.set(promises, defined)
  return defined
}

function define(promises: Promises): PromiseRequestConstructor {
  return class PromiseRequest extends requestClass() {
    #promise: Any
    /** Somebody asked for the outcome; otherwise, once piped, this is only a stream. */
    #awaited: boolean

    constructor(given: RequestOptions) {
      const options = withPromiseDefaults(given)
      // The library may call back inside its constructor (`Invalid URI`), so the promise must exist before it.
      let resolve: Settle = () => {}
      let reject: Settle = () => {}
      let abort = () => {}
      const promise = promises.create(
        (settleWell, settleBadly) => {
          resolve = settleWell
          reject = settleBadly
        },
        () => abort(),
      )
      super({
        ...options,
        callback: (error: unknown, response: Any, body: unknown) => {
          // The caller's callback may throw: the promise settles all the same, and the exception goes on its way.
          try {
            given.callback?.(error, response, body)
          } finally {
            settle(options, error, response, body, resolve, reject)
          }
        },
      })
      abort = () => this.abort()
      this.#promise = promise
      this.#awaited = Boolean(given.callback)
    }

    // biome-ignore lint/suspicious/noThenProperty: a request is a promise too, that is its contract
    then(...handlers: unknown[]): Any {
      return this.promise().then(...handlers)
    }

    catch(...handlers: unknown[]): Any {
      return this.promise().catch(...handlers)
    }

    finally(handler: unknown): Any {
      return this.promise().finally(handler)
    }

    /** Aborts the request; the promise stays pending, as Bluebird's cancellation has it. */
    cancel(): void {
      if (this.#promise.cancel) this.#promise.cancel()
      else this.abort()
    }

    promise(): Any {
      this.#awaited = true
      return this.#promise
    }

    /** A rejection that only a stream's consumer could have seen is not an unhandled one: it had the `error` event. */
    pipe(destination: Any, options?: Any): Any {
      promises.forgive(this.#promise)
      return super.pipe(destination, options)
    }

    /** A piped request that nobody awaits is not collected in memory as well: files pass through here. */
    readResponseBody(response: Any): void {
      if (this.#awaited || this.dests.length === 0) {
        super.readResponseBody(response)
        return
      }
      this.on('end', () => {
        if (!this._aborted) this.emit('complete', response)
      })
    }
  }
}

/** HEAD has no body: what is of interest is the headers. */
const headTransform: Transform = (_body, response, full) => (full ? response : response.headers)

function withPromiseDefaults(given: RequestOptions): RequestOptions {
  const method = typeof given.method === 'string' ? { method: given.method.toUpperCase() } : {}
  const transform = given.transform ?? (method.method === 'HEAD' ? headTransform : undefined)
  return {
    simple: true,
    resolveWithFullResponse: false,
    transform2xxOnly: false,
    ...given,
    ...method,
    ...(transform ? { transform } : {}),
  }
}

/** Results and errors of exports.md section 5: which value or error a finished request gives. */
function settle(
  options: RequestOptions,
  error: unknown,
  response: Any,
  body: unknown,
  resolve: Settle,
  reject: Settle,
): void {
  if (error) {
    reject(new RequestError(error, options, response))
    return
  }
  const successful = /^2/.test(String(response.statusCode))
  const failed = options.simple && !successful
  const finish = (value: unknown) => {
    if (failed) reject(new StatusCodeError(response.statusCode, body, options, value))
    else resolve(value)
  }
  if (typeof options.transform === 'function' && (successful || !options.transform2xxOnly)) {
    const { transform } = options
    Promise.resolve()
      .then(() => transform(body, response, options.resolveWithFullResponse))
      .then(finish, cause => reject(new TransformError(cause, options, response)))
    return
  }
  finish(failed || options.resolveWithFullResponse ? response : body)
}
