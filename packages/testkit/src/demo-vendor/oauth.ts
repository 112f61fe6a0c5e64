import { createHash, createHmac, randomBytes } from 'node:crypto'

export const CLIENT_ID = 'konnectory-demo'
export const CLIENT_SECRET = 'demo-client-secret'
export const SCOPES = ['invoices', 'profile']

/** The answer of the token endpoint (RFC 6749 section 5.1). */
export interface TokenSet {
  access_token: string
  token_type: 'bearer'
  /** Seconds. */
  expires_in: number
  refresh_token: string
  scope: string
}

interface Grant {
  email: string
  scope: string
}

interface Payload extends Grant {
  use: 'access' | 'refresh'
  id: string
  /** How often this person had withdrawn their consent when it was issued. */
  consent: number
  /** Epoch milliseconds. */
  expires: number
}

/** A refusal of the token endpoint (RFC 6749 section 5.2). */
export class OAuthError extends Error {
  readonly code: string
  readonly status: number
  constructor(code: string, description: string, status = 400) {
    super(description)
    this.name = 'OAuthError'
    this.code = code
    this.status = status
  }
}

export interface OAuthServer {
  /** A code for one use within 60 s. */
  issueCode(grant: Grant & { redirectUri: string; challenge?: string }): string
  redeemCode(code: string, redirectUri: string, verifier: string | null): TokenSet
  refresh(refreshToken: string): TokenSet
  issue(email: string, scope: string, expiresIn?: number): TokenSet
  /** Whose access token this is; undefined when unknown, expired or revoked. */
  check(accessToken: string): Grant | undefined
  revoke(token: string): void
  revokeAll(email: string): void
}

const REFRESH_MILLISECONDS = 90 * 86_400_000

/**
 * Tokens are signed statements, so they outlive a restart of the vendor (accounts kept by a stack go on working);
 * what was revoked or used up is remembered in memory only.
 */
export function createOAuthServer(settings: {
  seed: number
  clock: () => Date
  accessTokenSeconds: number
}): OAuthServer {
  const codes = new Map<string, Grant & { redirectUri: string; challenge?: string; expires: number }>()
  const dead = new Set<string>()
  const withdrawals = new Map<string, number>()
  const consentOf = (email: string) => withdrawals.get(email) ?? 0
  const now = () => settings.clock().getTime()
  const sign = (text: string) =>
    createHmac('sha256', `aquavolt oauth ${settings.seed}`).update(text).digest('base64url')

  function write(payload: Payload): string {
    const text = Buffer.from(JSON.stringify(payload)).toString('base64url')
    return `${text}.${sign(text)}`
  }
  function read(token: string): Payload | undefined {
    const [text = '', signature] = token.split('.')
    if (signature !== sign(text)) return undefined
    return JSON.parse(Buffer.from(text, 'base64url').toString()) as Payload
  }
  function readLiving(token: string, use: Payload['use']): Payload | undefined {
    const payload = read(token)
    if (payload?.use !== use || dead.has(payload.id) || payload.expires <= now()) return undefined
    return payload.consent === consentOf(payload.email) ? payload : undefined
  }

  const server: OAuthServer = {
    issueCode(grant) {
      const code = randomBytes(16).toString('base64url')
      codes.set(code, { ...grant, expires: now() + 60_000 })
      return code
    },
    redeemCode(code, redirectUri, verifier) {
      const grant = codes.get(code)
      codes.delete(code)
      if (!grant || grant.expires <= now())
        throw new OAuthError('invalid_grant', 'The code is unknown, used or too old')
      if (grant.redirectUri !== redirectUri)
        throw new OAuthError('invalid_grant', 'redirect_uri is not that of the authorization')
      if (grant.challenge !== undefined) {
        const proof = createHash('sha256')
          .update(verifier ?? '')
          .digest('base64url')
        if (proof !== grant.challenge)
          throw new OAuthError('invalid_grant', 'code_verifier does not match the challenge')
      }
      return server.issue(grant.email, grant.scope)
    },
    refresh(refreshToken) {
      const payload = readLiving(refreshToken, 'refresh')
      if (!payload) throw new OAuthError('invalid_grant', 'The refresh token is unknown, used, expired or revoked')
      dead.add(payload.id)
      return server.issue(payload.email, payload.scope)
    },
    issue(email, scope, expiresIn = settings.accessTokenSeconds) {
      const issued = now()
      const consent = consentOf(email)
      const make = (use: Payload['use'], expires: number) =>
        write({ email, scope, use, id: randomBytes(9).toString('base64url'), consent, expires })
      return {
        access_token: make('access', issued + expiresIn * 1000),
        token_type: 'bearer',
        expires_in: expiresIn,
        refresh_token: make('refresh', issued + REFRESH_MILLISECONDS),
        scope,
      }
    },
    check(accessToken) {
      const payload = readLiving(accessToken, 'access')
      return payload && { email: payload.email, scope: payload.scope }
    },
    revoke(token) {
      const payload = read(token)
      if (payload) dead.add(payload.id)
    },
    revokeAll(email) {
      withdrawals.set(email, consentOf(email) + 1)
    },
  }
  return server
}
