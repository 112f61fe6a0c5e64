import { HttpError, NetworkError } from './http-errors.ts'

/** Methods that may be sent twice without doing twice (RFC 9110 section 9.2.2). */
const IDEMPOTENT = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE'])
/** Answers after which the same request may succeed. */
const PASSING = new Set([408, 429, 500, 502, 503, 504])
/** A vendor that asks for more patience than this is down for this run. */
const LONGEST_WAIT = 30_000

/** True when a request that failed with `error` is worth sending again. */
export function mayRetry(method: string, bodyAgain: boolean, error: unknown): boolean {
  if (!IDEMPOTENT.has(method) || !bodyAgain) return false
  if (error instanceof HttpError) return PASSING.has(error.status)
  return error instanceof NetworkError
}

/**
 * Milliseconds to wait before attempt `attempt` + 1: `Retry-After` when the vendor says one, else 0.5 s, 1 s, 2 s...
 * @returns undefined when it asks for longer than 30 s: give up
 */
export function retryDelay(attempt: number, error: unknown, now: number): number | undefined {
  const asked = error instanceof HttpError ? retryAfter(error.headers.get('retry-after'), now) : undefined
  const wait = asked ?? Math.min(500 * 2 ** (attempt - 1), LONGEST_WAIT)
  return wait <= LONGEST_WAIT ? wait : undefined
}

function retryAfter(value: string | null, now: number): number | undefined {
  if (value === null) return undefined
  if (/^\d+$/.test(value.trim())) return Number(value) * 1000
  const date = Date.parse(value)
  return Number.isNaN(date) ? undefined : Math.max(0, date - now)
}
