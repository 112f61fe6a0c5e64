import { randomBytes, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import type { Instance } from '../instance.ts'
import { cookieValues } from '../sessions/cookie.ts'

const NAME = '_csrf'
const TOKEN = /^[0-9a-f]{32}$/

/** The token for a form on a page under `/auth`, and the `Set-Cookie` that goes along when the browser has none yet. */
export function csrfFor(
  headers: IncomingHttpHeaders,
  instance: Instance,
): { token: string; headers: Record<string, string> } {
  const known = cookieValues(headers.cookie, NAME).find(value => TOKEN.test(value))
  if (known) return { token: known, headers: {} }
  const token = randomBytes(16).toString('hex')
  const secure = instance.url.startsWith('https:') ? '; Secure' : ''
  return { token, headers: { 'set-cookie': `${NAME}=${token}; Path=/auth; HttpOnly${secure}; SameSite=Lax` } }
}

/** Double submit: the form carries what the cookie says, which no other site can read. */
export function isCsrfValid(headers: IncomingHttpHeaders, token: string | undefined): boolean {
  if (token === undefined || !TOKEN.test(token)) return false
  return cookieValues(headers.cookie, NAME).some(
    value => TOKEN.test(value) && timingSafeEqual(Buffer.from(value), Buffer.from(token)),
  )
}

/**
 * Whether a request without that token still cannot be another site's doing: no browser sent it (those say where a POST comes
 * from), or the page it comes from is the instance's own.
 */
export function isNotForged(headers: IncomingHttpHeaders, instance: Instance): boolean {
  const { origin } = headers
  const site = headers['sec-fetch-site']
  if (origin !== undefined) return origin === new URL(instance.url).origin
  return site === undefined || site === 'same-origin' || site === 'none'
}
