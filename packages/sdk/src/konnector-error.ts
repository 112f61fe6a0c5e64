import { StackError } from '@konnectory/client'
import type { KnownErrorCode } from '@konnectory/protocol'
import { ERROR_CODES, type ErrorCode } from './error-codes.ts'
import { HttpError, NetworkError } from './http/http-errors.ts'

export interface KonnectorErrorOptions {
  cause?: unknown
  /** A sentence for the log. Only the code reaches the owner. */
  detail?: string
  /** True: do not run again by itself after this error. */
  noRetry?: boolean
}

/** How a run ends when it does not succeed. `message` is the code: it is what the job's error becomes. */
export class KonnectorError extends Error {
  override name = 'KonnectorError'
  readonly code: ErrorCode
  readonly detail: string | undefined
  readonly noRetry: boolean

  constructor(code: ErrorCode, options: KonnectorErrorOptions = {}) {
    super(code, options.cause === undefined ? {} : { cause: options.cause })
    this.code = code
    this.detail = options.detail
    this.noRetry = options.noRetry ?? false
  }
}

/** What the owner may have to do: the documented details of USER_ACTION_NEEDED. */
export type UserAction = KnownErrorCode extends infer C
  ? C extends `USER_ACTION_NEEDED.${infer A}`
    ? A
    : never
  : never

/**
 * The `errors` of a run: `throw errors.loginFailed()`, `throw errors.userActionNeeded('CHANGE_PASSWORD')`.
 * The details go to the log, not to the owner.
 */
export interface Errors {
  /** The codes themselves, under their names: `errors.codes.VENDOR_DOWN`. */
  readonly codes: typeof ERROR_CODES
  /** Wrong credentials. Say so only when the vendor does: automatic runs stop until the owner acts. */
  loginFailed(detail?: string): KonnectorError
  tooManyAttempts(detail?: string): KonnectorError
  needsSecret(detail?: string): KonnectorError
  /** The owner must do something at the vendor; automatic runs stop until then. */
  userActionNeeded(action?: UserAction, detail?: string): KonnectorError
  vendorDown(detail?: string): KonnectorError
  maintenance(detail?: string): KonnectorError
  challengeAsked(detail?: string): KonnectorError
  termsChanged(detail?: string): KonnectorError
  /** Some of it was saved, some could not be. */
  partial(detail?: string): KonnectorError
}

export const errors: Errors = {
  codes: ERROR_CODES,
  loginFailed: detail => make('LOGIN_FAILED', detail),
  tooManyAttempts: detail => make('LOGIN_FAILED.TOO_MANY_ATTEMPTS', detail),
  needsSecret: detail => make('LOGIN_FAILED.NEEDS_SECRET', detail),
  userActionNeeded: (action, detail) =>
    make(action === undefined ? 'USER_ACTION_NEEDED' : `USER_ACTION_NEEDED.${action}`, detail),
  vendorDown: detail => make('VENDOR_DOWN', detail),
  maintenance: detail => make('MAINTENANCE', detail),
  challengeAsked: detail => make('CHALLENGE_ASKED', detail),
  termsChanged: detail => make('TERMS_VERSION_MISMATCH', detail),
  partial: detail => make('UNKNOWN_ERROR.PARTIAL_SYNC', detail),
}

function make(code: ErrorCode, detail: string | undefined): KonnectorError {
  return new KonnectorError(code, detail === undefined ? {} : { detail })
}

/** What the critical line of a run that threw `error` says. */
export interface Verdict {
  message: string
  noRetry: boolean
}

/**
 * - a KonnectorError: its code
 * - the vendor did not answer, or with a 5xx: VENDOR_DOWN
 * - the stack's storage is full (413): DISK_QUOTA_EXCEEDED
 * - a text, or an Error with a text: that text, so that `throw 'LOGIN_FAILED'` works (`exports.md` section 3)
 * - anything else (`null`, `{}`): UNKNOWN_ERROR (FIX-2)
 */
export function verdictOn(error: unknown): Verdict {
  if (error instanceof KonnectorError) return { message: error.code, noRetry: error.noRetry }
  const noRetry = typeof error === 'object' && error !== null && 'no_retry' in error && error.no_retry === true
  if (isVendorDown(error)) return { message: 'VENDOR_DOWN', noRetry }
  if (error instanceof StackError && error.status === 413) return { message: 'DISK_QUOTA_EXCEEDED', noRetry }
  return { message: textOf(error) || 'UNKNOWN_ERROR', noRetry }
}

/** True for a network failure or a 5xx of the vendor, as `http` reports them. */
export function isVendorDown(error: unknown): boolean {
  return error instanceof NetworkError || (error instanceof HttpError && error.status >= 500)
}

function textOf(error: unknown): string {
  if (typeof error === 'string') return error
  const message = typeof error === 'object' && error !== null && 'message' in error ? error.message : undefined
  return typeof message === 'string' ? message : ''
}
