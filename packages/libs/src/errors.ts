/**
 * Error messages the server and its clients understand (`sdk/exports.md` section 22).
 * Their meaning, and who must act, is in `@konnectory/protocol` (`error-codes.ts`); a test keeps both lists equal.
 * Use: `throw new Error(errors.LOGIN_FAILED)`. Any other text is allowed; a sub code after a dot is common.
 */
export const errors = {
  /** Wrong credentials. The server stops automatic runs. */
  LOGIN_FAILED: 'LOGIN_FAILED',
  /** The vendor asks for more than the fields hold (a secret question...). */
  LOGIN_FAILED_NEEDS_SECRET: 'LOGIN_FAILED.NEEDS_SECRET',
  /** The account is blocked for some time. */
  LOGIN_FAILED_TOO_MANY_ATTEMPTS: 'LOGIN_FAILED.TOO_MANY_ATTEMPTS',
  /** The destination folder does not exist any more. */
  NOT_EXISTING_DIRECTORY: 'NOT_EXISTING_DIRECTORY',
  /** A file could not be downloaded from the vendor. */
  FILE_DOWNLOAD_FAILED: 'FILE_DOWNLOAD_FAILED',
  /** A file could not be stored. */
  SAVE_FILE_FAILED: 'SAVE_FILE_FAILED',
  /** No room left. */
  DISK_QUOTA_EXCEEDED: 'DISK_QUOTA_EXCEEDED',
  /** A second factor that the konnector cannot answer. */
  CHALLENGE_ASKED: 'CHALLENGE_ASKED',
  /** The user has something to do at the vendor's site. The server stops automatic runs. */
  USER_ACTION_NEEDED: 'USER_ACTION_NEEDED',
  /** The authorisation given by the user is not valid any more. */
  USER_ACTION_NEEDED_OAUTH_OUTDATED: 'USER_ACTION_NEEDED.OAUTH_OUTDATED',
  /** The user's account at the vendor is closed. */
  USER_ACTION_NEEDED_ACCOUNT_REMOVED: 'USER_ACTION_NEEDED.ACCOUNT_REMOVED',
  /** The vendor asks for a new password. */
  USER_ACTION_NEEDED_CHANGE_PASSWORD: 'USER_ACTION_NEEDED.CHANGE_PASSWORD',
  /** The vendor's permissions changed. */
  USER_ACTION_NEEDED_PERMISSIONS_CHANGED: 'USER_ACTION_NEEDED.PERMISSIONS_CHANGED',
  /** Terms to accept at the vendor's site. Automatic runs go on. */
  USER_ACTION_NEEDED_CGU_FORM: 'USER_ACTION_NEEDED.CGU_FORM',
  /** Strong authentication is needed (banks). */
  USER_ACTION_NEEDED_SCA_REQUIRED: 'USER_ACTION_NEEDED.SCA_REQUIRED',
  /** The code was not given in time, or nobody is there to give it. */
  USER_ACTION_NEEDED_TWOFA_EXPIRED: 'USER_ACTION_NEEDED.TWOFA_EXPIRED',
  /** Authentication in a browser is needed. */
  USER_ACTION_NEEDED_WEBAUTH_REQUIRED: 'USER_ACTION_NEEDED.WEBAUTH_REQUIRED',
  /** The code was wrong. */
  USER_ACTION_NEEDED_WRONG_TWOFA_CODE: 'USER_ACTION_NEEDED.WRONG_TWOFA_CODE',
  /** A captcha could not be solved. */
  CAPTCHA_RESOLUTION_FAILED: 'CAPTCHA_RESOLUTION_FAILED',
  /** The konnector is under maintenance. */
  MAINTENANCE: 'MAINTENANCE',
  /** The vendor's site does not answer, or not as it should. */
  VENDOR_DOWN: 'VENDOR_DOWN',
  /** The bank does not answer its aggregator. */
  VENDOR_DOWN_BANK_DOWN: 'VENDOR_DOWN.BANK_DOWN',
  /** The aggregator does not answer. */
  VENDOR_DOWN_LINXO_DOWN: 'VENDOR_DOWN.LINXO_DOWN',
  /** New terms of the konnector to accept. */
  TERMS_VERSION_MISMATCH: 'TERMS_VERSION_MISMATCH',
  /** Something unexpected: the konnector must be repaired. */
  UNKNOWN_ERROR: 'UNKNOWN_ERROR',
  /** Part of the data was saved. */
  UNKNOWN_ERROR_PARTIAL_SYNC: 'UNKNOWN_ERROR.PARTIAL_SYNC',
} as const

export type ErrorCode = (typeof errors)[keyof typeof errors]
