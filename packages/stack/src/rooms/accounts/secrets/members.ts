import type { Body } from '#ground/documents/contract'
import { isObject } from '../account.ts'

/** Where secrets stand in an account; part of what each is bound to. */
export type Place = 'auth' | 'oauth'

export const SEALED_SUFFIX = '_encrypted'
/** Login and password in one, in `auth` (`protocol/data.md` §8). */
export const CREDENTIALS = 'credentials'
export const PASSWORD = 'password'

/** Members sealed one by one: `protocol/data.md` §8, and for `oauth` what opens a vendor's door. */
const SECRETS: Record<Place, ReadonlySet<string>> = {
  auth: new Set(['secret', 'dob', 'code', 'answer', 'access_token', 'refresh_token', 'appSecret', 'session']),
  oauth: new Set(['access_token', 'refresh_token', 'id_token', 'client_secret', 'code', 'token']),
}

export const isSecret = (place: Place, name: string): boolean => SECRETS[place].has(name)

/** Whether a member is one that may not be shown in clear: also as the account's name. */
export const isSecretInAuth = (name: string): boolean => name === PASSWORD || isSecret('auth', name)

/** What the plain member of a sealed one is called; undefined when nothing is ever sealed under this name. */
export function plainName(place: Place, name: string): string | undefined {
  if (!name.endsWith(SEALED_SUFFIX)) return undefined
  const plain = name.slice(0, -SEALED_SUFFIX.length)
  return isSecret(place, plain) || (place === 'auth' && plain === CREDENTIALS) ? plain : undefined
}

type Members = Record<string, unknown>
export type Change = (place: Place, members: Members) => Promise<Members>

/**
 * Makes an account in which each object that holds secrets was changed: `auth`, `data.auth`, `data.data.auth` and so on;
 * `oauth`, its `query`, and `oauth_callback_results`. What has another type there stays as it is.
 */
export async function changeSecrets(account: Body, change: Change): Promise<Body> {
  // Down first and up again, without recursion: a client decides how deep it goes.
  const levels: Members[] = [account]
  for (let level: unknown = account.data; isObject(level); level = level.data) levels.push(level)
  let changed: Members | undefined
  for (const level of levels.reverse()) {
    const members: Members = { ...level }
    if (isObject(level.auth)) members.auth = await change('auth', level.auth)
    if (changed) members.data = changed
    changed = members
  }
  const result: Members = { ...changed }
  if (isObject(account.oauth)) {
    const oauth = await change('oauth', account.oauth)
    result.oauth = isObject(oauth.query) ? { ...oauth, query: await change('oauth', oauth.query) } : oauth
  }
  if (isObject(account.oauth_callback_results))
    result.oauth_callback_results = await change('oauth', account.oauth_callback_results)
  return result
}

/** Whether any secret stands there in clear. */
export function hasPlainSecrets(account: Body): boolean {
  const inAuth = (auth: unknown) => isObject(auth) && Object.keys(auth).some(isSecretInAuth)
  const inOauth = (members: unknown) => isObject(members) && Object.keys(members).some(name => isSecret('oauth', name))
  for (let level: unknown = account; isObject(level); level = level.data) if (inAuth(level.auth)) return true
  const { oauth, oauth_callback_results: results } = account
  return inOauth(oauth) || inOauth(results) || (isObject(oauth) && inOauth(oauth.query))
}
