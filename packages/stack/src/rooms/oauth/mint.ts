import type { Clock } from '#ground/clock'
import { badRequest } from '#ground/http/errors'
import type { Tenant } from '#ground/tenant'
import { type KeySource, parseScope } from '#rooms/permissions'
import { LOGIN_SCOPE, linkedSlug, MAXIMAL_SCOPE } from './token-scope.ts'
import { type Audience, lifeOf, signToken } from './tokens.ts'

export interface MintRequest {
  instance: Tenant
  audience: Audience
  /** Slug, id of a client, `CLI`; not empty. */
  subject: string
  /** Of access, refresh and CLI tokens. */
  scope?: string | undefined
  sessionId?: string | undefined
  stamp?: string | undefined
  /** Milliseconds after which the token dies; default: as long as its audience allows. */
  expire?: number | undefined
  /** Of a konnector's run: see `Runs` of the permissions room. */
  run?: string | undefined
  account?: string | undefined
}

export type Mint = (request: MintRequest) => Promise<string>

/** Slugs of apps and konnectors. */
const SLUG = /^[a-z0-9][a-z0-9_.-]{0,127}$/i

/**
 * Makes tokens. Since there is no `exp`, a shorter life is an earlier `iat`; upstream reckons that of a service's token from
 * 24 h, which makes one that is dead at birth: here it is reckoned from the life it has.
 *
 * Mint throws HttpError 400 for a scope that cannot be read, a subject that cannot be, a life longer than the audience's.
 */
export function createMint({ clock, keys }: { clock: Clock; keys: KeySource }): Mint {
  return async ({ instance, expire, ...request }) => {
    assertSubject(request)
    assertScope(request)
    const now = clock.now().getTime()
    const life = lifeOf(request)
    if (expire !== undefined && (!(expire > 0) || expire > life || life === Number.POSITIVE_INFINITY)) {
      throw badRequest(
        life === Number.POSITIVE_INFINITY
          ? `a token for ${request.audience} does not expire`
          : `a token for ${request.audience} lives between 0 and ${life / 60_000} minutes`,
      )
    }
    const issuedAt = Math.floor((expire === undefined ? now : now + expire - life) / 1000)
    return signToken({ ...request, issuer: instance.domain, issuedAt }, await keys.secrets(instance))
  }
}

function assertSubject({ audience, subject, run, account }: Omit<MintRequest, 'instance'>): void {
  const isSlug = audience === 'app' || audience === 'konn'
  if (subject === '' || (isSlug && !SLUG.test(subject))) throw badRequest(`${audience} needs the name of its subject`)
  if ((run || account) && audience !== 'konn') throw badRequest('only tokens of konnectors belong to a run')
}

function assertScope({ audience, scope }: Omit<MintRequest, 'instance'>): void {
  if (audience !== 'access' && audience !== 'refresh' && audience !== 'cli') {
    if (scope) throw badRequest(`what a token for ${audience} allows does not stand in a scope`)
    return
  }
  const isSpecial = scope === MAXIMAL_SCOPE || scope === LOGIN_SCOPE || linkedSlug(scope) !== undefined
  if (audience !== 'cli' && isSpecial) return
  parseScope(scope ?? '')
}
