import type { Tenant } from '#ground/tenant'
import { parseScope, type Rule } from '#rooms/permissions'
import type { Client } from './client-record.ts'
import type { Clients } from './clients.ts'
import { isChallenge } from './pkce.ts'
import { LOGIN_SCOPE, MAXIMAL_SCOPE } from './token-scope.ts'

/** A request of a client for access, checked. */
export interface AuthorisationRequest {
  client: Client
  redirectUri: string
  state: string
  scope: string
  /** What the scope says; empty for `login`. */
  rules: Rule[]
  challenge: string | undefined
}

/**
 * A request that cannot be granted. It is shown to the person and never sent to the redirect URI: with these faults, nobody
 * knows whose it is.
 */
export class AuthorisationError extends Error {
  override name = 'AuthorisationError'
  readonly status: number

  constructor(message: string, status = 400) {
    super(message)
    this.status = status
  }
}

/**
 * Checks the parameters of the authorisation page (`protocol/auth.md` §4).
 * @param given as sent, in the query or in the form
 * @throws AuthorisationError
 */
export async function readAuthorisation(
  clients: Clients,
  tenant: Tenant,
  given: Record<string, unknown>,
): Promise<AuthorisationRequest> {
  const optional = (name: string): string | undefined => {
    const value = given[name]
    if (Array.isArray(value)) throw new AuthorisationError(`The parameter ${name} is given more than once.`)
    return typeof value === 'string' && value !== '' ? value : undefined
  }
  const mandatory = (name: string): string => {
    const value = optional(name)
    if (value === undefined) throw new AuthorisationError(`The parameter ${name} is missing.`)
    return value
  }
  const state = mandatory('state')
  const clientId = mandatory('client_id')
  const redirectUri = mandatory('redirect_uri')
  if (mandatory('response_type') !== 'code') throw new AuthorisationError('The only response_type is code.')
  const challenge = optional('code_challenge')
  const method = optional('code_challenge_method')
  if ((challenge === undefined) !== (method === undefined)) {
    throw new AuthorisationError('code_challenge and code_challenge_method come together.')
  }
  if (method !== undefined && method !== 'S256') throw new AuthorisationError('The only code_challenge_method is S256.')
  if (challenge !== undefined && !isChallenge(challenge)) {
    throw new AuthorisationError('The code_challenge is not one of the method S256.')
  }
  const client = await clients.find(tenant, clientId)
  if (!client) throw new AuthorisationError('The client is not registered.')
  if (!client.redirect_uris.includes(redirectUri)) {
    throw new AuthorisationError('The redirect_uri is not one that the client has registered.')
  }
  const scope = mandatory('scope').trim()
  return { client, redirectUri, state, scope, rules: readScope(scope, client), challenge }
}

function readScope(scope: string, client: Client): Rule[] {
  if (scope === LOGIN_SCOPE) {
    if (client.allow_login_scope) return []
    throw new AuthorisationError('This client may not ask for the scope login.')
  }
  // Both stand for rules that nobody could read on the page: everything, and whatever an application happens to have.
  if (scope.split(' ').some(part => part === MAXIMAL_SCOPE || part.startsWith('@'))) {
    throw new AuthorisationError('This scope is not given to clients that register themselves.')
  }
  try {
    return parseScope(scope)
  } catch {
    throw new AuthorisationError('The scope is empty or malformed.')
  }
}
