import type { Tenant } from '#ground/tenant'
import { registrationError } from './oauth-errors.ts'

/** Schemes that run or show something in the browser instead of leading to a client. */
const NO_CLIENT_BEHIND = new Set([
  'javascript:',
  'data:',
  'vbscript:',
  'blob:',
  'file:',
  'filesystem:',
  'about:',
  'view-source:',
  'ws:',
  'wss:',
  'mailto:',
  'tel:',
])

/** RFC 3986 knows no other characters; with them, neither a header nor a policy can be broken out of. */
const URI_CHARACTERS = /^[A-Za-z0-9\-._~:/?[\]@!$&'()*+,;=%]+$/

const LONGEST = 2048

/**
 * Checks where a client wants its codes to be sent.
 * @throws ShapedError `invalid_redirect_uri`
 */
export function assertRedirectUri(uri: unknown, tenant: Tenant): asserts uri is string {
  const refuse = (why: string): never => {
    throw registrationError('invalid_redirect_uri', `The redirect URI ${why}.`)
  }
  if (typeof uri !== 'string' || uri === '') return refuse('is not a text')
  if (uri.length > LONGEST) refuse(`is longer than ${LONGEST} characters`)
  if (uri.includes('#')) refuse('must not have a fragment')
  if (!URI_CHARACTERS.test(uri)) refuse('has characters that no URI has')
  const url = URL.parse(uri)
  if (!url) return refuse('is not an absolute URI')
  if (NO_CLIENT_BEHIND.has(url.protocol)) refuse(`cannot have the scheme ${url.protocol.slice(0, -1)}`)
  // `http://alice.example.net@elsewhere.example` looks like something that it is not.
  if (url.username || url.password) refuse('must not hold a user name')
  const own = [tenant.domain, tenant.oldDomain, new URL(tenant.url).host]
  if (own.includes(url.host)) refuse('must not lead to the instance itself')
}

/**
 * The URI with parameters added to its query. It is not taken apart and put together again: clients compare what comes back
 * with what they have registered.
 */
export function withParameters(uri: string, parameters: Record<string, string>): string {
  const added = new URLSearchParams(parameters).toString()
  const glue = uri.includes('?') ? (/[?&]$/.test(uri) ? '' : '&') : '?'
  return `${uri}${glue}${added}`
}

/** What a page's policy must name so that its form may end up there: browsers check `form-action` on redirects too. */
export function formActionSource(uri: string): string {
  const url = new URL(uri)
  return url.protocol === 'http:' || url.protocol === 'https:' ? url.origin : url.protocol
}

/** Where a person is sent, in a word that cannot be made up: the host, or the scheme of an application on the device. */
export function destination(uri: string): string {
  const url = new URL(uri)
  return url.host || url.protocol.slice(0, -1)
}
