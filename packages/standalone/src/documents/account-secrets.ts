import type { Stored } from '@konnectory/protocol'

export const ACCOUNTS = 'io.cozy.accounts'

/** What a server encrypts inside `auth` (`protocol/data.md` section 8). */
const SECRET_MEMBERS = new Set([
  'password',
  'secret',
  'dob',
  'code',
  'answer',
  'access_token',
  'refresh_token',
  'appSecret',
  'session',
])

/** An account as lists show it: a server gives there the encrypted form only, so a konnector must not find plain secrets in them. */
export function withoutSecretMembers(account: Stored): Stored {
  const { auth } = account
  if (typeof auth !== 'object' || auth === null) return account
  return { ...account, auth: Object.fromEntries(Object.entries(auth).filter(([name]) => !SECRET_MEMBERS.has(name))) }
}

/** An account as it may be printed. */
export function withoutCredentials(account: Stored): Stored {
  const { auth, oauth, ...rest } = account
  return rest as Stored
}

/** An account as it is kept on disk when its `auth` comes from the configuration at each start. */
export function withoutAuth(account: Stored): Stored {
  const { auth, ...rest } = account
  return rest as Stored
}
