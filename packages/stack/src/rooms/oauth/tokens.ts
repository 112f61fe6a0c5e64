import { HttpError } from '#ground/http/errors'
import { decodeJwt, type SigningKeys, signJwt } from '#rooms/permissions'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** What a token is for. The ecosystem's words (`protocol/auth.md` §1). */
export type Audience = 'app' | 'konn' | 'access' | 'refresh' | 'registration' | 'share' | 'cli'

/** Which key signs, and how many milliseconds after `iat` the token is good for; there is no `exp`. */
const AUDIENCES: Record<Audience, { key: keyof SigningKeys; life: number }> = {
  app: { key: 'session', life: DAY },
  konn: { key: 'session', life: 30 * MINUTE },
  access: { key: 'oauth', life: 7 * DAY },
  refresh: { key: 'oauth', life: Number.POSITIVE_INFINITY },
  registration: { key: 'oauth', life: Number.POSITIVE_INFINITY },
  share: { key: 'oauth', life: Number.POSITIVE_INFINITY },
  cli: { key: 'cli', life: 30 * MINUTE },
}
/** An app token without a session is that of a service job. */
const SERVICE_LIFE = 30 * MINUTE
/** A clock may run ahead of ours by so much. */
const SKEW = MINUTE

/** What a token says. */
export interface Claims {
  audience: Audience
  /** Domain of the instance. */
  issuer: string
  /** Seconds since 1970. */
  issuedAt: number
  /** Slug, id of a client, `CLI`, name of a share's code. */
  subject: string
  scope?: string | undefined
  /** Session an app token is bound to. */
  sessionId?: string | undefined
  /** Security stamp of password managers. */
  stamp?: string | undefined
  /** Konnector tokens only: the run they die with, and the only account whose secrets they open. */
  run?: string | undefined
  account?: string | undefined
}

const CHALLENGE = 'Bearer error="invalid_token"'

/** Malformed, wrongly signed, of somebody else, revoked. Clients compare the text, and expect 400 rather than 401. */
export const invalidToken = () => new HttpError(400, 'Invalid JWT token', { 'www-authenticate': CHALLENGE })
/** Too old. Clients then refresh. */
export const expiredToken = () =>
  new HttpError(400, 'Expired token', {
    'www-authenticate': `${CHALLENGE} error_description="The access token expired"`,
  })

/** Milliseconds for which a token is good; endless for those that only a revocation ends. */
export function lifeOf({ audience, sessionId }: Pick<Claims, 'audience' | 'sessionId'>): number {
  return audience === 'app' && sessionId === undefined ? SERVICE_LIFE : AUDIENCES[audience].life
}

/** When a token dies, in milliseconds since 1970. */
export const endOf = (claims: Claims): number => claims.issuedAt * 1000 + lifeOf(claims)

/** Writes a token. Members that say nothing are left out. */
export function signToken(claims: Claims, keys: SigningKeys): string {
  const { audience, issuer, issuedAt, subject, scope, sessionId, stamp, run, account } = claims
  const payload = {
    aud: [audience],
    iss: issuer,
    iat: issuedAt,
    sub: subject,
    ...(scope && { scope }),
    ...(sessionId && { session_id: sessionId }),
    ...(stamp && { stamp }),
    ...(run && { run }),
    ...(account && { account }),
  }
  return signJwt(payload, keys[AUDIENCES[audience].key])
}

export interface Verification {
  keys: SigningKeys
  /** Domains whose tokens are good: the instance's, and the one it had before. */
  issuers: readonly (string | undefined)[]
  now: Date
  /** Those the caller has a use for; a registration token opens no API. */
  audiences: readonly Audience[]
}

/**
 * Checks a token and reads it. Whether what it names still exists is the caller's question.
 * @throws HttpError 400 `Invalid JWT token`, `Expired token`
 */
export function verifyToken(token: string, { keys, issuers, now, audiences }: Verification): Claims {
  const decoded = decodeJwt(token)
  if (!decoded) throw invalidToken()
  const claims = readClaims(decoded.claims)
  // The audience chooses the key, so it is looked at first; one that is not wanted here has none.
  if (!claims || !audiences.includes(claims.audience)) throw invalidToken()
  if (!decoded.isSignedWith(keys[AUDIENCES[claims.audience].key])) throw invalidToken()
  if (!issuers.includes(claims.issuer)) throw invalidToken()
  const time = now.getTime()
  if (claims.issuedAt * 1000 > time + SKEW) throw invalidToken()
  if (time >= endOf(claims)) throw expiredToken()
  return claims
}

function readClaims(payload: Record<string, unknown>): Claims | undefined {
  const { aud, iss, iat, sub, scope, session_id, stamp, run, account } = payload
  const audience = readAudience(aud)
  if (!audience || typeof iss !== 'string' || typeof sub !== 'string' || sub === '') return undefined
  if (typeof iat !== 'number' || !Number.isFinite(iat) || iat < 0) return undefined
  const optional = [scope, session_id, stamp, run, account]
  if (!optional.every(value => value === undefined || typeof value === 'string')) return undefined
  const [scopeText, sessionId, stampText, runId, accountId] = optional as (string | undefined)[]
  return {
    audience,
    issuer: iss,
    issuedAt: iat,
    subject: sub,
    scope: scopeText || undefined,
    sessionId: sessionId || undefined,
    stamp: stampText || undefined,
    ...(audience === 'konn' && { run: runId || undefined, account: accountId || undefined }),
  }
}

/** Exactly one, in a list or by itself. */
function readAudience(aud: unknown): Audience | undefined {
  const [one, ...more] = Array.isArray(aud) ? aud : [aud]
  return more.length === 0 && typeof one === 'string' && Object.hasOwn(AUDIENCES, one) ? (one as Audience) : undefined
}
