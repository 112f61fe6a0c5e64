import type { Dictionary } from './dictionary.ts'

const JWT = /eyJ[\w-]{5,}\.[\w-]{5,}\.[\w-]*/g
/** Claims about the token, not about a person; konnectors read them to know when to log in again. */
const PUBLIC_CLAIMS = new Set([
  'iss',
  'aud',
  'exp',
  'iat',
  'nbf',
  'typ',
  'scope',
  'azp',
  'acr',
  'auth_time',
  'token_type',
])

/**
 * Learns the JSON Web Tokens of a text. Their placeholder is a JSON Web Token too, since konnectors look inside:
 * its claims are scrubbed, its signature is not one.
 */
export function learnJwts(dictionary: Dictionary, text: string): void {
  for (const [token] of text.matchAll(JWT)) {
    if (dictionary.get(token) !== undefined) continue
    const [header = '', payload = ''] = token.split('.')
    const claims = parse(payload)
    if (parse(header) === undefined || claims === undefined) continue
    const scrubbed = Buffer.from(JSON.stringify(scrubClaims(dictionary, claims))).toString('base64url')
    dictionary.learn(token, 'jwt', count => `${header}.${scrubbed}.konnectory-jwt-${count}`)
  }
}

function scrubClaims(dictionary: Dictionary, claims: Record<string, unknown>): Record<string, unknown> {
  const scrubbed: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(claims))
    scrubbed[name] = PUBLIC_CLAIMS.has(name) ? value : scrubClaim(dictionary, value)
  return scrubbed
}

function scrubClaim(dictionary: Dictionary, value: unknown): unknown {
  if (typeof value === 'string') return dictionary.learn(value, 'claim', count => `konnectory-claim-${count}`)
  if (typeof value === 'number') return 0
  if (Array.isArray(value)) return value.map(item => scrubClaim(dictionary, item))
  if (value !== null && typeof value === 'object') return scrubClaims(dictionary, value as Record<string, unknown>)
  return value
}

function parse(part: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString())
    return value !== null && typeof value === 'object' ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined // Looks like a token and is none.
  }
}
