import { createHmac, timingSafeEqual } from 'node:crypto'
import { isIP } from 'node:net'
import type { Subdomains } from '../domain.ts'
import type { Instance } from '../instance.ts'

const TIME_BYTES = 8
const MAC_BYTES = 32
/** Ten years, in seconds: "stay signed in" (`protocol/auth.md` §2). */
const LONG_RUN_SECONDS = 10 * 365 * 24 * 3600
const SHORT_RUN_SECONDS = 300

export type SessionKind = 'default' | 'long' | 'short'

/** With flat subdomains the cookie stands one level up, beside those of other instances: each has a name of its own. */
export function cookieName(instance: Instance, subdomains: Subdomains): string {
  return subdomains === 'nested' ? 'cozysessid' : `sess-${instance.uuid.replaceAll('-', '').slice(0, 16)}`
}

/**
 * The domain of the cookie, with its dot; undefined for a cookie of this host alone.
 * Browsers refuse one for a single label (`localhost`) and for an address.
 */
export function cookieDomain(instance: Instance, subdomains: Subdomains): string | undefined {
  const host = new URL(instance.url).hostname
  const name = subdomains === 'nested' ? host : host.slice(host.indexOf('.') + 1)
  return !name.includes('.') || isIP(name) || (subdomains === 'flat' && isIP(host)) ? undefined : `.${name}`
}

const macOf = (instance: Instance, secret: Uint8Array, signed: Buffer): Buffer =>
  createHmac('sha256', secret).update(`session\0${instance.id}\0`).update(signed).digest()

/** @returns URL-safe base64 of (8 bytes of milliseconds, session id, HMAC-SHA-256) */
export function cookieValue(instance: Instance, secret: Uint8Array, sessionId: string, now: Date): string {
  const time = Buffer.alloc(TIME_BYTES)
  time.writeBigUInt64BE(BigInt(now.getTime()))
  const signed = Buffer.concat([time, Buffer.from(sessionId)])
  return Buffer.concat([signed, macOf(instance, secret, signed)]).toString('base64url')
}

/** @returns the session id, undefined for a value that we did not make for this instance */
export function readCookieValue(instance: Instance, secret: Uint8Array, value: string): string | undefined {
  if (value.length > 256 || !/^[A-Za-z0-9_-]+=*$/.test(value)) return undefined
  const bytes = Buffer.from(value, 'base64url')
  // Left-over bits would let one cookie be written in several ways.
  if (bytes.toString('base64url') !== value.replace(/=+$/, '')) return undefined
  if (bytes.length <= TIME_BYTES + MAC_BYTES) return undefined
  const signed = bytes.subarray(0, -MAC_BYTES)
  if (!timingSafeEqual(bytes.subarray(-MAC_BYTES), macOf(instance, secret, signed))) return undefined
  return signed.subarray(TIME_BYTES).toString()
}

export interface CookieOptions {
  instance: Instance
  subdomains: Subdomains
  value: string
  kind: SessionKind
}

/** The `Set-Cookie` of a session. */
export function setCookie({ instance, subdomains, value, kind }: CookieOptions): string {
  const age = { default: undefined, long: LONG_RUN_SECONDS, short: SHORT_RUN_SECONDS }[kind]
  return cookie(instance, subdomains, value, age)
}

/** The `Set-Cookie` that takes it away. */
export const clearCookie = (instance: Instance, subdomains: Subdomains): string => cookie(instance, subdomains, '', 0)

function cookie(instance: Instance, subdomains: Subdomains, value: string, maxAge: number | undefined): string {
  const domain = cookieDomain(instance, subdomains)
  return [
    `${cookieName(instance, subdomains)}=${value}`,
    'Path=/',
    domain && `Domain=${domain}`,
    maxAge !== undefined && `Max-Age=${maxAge}`,
    'HttpOnly',
    instance.url.startsWith('https:') && 'Secure',
    'SameSite=Lax',
  ]
    .filter(Boolean)
    .join('; ')
}

/** All values of a name: a browser may send several, of several domains. */
export function cookieValues(header: string | undefined, name: string): string[] {
  if (!header) return []
  return header.split(';').flatMap(part => {
    const at = part.indexOf('=')
    return at > 0 && part.slice(0, at).trim() === name
      ? [
          part
            .slice(at + 1)
            .trim()
            .replace(/^"(.*)"$/, '$1'),
        ]
      : []
  })
}
