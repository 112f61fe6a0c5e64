import type { Account } from '@konnectory/protocol'
import { registerSecret, registerSecretFields, Secret } from './log.ts'
import { currentManifest } from './manifest.ts'

// What BaseKonnector knows of the account it works for. Functions rather than private methods:
// `BaseKonnector.prototype.saveBills.call(something)` must go on working.

/** The options that tie what is saved to an account; the caller's own win over them. */
export function accountContext(accountId: string | undefined, login: string | undefined) {
  return { sourceAccount: accountId, sourceAccountIdentifier: login } as {
    sourceAccount: string
    sourceAccountIdentifier: string
  }
}

/** `fields.login`; a text (an old form: the folder's path) has none. @throws TypeError without fields */
export function loginOf(fields: unknown): string | undefined {
  return (fields as { login?: string }).login
}

/** @returns the account as konnectors get it; what it holds of secrets stays out of the logs from now on */
export function secretAccount(account: Account): Secret {
  const { fields } = currentManifest()
  for (const part of [account.auth, account.oauth, account.data]) registerSecretFields(part, fields)
  registerSecret(account.twoFACode)
  return new Secret(account)
}
