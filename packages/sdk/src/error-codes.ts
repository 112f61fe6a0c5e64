import { ERROR_CODES as FACTS, type KnownErrorCode } from '@konnectory/protocol'

type NameOf<C extends string> = C extends `${infer Head}.${infer Tail}` ? `${Head}_${Tail}` : C

/** The documented codes by name: `LOGIN_FAILED`, `USER_ACTION_NEEDED_TWOFA_EXPIRED`... Their meaning is in `protocol`. */
export const ERROR_CODES = Object.fromEntries(Object.keys(FACTS).map(code => [code.replace('.', '_'), code])) as {
  readonly [C in KnownErrorCode as NameOf<C>]: C
}

/** A documented code, or one of these with a part of one's own behind a dot. */
export type ErrorCode =
  | KnownErrorCode
  | 'CANNOT_FIND_ACCOUNT'
  | 'TOS_NOT_ACCEPTED'
  | 'TIMEOUT'
  | `${'LOGIN_FAILED' | 'USER_ACTION_NEEDED' | 'VENDOR_DOWN' | 'UNKNOWN_ERROR'}.${string}`
