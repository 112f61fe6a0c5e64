import type { StackFetch } from '@konnectory/client'
import { nodeFetch } from '@konnectory/client/node-fetch'

/** What `COZY_CREDENTIALS` may hold during development (`sdk/cli.md` section 4, `protocol/auth.md`); old and new names. */
interface OAuthCredentials {
  oauthOptions?: Record<string, unknown>
  client?: Record<string, unknown>
  token?: Record<string, unknown>
}

/** A token for `createClient`: the text itself, or a function that asks for a new one when the stack refuses it. */
export type TokenSource = string | ((again: boolean) => Promise<string>)

export interface TokenSourceOptions {
  /** Sends the refresh; default node:http. */
  fetch?: StackFetch | undefined
  /** Told every secret that is read or received, so that it stays out of the logs. */
  hide?: (secret: string) => void
}

/**
 * @param credentials a bearer token (servers), or the JSON of an OAuth registration (development):
 *   `{oauthOptions: {clientID, clientSecret}, token: {accessToken, refreshToken}}`
 * @param url address of the stack, asked (`POST /auth/access_token`) to refresh an access token that has aged
 * @throws Error when the text is JSON without an access token, or looks like JSON and is not
 */
export function tokenSource(credentials: string, url: string, options: TokenSourceOptions = {}): TokenSource {
  const { fetch = nodeFetch, hide = () => {} } = options
  const parsed = parseOAuth(credentials)
  if (!parsed) {
    hide(credentials)
    return credentials
  }
  const client = parsed.oauthOptions ?? parsed.client ?? {}
  const accessToken = textOf(parsed.token, 'accessToken', 'access_token')
  const refreshToken = textOf(parsed.token, 'refreshToken', 'refresh_token')
  const clientId = textOf(client, 'clientID', 'client_id')
  const clientSecret = textOf(client, 'clientSecret', 'client_secret')
  if (!accessToken) {
    throw new Error(
      'COZY_CREDENTIALS is JSON but holds no token.accessToken: it should be a token, or the content of .token.json ' +
        '(delete that file to register again)',
    )
  }
  for (const secret of [accessToken, refreshToken, clientSecret, textOf(client, 'registrationAccessToken')]) {
    if (secret) hide(secret)
  }
  if (!refreshToken || !clientId || !clientSecret) return accessToken

  let current = accessToken
  let refreshing: Promise<string> | undefined
  const form = new URLSearchParams({
    grant_type: 'refresh_token',
    refresh_token: refreshToken,
    client_id: clientId,
    client_secret: clientSecret,
  })
  async function refresh(): Promise<string> {
    const response = await fetch(`${url.replace(/\/+$/, '')}/auth/access_token`, {
      method: 'POST',
      headers: { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' },
      body: form.toString(),
    })
    const answer = (await response.json().catch(() => ({}))) as Record<string, unknown>
    const fresh = textOf(answer, 'access_token')
    if (!response.ok || !fresh) {
      const reason = textOf(answer, 'error') ?? `status ${response.status}`
      throw new Error(
        `The stack refused to refresh the token (${reason}). Delete .token.json and run again to connect anew.`,
      )
    }
    hide(fresh)
    current = fresh
    return fresh
  }
  return async again => {
    if (!again) return current
    // Several requests may find the token aged at the same time; one refresh serves them all.
    refreshing ??= refresh().finally(() => {
      refreshing = undefined
    })
    return refreshing
  }
}

function parseOAuth(credentials: string): OAuthCredentials | undefined {
  if (!credentials.trimStart().startsWith('{')) return undefined
  try {
    return JSON.parse(credentials) as OAuthCredentials
  } catch (error) {
    throw new Error(`COZY_CREDENTIALS looks like JSON but is not: ${(error as Error).message}`)
  }
}

/** The first of these members that is a text with something in it. */
function textOf(from: Record<string, unknown> | undefined, ...names: string[]): string | undefined {
  for (const name of names) {
    const value = from?.[name]
    if (typeof value === 'string' && value !== '') return value
  }
  return undefined
}
