import { log } from './log.ts'

/**
 * Upstream wraps the method so that its errors are reported to `SENTRY_DSN`. Here nothing is sent, ever: 44 of 91 public
 * konnectors hard-code the DSN of their first vendor (`sdk/exports.md` section 24), and what a run does is its owner's business.
 * @returns nothing; the object is left as it is
 */
export function wrapIfSentrySetUp(_target: object, method: string): void {
  const { SENTRY_DSN } = process.env
  if (!SENTRY_DSN || SENTRY_DSN === 'false') return
  log('debug', `SENTRY_DSN is set, and ignored: nothing is reported to Sentry (${method})`)
}

/** Ends the process as a failed one; upstream reported the error first. */
export function captureExceptionAndDie(_error: unknown): never {
  process.exit(1)
}
