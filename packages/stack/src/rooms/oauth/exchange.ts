import type { Tenant } from '#ground/tenant'
import type { Clients } from './clients.ts'
import type { Codes } from './codes.ts'
import { oauthError } from './oauth-errors.ts'
import { verifierFits } from './pkce.ts'

/** What the exchange needs of tokens; `tokens.ts` has the format. */
export interface ExchangeTokens {
  sign(tenant: Tenant, audience: 'access' | 'refresh', clientId: string, scope: string): Promise<string>
  /** @returns undefined for what is no refresh token of the instance */
  readRefresh(tenant: Tenant, token: string): Promise<{ subject: string; scope: string; issuer: string } | undefined>
}

export interface TokenAnswer {
  token_type: 'bearer'
  scope: string
  access_token: string
  refresh_token?: string
}

/**
 * `POST /auth/access_token` (`protocol/auth.md` §5): a code or a refresh token for an access token.
 * @param form the parameters as sent; whatever is no text counts as absent
 * @throws ShapedError 400 whose text is one of those clients know
 */
export async function exchange(
  { clients, codes, tokens }: { clients: Clients; codes: Codes; tokens: ExchangeTokens },
  tenant: Tenant,
  form: Record<string, unknown>,
): Promise<TokenAnswer> {
  const given = (name: string): string | undefined => {
    const value = form[name]
    return typeof value === 'string' && value !== '' ? value : undefined
  }
  const mandatory = (name: string): string => given(name) ?? refuse(`the ${name} parameter is mandatory`)

  const grantType = mandatory('grant_type')
  const clientId = mandatory('client_id')
  const clientSecret = mandatory('client_secret')
  const client = await clients.find(tenant, clientId)
  if (!client) return refuse('the client must be registered')
  if (!(await clients.hasSecret(tenant, clientId, clientSecret))) return refuse('invalid client_secret')

  if (grantType === 'authorization_code') {
    const authorisation = await codes.redeem(tenant, clientId, mandatory('code'))
    if (!authorisation) return refuse('invalid code')
    const { scope, redirectUri, challenge } = authorisation
    // The place the code was sent to must still be the client's; a client that names it must name the same.
    const redirectAgain = given('redirect_uri')
    if (!client.redirect_uris.includes(redirectUri)) return refuse('invalid code')
    if (redirectAgain !== undefined && redirectAgain !== redirectUri) return refuse('invalid code')
    if (!verifierFits(challenge, given('code_verifier'))) return refuse('invalid code_verifier')
    const answer = await accessToken(tenant, clientId, scope)
    return { ...answer, refresh_token: await tokens.sign(tenant, 'refresh', clientId, scope) }
  }

  if (grantType === 'refresh_token') {
    const token = given('refresh_token')
    const claims = token === undefined ? undefined : await tokens.readRefresh(tenant, token)
    if (claims?.subject !== clientId) return refuse('invalid refresh token')
    const answer = await accessToken(tenant, clientId, claims.scope)
    // Clients keep their first refresh token; only one of the instance's former domain is replaced.
    if (claims.issuer === tenant.domain) return answer
    return { ...answer, refresh_token: await tokens.sign(tenant, 'refresh', clientId, claims.scope) }
  }
  return refuse('invalid grant type')

  async function accessToken(of: Tenant, id: string, scope: string): Promise<TokenAnswer> {
    if (!(await clients.refreshed(of, id))) return refuse('the client must be registered')
    return { token_type: 'bearer', scope, access_token: await tokens.sign(of, 'access', id, scope) }
  }
}

function refuse(text: string): never {
  throw oauthError(400, text)
}
