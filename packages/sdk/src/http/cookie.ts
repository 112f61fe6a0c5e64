import { parseCookieDate } from './cookie-date.ts'

/** One stored cookie; dates are epoch milliseconds. */
export interface Cookie {
  key: string
  value: string
  /** Lower case, without a leading dot. */
  domain: string
  path: string
  /** Only for the exact host that set it (no `Domain` attribute). */
  hostOnly: boolean
  /** The `Path` attribute was missing: the path comes from the page's address. */
  pathIsDefault: boolean
  secure: boolean
  httpOnly: boolean
  /** Absent: until the end of the session, which for a konnector is until the account's session is reset. */
  expires?: number
  /** Seconds, as the vendor said; wins over `expires` when the cookie was set. */
  maxAge?: number
  /** Attributes this jar does not use (`SameSite=Lax`), as they were written. */
  extensions: string[]
  creation: number
  lastAccessed: number
}

/** A `Set-Cookie` line, before it is known which page sent it. */
export interface ParsedSetCookie {
  key: string
  value: string
  /** `''` is as good as absent (RFC 6265 section 5.2.3). */
  domain?: string
  path?: string
  expires?: number
  maxAge?: number
  secure: boolean
  httpOnly: boolean
  extensions: string[]
}

/** Reads one `Set-Cookie` line (RFC 6265 section 5.2); undefined when there is nothing in it. */
export function parseSetCookie(line: string): ParsedSetCookie | undefined {
  const [pair = '', ...attributes] = line.split(';')
  const equals = pair.indexOf('=')
  // Vendors do send `Set-Cookie: token`; browsers keep it as a value without a name.
  const key = equals < 0 ? '' : pair.slice(0, equals).trim()
  const value = (equals < 0 ? pair : pair.slice(equals + 1)).trim()
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters would split the header when sent back
  if ((key === '' && value === '') || /[\x00-\x08\x0A-\x1F\x7F]/.test(pair)) return undefined

  const cookie: ParsedSetCookie = { key, value, secure: false, httpOnly: false, extensions: [] }
  for (const attribute of attributes) readAttribute(cookie, attribute.trim())
  return cookie
}

function readAttribute(cookie: ParsedSetCookie, attribute: string): void {
  const equals = attribute.indexOf('=')
  const name = (equals < 0 ? attribute : attribute.slice(0, equals)).trim().toLowerCase()
  const value = equals < 0 ? '' : attribute.slice(equals + 1).trim()
  if (name === 'expires') {
    const expires = parseCookieDate(value)
    if (expires !== undefined) cookie.expires = expires
  } else if (name === 'max-age') {
    if (/^-?\d+$/.test(value)) cookie.maxAge = Number(value)
  } else if (name === 'domain') {
    if (value !== '') cookie.domain = value.replace(/^\./, '').toLowerCase()
  } else if (name === 'path') {
    if (value.startsWith('/')) cookie.path = value
    else delete cookie.path
  } else if (name === 'secure') {
    cookie.secure = true
  } else if (name === 'httponly') {
    cookie.httpOnly = true
  } else if (attribute !== '') {
    cookie.extensions.push(attribute)
  }
}

/** The `name=value` that is sent back. */
export function cookiePair(cookie: Cookie): string {
  return cookie.key === '' ? cookie.value : `${cookie.key}=${cookie.value}`
}

/** When the cookie ends, in epoch milliseconds; Infinity for one without an end. */
export function expiryOf(cookie: Cookie): number {
  if (cookie.maxAge !== undefined)
    return cookie.maxAge <= 0 ? Number.NEGATIVE_INFINITY : cookie.creation + cookie.maxAge * 1000
  return cookie.expires ?? Number.POSITIVE_INFINITY
}
