import type Bluebird from 'bluebird'
import heavy from './heavy.cjs'

type AnyFunction = (this: unknown, ...args: never[]) => unknown
type ErrorClass = abstract new (...args: never[]) => Error

export interface RetryOptions {
  /** Tries at most; default 5 when there is no `timeout` either. */
  max_tries?: number
  /** Milliseconds from the start of one try to the start of the next; default 1000. */
  interval?: number
  /** Milliseconds after which no new try starts. */
  timeout?: number
  /** The interval is multiplied by this after each try but the first. */
  backoff?: number
  /** Upper bound of the interval, milliseconds. */
  max_interval?: number
  /** Which failures are tried again: an error class, or a function of the error; default all. */
  predicate?: ErrorClass | ((error: unknown) => boolean)
  /** `this` of the function. */
  context?: unknown
  /** Arguments of the function. */
  args?: readonly unknown[]
  /** Reject with the last error itself instead of one that says how long it took. */
  throw_original?: boolean
}

/** Throw it in the function to stop at once; with an Error, retry rejects with that error. */
class StopError extends Error {
  err?: Error

  constructor(reason?: unknown) {
    super(reason instanceof Error ? reason.message : String(reason || 'cancelled'))
    this.name = 'StopError'
    if (reason instanceof Error) this.err = reason
  }
}

interface RetryFailure extends Error {
  failure: unknown
  code: 'ETIMEDOUT'
}

/**
 * Calls a function until it succeeds (exports.md section 21; the semantics of bluebird-retry).
 * @param fn may return a promise
 * @returns a Bluebird promise of its result. It rejects with `operation timed out after <ms> ms, <n> tries with error: …`
 *   (`.failure` = the last error, `.code` = `ETIMEDOUT`), or at once for a StopError or a failure that `predicate` refuses
 */
function retry<F extends AnyFunction>(fn: F, options: RetryOptions = {}): Bluebird<Awaited<ReturnType<F>>> {
  return heavy.bluebird().resolve(tryUntilDone(fn, options)) as Bluebird<Awaited<ReturnType<F>>>
}

async function tryUntilDone(fn: AnyFunction, options: RetryOptions): Promise<unknown> {
  const start = Date.now()
  const giveUpAt = options.timeout ? start + options.timeout : Number.POSITIVE_INFINITY
  const maxTries = options.max_tries || (options.timeout ? Number.POSITIVE_INFINITY : 5)
  let interval = typeof options.interval === 'number' ? options.interval : 1000

  for (let tries = 1; ; tries++) {
    const tryStart = Date.now()
    try {
      return await fn.apply(options.context, (options.args ?? []) as never[])
    } catch (error) {
      if (error instanceof StopError) throw error.err ?? error
      if (!isRetried(options.predicate, error)) throw error
      if (tries > 1) interval = nextInterval(interval, options)
      const now = Date.now()
      if (tries >= maxTries || now + interval >= giveUpAt) throw lastFailure(error, now - start, tries, options)
      const rest = interval - (now - tryStart)
      if (rest > 0) await new Promise(resolve => setTimeout(resolve, rest))
    }
  }
}

function isRetried(predicate: RetryOptions['predicate'], error: unknown): boolean {
  if (!predicate) return true
  if (predicate === Error || predicate.prototype instanceof Error) return error instanceof (predicate as ErrorClass)
  return Boolean((predicate as (error: unknown) => boolean)(error))
}

function nextInterval(interval: number, { backoff, max_interval }: RetryOptions): number {
  const longer = backoff ? interval * backoff : interval
  return max_interval ? Math.min(longer, max_interval) : longer
}

function lastFailure(error: unknown, elapsed: number, tries: number, options: RetryOptions): unknown {
  if (error instanceof Error && options.throw_original) return error
  const failure = error instanceof Error ? error : notAnError(error)
  const message = `operation timed out after ${elapsed} ms, ${tries} tries with error: ${failure.message}`
  return Object.assign(new Error(message), { failure, code: 'ETIMEDOUT' }) as RetryFailure
}

/** A rejection with something else than an Error, as one: its JSON, also at `.failure`. */
function notAnError(value: unknown): Error {
  const failure = value && typeof value !== 'string' ? JSON.stringify(value) : value
  return Object.assign(new Error(`rejected with non-error: ${failure}`), { failure })
}

retry.StopError = StopError

export default retry
export { retry, StopError }
