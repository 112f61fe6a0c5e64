/** What `COZY_CREDENTIALS` may hold during development (`sdk/cli.md` section 4). */
interface OAuthCredentials {
  oauthOptions: { clientID: string; clientSecret: string }
  token: { accessToken: string; refreshToken?: string }
}

/** A token for `createClient`: the text itself, or a function that asks for a new one when the stack says 401. */
export type TokenSource = string | ((again: boolean) => Promise<string>)

/**
 * @param credentials a bearer token (servers), or the JSON of an OAuth registration (development)
 * @param url address of the stack, asked to refresh an expired access token
 */
export function tokenSource(credentials: string, url: string, fetch?: typeof globalThis.fetch): TokenSource {
  const oauth = parseOAuth(credentials)
  if (!oauth) return credentials
  let current = oauth.token.accessToken
  return async again => {
    if (again) current = (await refresh(oauth, url, fetch)) ?? current
    return current
  }
}

function parseOAuth(credentials: string): OAuthCredentials | undefined {
  if (!credentials.trimStart().startsWith('{')) return undefined
  const parsed = JSON.parse(credentials) as Partial<OAuthCredentials>
  if (!parsed.token?.accessToken) throw new Error('COZY_CREDENTIALS is JSON without token.accessToken: register again')
  return parsed as OAuthCredentials
}

async function refresh(oauth: OAuthCredentials, url: string, fetch = globalThis.fetch): Promise<string | undefined> {
  if (!oauth.token.refreshToken) return undefined
  const answer = await fetch(`${url.replace(/\/+$/, '')}/auth/access_token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'refresh_token',
      refresh_token: oauth.token.refreshToken,
      client_id: oauth.oauthOptions.clientID,
      client_secret: oauth.oauthOptions.clientSecret,
    }),
  })
  if (!answer.ok) return undefined
  const { access_token } = (await answer.json()) as { access_token?: string }
  return access_token
}
