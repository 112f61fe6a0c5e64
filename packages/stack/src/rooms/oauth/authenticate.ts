import type { Ground } from '#ground/ground'
import type { Actor } from '#ground/http/grant'
import type { Tenant } from '#ground/tenant'
import type { Instance, Instances } from '#rooms/instances'
import { isShortCode, type Permissions, showsProof, withoutDot } from '#rooms/permissions'
import { createIdentify, type Identity } from './authenticate-kinds.ts'
import { createTokenCache } from './token-cache.ts'
import { type Audience, endOf, expiredToken, invalidToken, verifyToken } from './tokens.ts'

export interface AuthenticateDependencies {
  instances: Pick<Instances, 'secrets' | 'sessions'>
  permissions: Pick<Permissions, 'find' | 'shareByCode' | 'runs'>
  /** Current security stamp of an instance's password manager; without it a token with a stamp is refused. */
  securityStamp?: ((tenant: Tenant) => Promise<string | undefined>) | undefined
}

/**
 * Who a token stands for.
 * @param cookie the request's `Cookie` header: an app's token is good together with its session only, that of a share with a
 * password after the password was given
 * @throws HttpError 400 as `protocol/conventions.md` §3 has it
 */
export type Authenticate = ((tenant: Tenant, token: string, cookie?: string) => Promise<Actor>) & Disposable

/** Tokens that open the API; others are for the routes of OAuth alone. */
const ACCEPTED: readonly Audience[] = ['app', 'konn', 'access', 'cli', 'share']

/**
 * Makes the function that every request with a token goes through. A token that was seen before, and that nothing has happened
 * to, costs no query: `token-cache.ts`.
 */
export function createAuthenticate(ground: Ground, dependencies: AuthenticateDependencies): Authenticate {
  const { clock } = ground
  const { instances } = dependencies
  const identify = createIdentify(ground, dependencies)
  const cache = createTokenCache<Identity>(ground)

  const lookAt = async (
    tenant: Tenant,
    token: string,
  ): Promise<{ value: Identity; foundations: Identity['foundations'] }> => {
    const value = isShortCode(token) ? await identify.share(tenant, token) : await lookAtJwt(tenant, token)
    return { value, foundations: value.foundations }
  }
  const lookAtJwt = async (tenant: Tenant, token: string): Promise<Identity> => {
    const keys = await instances.secrets(tenant)
    const issuers = [tenant.domain, tenant.oldDomain]
    const claims = verifyToken(token, { keys, issuers, now: clock.now(), audiences: ACCEPTED })
    const identity =
      claims.audience === 'share' ? await identify.share(tenant, token) : await identify.claims(tenant, claims)
    return { ...identity, expiresAt: Math.min(identity.expiresAt, endOf(claims)) }
  }

  const authenticate = async (tenant: Tenant, given: string, cookie?: string): Promise<Actor> => {
    const token = isShortCode(given) ? withoutDot(given) : given
    const identity = cache.get(tenant, token) ?? (await cache.remember(tenant, token, () => lookAt(tenant, token)))
    const { actor, expiresAt, password } = identity
    if (clock.now().getTime() >= expiresAt) throw expiredToken()
    if (password && !showsProof(cookie, password.cookie, password.proof)) throw invalidToken()
    if (actor.sessionId !== undefined) {
      const session = await instances.sessions.find(cookie, tenant as Instance)
      if (session?.id !== actor.sessionId) throw invalidToken()
    }
    return actor
  }
  return Object.assign(authenticate, { [Symbol.dispose]: () => cache[Symbol.dispose]() })
}
