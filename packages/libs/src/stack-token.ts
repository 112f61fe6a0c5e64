import { registerSecret } from './secrets.ts'

/** `COZY_CREDENTIALS` of the dev command (`sdk/exports.md` section 25, `protocol/auth.md`). Old and new member names. */
interface OAuthCredentials {
  oauthOptions?: Record<string, unknown>
  client?: Record<string, unknown>
  token?: Record<string, unknown>
}

/** What `createClient` needs to authenticate. */
export interface StackToken {
  token: string | ((again: boolean) => Promise<string>)
  /** Set when answers must be looked at: makes an expired token look like the 401 that the client tries again after. */
  fetch?: typeof globalThis.fetch
}

/**
 * @param url address of the stack
 * @param credentials a bearer token, or the JSON text `{oauthOptions: {clientID, clientSecret}, token: {accessToken, refreshToken}}`
 * @returns the token, or a function that refreshes it through `POST /auth/access_token` once the stack has refused it
 * @throws when the text is JSON without an access token
 */
export function createStackToken(url: string, credentials: string): StackToken {
  const parsed = parse(credentials)
  if (!parsed) return { token: credentials }

  const client = parsed.oauthOptions ?? parsed.client ?? {}
  let accessToken = text(parsed.token, 'accessToken', 'access_token')
  const refreshToken = text(parsed.token, 'refreshToken', 'refresh_token')
  const clientId = text(client, 'clientID', 'client_id')
  const clientSecret = text(client, 'clientSecret', 'client_secret')
  if (!accessToken) {
    throw new Error(
      'COZY_CREDENTIALS is JSON but holds no token.accessToken: it should be a token, or the content of .token.json',
    )
  }
  for (const secret of [accessToken, refreshToken, clientSecret, text(client, 'registrationAccessToken')])
    registerSecret(secret)
  if (!refreshToken || !clientId || !clientSecret) return { token: accessToken }

  let refreshing: Promise<string> | undefined
  async function refresh(): Promise<string> {
    const response = await globalThis.fetch(new URL('/auth/access_token', url), {
      method: 'POST',
      headers: { accept: 'application/json' },
      body: new URLSearchParams({
        grant_type: 'refresh_token',
        refresh_token: refreshToken as string,
        client_id: clientId as string,
        client_secret: clientSecret as string,
      }),
    })
    const answer = (await response.json().catch(() => ({}))) as Record<string, unknown>
    const fresh = text(answer, 'access_token')
    if (!response.ok || !fresh) {
      const reason = text(answer, 'error') ?? `status ${response.status}`
      throw new Error(
        `The stack refused to refresh the token (${reason}). Delete .token.json and run again to connect anew.`,
      )
    }
    registerSecret(fresh)
    accessToken = fresh
    return fresh
  }

  return {
    async token(again) {
      if (!again) return accessToken as string
      // Several requests may find the token expired at the same time; one refresh serves them all.
      refreshing ??= refresh().finally(() => {
        refreshing = undefined
      })
      return refreshing
    },
    async fetch(input, init) {
      const response = await globalThis.fetch(input, init)
      // The stack says 400 `Expired token` (protocol/auth.md), where HTTP says 401.
      if (response.status !== 400 || !response.headers.get('www-authenticate')?.includes('invalid_token'))
        return response
      return new Response(response.body, { status: 401, headers: response.headers })
    },
  }
}

function parse(credentials: string): OAuthCredentials | undefined {
  if (!credentials.trimStart().startsWith('{')) return undefined
  try {
    return JSON.parse(credentials) as OAuthCredentials
  } catch (error) {
    throw new Error(`COZY_CREDENTIALS looks like JSON but is not: ${(error as Error).message}`)
  }
}

function text(from: Record<string, unknown> | undefined, ...names: string[]): string | undefined {
  for (const name of names) {
    const value = from?.[name]
    if (typeof value === 'string' && value !== '') return value
  }
  return undefined
}
