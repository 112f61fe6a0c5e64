import { TokenEndpointError } from './token-endpoint.ts'

/** What a token answer becomes in an account (`protocol/accounts-oauth.md` §1). */
export interface TokenAnswer {
  oauth: {
    access_token: string
    token_type?: string
    refresh_token?: string
    /** RFC 3339. */
    expires_at?: string
  }
  /** All other members; absent when there are none. */
  oauth_callback_results?: Record<string, unknown>
}

/** @throws TokenEndpointError when there is neither an `access_token` nor an `id_token` in it */
export function readTokenAnswer(answer: Record<string, unknown>, now: Date): TokenAnswer {
  const { access_token, token_type, refresh_token, expires_in, id_token, ...others } = answer
  const own = textOf(access_token)
  const token = own ?? textOf(id_token)
  if (token === undefined) throw new TokenEndpointError('token_request_failed', 'The answer of the vendor has no token')
  // Some vendors write it as a text.
  const seconds = /^\d+$/.test(String(expires_in)) ? Number(expires_in) : Number.NaN
  const expires = new Date(now.getTime() + seconds * 1000)
  const results = { ...others, ...(own !== undefined && id_token !== undefined && { id_token }) }
  return {
    oauth: {
      access_token: token,
      ...(textOf(token_type) !== undefined && { token_type: textOf(token_type)! }),
      ...(textOf(refresh_token) !== undefined && { refresh_token: textOf(refresh_token)! }),
      ...(!Number.isNaN(expires.getTime()) && { expires_at: expires.toISOString() }),
    },
    ...(Object.keys(results).length > 0 && { oauth_callback_results: results }),
  }
}

const textOf = (value: unknown) => (typeof value === 'string' && value !== '' ? value : undefined)
