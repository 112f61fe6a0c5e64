/**
 * The codes a run may end with (`sdk/exports.md` section 22, `protocol/konnector-runtime.md` section 6), what they mean,
 * and what the house makes of them (`design.md` section 1). A code is `FAMILY` or `FAMILY.DETAIL`; authors invent details.
 */

/** How a run ended, in a closed set. */
export type Outcome =
  | 'done'
  | 'nothing_new'
  | 'partial'
  | 'bad_credentials'
  | 'user_action'
  | 'two_factor'
  | 'vendor_down'
  | 'blocked'
  | 'konnector_broken'
  | 'limit'
  | 'cancelled'

/** Who has something to do about it. */
export type Actor = 'owner' | 'vendor' | 'author' | 'operator' | 'nobody'

export interface ErrorCodeFacts {
  /** One sentence for people. */
  meaning: string
  /** Who must act before it can work again. */
  act: Actor
  outcome: Outcome
  /** After it the server starts no run by itself, only the owner does (`konnector-runtime.md` section 2.5). */
  stopsAutomaticRuns: boolean
  /** The server may try the same job once more (`konnector-runtime.md` section 5, Retry). */
  retry: boolean
}

const facts = (
  outcome: Outcome,
  act: Actor,
  meaning: string,
  { stop = false, retry = !stop }: { stop?: boolean; retry?: boolean } = {},
): ErrorCodeFacts => ({ meaning, act, outcome, stopsAutomaticRuns: stop, retry })

const stop = { stop: true }

/** The 26 documented codes, by value. */
export const ERROR_CODES = {
  LOGIN_FAILED: facts('bad_credentials', 'owner', 'The vendor refused the login or password', stop),
  'LOGIN_FAILED.NEEDS_SECRET': facts(
    'bad_credentials',
    'owner',
    'The vendor asks for more to log in than was given',
    stop,
  ),
  'LOGIN_FAILED.TOO_MANY_ATTEMPTS': facts('blocked', 'owner', 'The vendor has blocked the account for a while', stop),
  NOT_EXISTING_DIRECTORY: facts('user_action', 'owner', 'The destination folder does not exist any more'),
  FILE_DOWNLOAD_FAILED: facts('vendor_down', 'vendor', 'A file could not be downloaded from the vendor'),
  SAVE_FILE_FAILED: facts('konnector_broken', 'operator', 'A file could not be stored'),
  DISK_QUOTA_EXCEEDED: facts('limit', 'owner', 'There is no room left for files'),
  CHALLENGE_ASKED: facts('two_factor', 'author', 'The vendor asks for a second factor that the konnector cannot give'),
  USER_ACTION_NEEDED: facts('user_action', 'owner', 'Something is to be done on the site of the vendor', stop),
  'USER_ACTION_NEEDED.OAUTH_OUTDATED': facts(
    'bad_credentials',
    'owner',
    'The authorisation given to the konnector has ended',
    stop,
  ),
  'USER_ACTION_NEEDED.ACCOUNT_REMOVED': facts('user_action', 'owner', 'The account at the vendor is closed', stop),
  'USER_ACTION_NEEDED.CHANGE_PASSWORD': facts(
    'user_action',
    'owner',
    'The vendor wants a new password to be chosen',
    stop,
  ),
  'USER_ACTION_NEEDED.PERMISSIONS_CHANGED': facts(
    'user_action',
    'owner',
    'The permissions given at the vendor have changed',
    stop,
  ),
  // The one detail of its family after which automatic runs go on; still no second try of the same job.
  'USER_ACTION_NEEDED.CGU_FORM': facts(
    'user_action',
    'owner',
    'New terms are to be accepted on the site of the vendor',
    {
      retry: false,
    },
  ),
  'USER_ACTION_NEEDED.SCA_REQUIRED': facts('two_factor', 'owner', 'The bank wants a strong authentication', stop),
  'USER_ACTION_NEEDED.TWOFA_EXPIRED': facts('two_factor', 'owner', 'No code was given in time', stop),
  'USER_ACTION_NEEDED.WEBAUTH_REQUIRED': facts(
    'two_factor',
    'owner',
    'The vendor wants an authentication in a browser',
    stop,
  ),
  'USER_ACTION_NEEDED.WRONG_TWOFA_CODE': facts('two_factor', 'owner', 'The code was wrong', stop),
  CAPTCHA_RESOLUTION_FAILED: facts('blocked', 'author', 'A captcha could not be solved'),
  MAINTENANCE: facts('vendor_down', 'author', 'The konnector is under maintenance'),
  VENDOR_DOWN: facts('vendor_down', 'vendor', 'The site of the vendor does not answer as it should'),
  'VENDOR_DOWN.BANK_DOWN': facts('vendor_down', 'vendor', 'The bank does not answer its aggregator'),
  'VENDOR_DOWN.LINXO_DOWN': facts('vendor_down', 'vendor', 'The bank aggregator does not answer'),
  TERMS_VERSION_MISMATCH: facts('user_action', 'owner', 'The konnector has new terms to accept'),
  UNKNOWN_ERROR: facts('konnector_broken', 'author', 'Something unexpected happened: the konnector must be repaired'),
  'UNKNOWN_ERROR.PARTIAL_SYNC': facts('partial', 'author', 'Part of the data was saved, part was not'),
} as const satisfies Record<string, ErrorCodeFacts>

/** A documented code. */
export type KnownErrorCode = keyof typeof ERROR_CODES

/** Messages the libraries and the server also produce, which are not offered to authors as constants. */
export const OTHER_ERROR_CODES = {
  CANNOT_FIND_ACCOUNT: facts('user_action', 'owner', 'The account was deleted, or the konnector may not read it'),
  TOS_NOT_ACCEPTED: facts('user_action', 'owner', 'The terms of the server are to be accepted'),
  INVALID_FORM: facts(
    'konnector_broken',
    'author',
    'The login form of the vendor is not where the konnector looks for it',
  ),
  UNKNOWN_PARSING_STRATEGY: facts('konnector_broken', 'author', 'signin was called with an unknown parse option'),
  BAD_DOWNLOADED_FILE: facts('vendor_down', 'vendor', 'The vendor sent something else than the expected file'),
  TIMEOUT: facts('limit', 'operator', 'The run took longer than it may'),
  'context deadline exceeded': facts('limit', 'operator', 'The run took longer than it may'),
} as const satisfies Record<string, ErrorCodeFacts>

/**
 * What the house makes of a job's error text.
 * @param message a code, a code with a detail of its author's own (`LOGIN_FAILED.NO_PERSON`), or any other text
 * @returns the facts of the code, of its family when the detail is unknown; `UNKNOWN_ERROR`'s for any other text
 */
export function errorCodeFacts(message: string): ErrorCodeFacts {
  const known: Record<string, ErrorCodeFacts> = { ...ERROR_CODES, ...OTHER_ERROR_CODES }
  const code = message.trim()
  if (Object.hasOwn(known, code)) return known[code] as ErrorCodeFacts
  const family = code.split('.', 1)[0] as string
  if (Object.hasOwn(known, family)) return known[family] as ErrorCodeFacts
  return ERROR_CODES.UNKNOWN_ERROR
}
