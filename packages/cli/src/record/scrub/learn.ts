import { decodeBody, decodeEntities, textOf } from '../bodies.ts'
import { type Exchange, headerOf, headerPairs } from '../exchange.ts'
import { type Dictionary, SHORTEST } from './dictionary.ts'
import { learnJwts } from './jwt.ts'
import { learnPersonal } from './personal.ts'
import { tokenPlaceholder } from './placeholders.ts'

/** Names whose value is a credential wherever they stand: query, form, JSON, hidden input, meta, script. */
const SECRET_NAME =
  /token|csrf|xsrf|secret|passw|pwd|api[-_]?key|^apikey$|session[-_]?(?:id|key|token)|^(?:j?sessionid|phpsessid|sid)$|code[-_]?(?:verifier|challenge)$|assertion|^saml|viewstate|eventvalidation|signature|^nonce$|otp$|credential/i
/** Only secret as a parameter: in a document `code` may be a postcode and `state` a country. */
const SECRET_PARAMETER = /^(?:code|state|relaystate|session|key|auth|ticket|sig|hash)$/i
/** Words that end like a secret name and hold none. */
const NO_SECRET = /token_?type|tokenexpir|expires|tokenendpoint|token_?uri|token_?url/i
const SECRET_HEADER = /token|api-?key|secret|session|csrf|xsrf|^x-auth|credential/i
/** JSON members that tell who somebody is. Other names and addresses are the author's to give (config `scrub`). */
const PERSONAL_NAME =
  /^(?:first|last|full|given|family|birth|maiden|display|holder)_?-?name$|^surname$|^birth_?(?:date|day|place)$|^date_?of_?birth$|^street(?:_?address)?$|^address_?line_?\d?$|^(?:social_?)?security_?number$/i
const TRIVIAL = /^(?:true|false|null|undefined|none|deleted|bearer|\d{1,3}|.{0,3})$/i
const SHORTEST_TOKEN = 6

/** Learns every secret of an exchange: cookies, credentials, tokens by their names, personal values by their shape. */
export function learnExchange(dictionary: Dictionary, exchange: Exchange): void {
  const request = headerPairs(exchange.requestHeaders)
  const response = headerPairs(exchange.responseHeaders)
  for (const [name, value] of [...request, ...response]) learnHeader(dictionary, name.toLowerCase(), value)
  learnUrl(dictionary, exchange.url)
  const location = headerOf(exchange.responseHeaders, 'location')
  if (location) learnUrl(dictionary, location)
  learnBody(dictionary, exchange.requestHeaders, exchange.requestBody)
  learnBody(dictionary, exchange.responseHeaders, exchange.responseBody)
}

/** Cookies of a `Cookie` header or of one `Set-Cookie` header. */
export function cookiePairs(name: string, value: string): [name: string, value: string][] {
  const parts = name === 'set-cookie' ? [value.split(';')[0] ?? ''] : value.split(';')
  return parts
    .filter(part => part.includes('='))
    .map(part => {
      const at = part.indexOf('=')
      return [part.slice(0, at).trim(), part.slice(at + 1).trim()]
    })
}

function learnHeader(dictionary: Dictionary, name: string, value: string): void {
  if (name === 'cookie' || name === 'set-cookie') {
    for (const [, cookie] of cookiePairs(name, value)) learnToken(dictionary, 'cookie', cookie, 4)
  } else if (name === 'authorization' || name === 'proxy-authorization') {
    const [scheme = '', credentials = ''] = value.split(/\s+(.*)/s)
    if (/^basic$/i.test(scheme)) {
      const decoded = Buffer.from(credentials, 'base64').toString()
      const password = decoded.slice(decoded.indexOf(':') + 1)
      learnToken(dictionary, 'password', password, 4)
      learnToken(dictionary, 'user', decoded.slice(0, Math.max(0, decoded.indexOf(':'))), 4)
    } else if (/^digest$/i.test(scheme)) {
      for (const [, , part] of value.matchAll(/(username|response|nonce|cnonce|opaque)="([^"]+)"/g))
        learnToken(dictionary, 'digest', part ?? '', 4)
    } else learnToken(dictionary, 'authorization', credentials || scheme, 4)
  } else if (SECRET_HEADER.test(name)) learnToken(dictionary, 'token', value, SHORTEST_TOKEN)
  learnJwts(dictionary, value)
  learnPersonal(dictionary, value)
}

function learnUrl(dictionary: Dictionary, url: string): void {
  learnPersonal(dictionary, url)
  learnJwts(dictionary, url)
  const [beforeHash = '', hash = ''] = url.split('#')
  const query = beforeHash.includes('?') ? beforeHash.slice(beforeHash.indexOf('?') + 1) : ''
  learnParameters(dictionary, query)
  learnParameters(dictionary, hash)
  const credentials = /^[a-z]+:\/\/([^/@]+)@/i.exec(url)?.[1]
  for (const part of credentials?.split(':') ?? []) learnToken(dictionary, 'password', safeDecode(part), 4)
  for (const [, value] of beforeHash.matchAll(/;(?:jsessionid|phpsessid|sid)=([^?;/]+)/gi))
    learnToken(dictionary, 'token', value ?? '', SHORTEST_TOKEN)
}

function learnParameters(dictionary: Dictionary, text: string): void {
  for (const [name, value] of new URLSearchParams(text)) {
    if (isSecret(name) || SECRET_PARAMETER.test(name)) learnToken(dictionary, 'token', value)
    learnPersonal(dictionary, value)
    learnJwts(dictionary, value)
    // A parameter that holds an address, as in redirect_uri, or JSON.
    if (/^https?:\/\//.test(value) && value !== text) learnUrl(dictionary, value)
    else learnJson(dictionary, value)
  }
}

function learnBody(dictionary: Dictionary, headers: string[], raw: Buffer): void {
  if (raw.length === 0) return
  const type = headerOf(headers, 'content-type').toLowerCase()
  const text = textOf(decodeBody(raw, headerOf(headers, 'content-encoding')), type)?.text
  if (text === undefined) return
  learnPersonal(dictionary, text)
  learnJwts(dictionary, text)
  if (type.includes('x-www-form-urlencoded')) {
    learnParameters(dictionary, text)
    return
  }
  if (type.startsWith('multipart/')) {
    for (const [, name, value] of text.matchAll(/name="([^"]*)"[^\r\n]*(?:\r?\n[^\r\n]+)*\r?\n\r?\n([^\r\n]*)/g))
      if (isSecret(name ?? '')) learnToken(dictionary, 'token', value ?? '')
    return
  }
  if (learnJson(dictionary, text)) return
  learnMarkup(dictionary, text)
}

/** @returns whether the text was JSON */
function learnJson(dictionary: Dictionary, text: string): boolean {
  if (!/^\s*[[{]/.test(text)) return false
  try {
    learnValue(dictionary, '', JSON.parse(text))
    return true
  } catch {
    return false // Not JSON after all; it is searched as text.
  }
}

function learnValue(dictionary: Dictionary, name: string, value: unknown): void {
  if (typeof value === 'string') {
    if (isSecret(name)) learnToken(dictionary, 'token', value)
    if (PERSONAL_NAME.test(name) && value.length >= SHORTEST)
      dictionary.learn(value, 'personal', count => `konnectory-personal-${count}`)
    learnPersonal(dictionary, value)
    learnJwts(dictionary, value)
    learnJson(dictionary, value)
  } else if (typeof value === 'number') {
    if (isSecret(name)) learnToken(dictionary, 'token', String(value))
  } else if (Array.isArray(value)) {
    for (const item of value) learnValue(dictionary, name, item)
  } else if (value !== null && typeof value === 'object') {
    for (const [key, item] of Object.entries(value)) learnValue(dictionary, key, item)
  }
}

function learnMarkup(dictionary: Dictionary, text: string): void {
  learnPersonal(dictionary, decodeEntities(text))
  for (const [tag] of text.matchAll(/<(?:input|meta|[a-z-]+\s[^>]*data-)[^>]*>/gi)) {
    const attributes = Object.fromEntries(
      [...tag.matchAll(/([\w:-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))/g)].map(([, name, a, b, c]) => [
        name!.toLowerCase(),
        decodeEntities(a ?? b ?? c ?? ''),
      ]),
    )
    const value = attributes.value ?? attributes.content ?? ''
    const name = attributes.name ?? attributes.id ?? attributes.property ?? ''
    if (isSecret(name) || attributes.type === 'password' || isHiddenRandom(attributes))
      learnToken(dictionary, 'token', value)
    for (const [key, data] of Object.entries(attributes))
      if (key.startsWith('data-') && isSecret(key)) learnToken(dictionary, 'token', data)
  }
  for (const [, name, , value] of text.matchAll(/["']?([\w-]{3,40})["']?\s*[:=]\s*(["'])([^"'\s]{8,4096})\2/g))
    if (isSecret(name!)) learnToken(dictionary, 'token', value!)
  for (const [, address] of text.matchAll(/(?:href|action|src)\s*=\s*["']([^"']+\?[^"']+)["']/gi))
    learnUrl(dictionary, decodeEntities(address!))
}

/** A hidden input with a long value that mixes digits and letters is a form token, whatever its name. */
function isHiddenRandom(attributes: Record<string, string>): boolean {
  const value = attributes.value ?? ''
  return attributes.type === 'hidden' && /^[\w+/=.-]{20,}$/.test(value) && /\d/.test(value) && /[a-z]/i.test(value)
}

function isSecret(name: string): boolean {
  return SECRET_NAME.test(name) && !NO_SECRET.test(name)
}

function learnToken(dictionary: Dictionary, kind: string, raw: string, shortest = SHORTEST_TOKEN): void {
  const value = raw.replace(/^"(.*)"$/, '$1')
  if (value.length < shortest || TRIVIAL.test(value) || value.startsWith('konnectory-')) return
  const decoded = safeDecode(value)
  // A cookie is often a percent-encoded value: the decoded one is the secret, its encodings follow from it.
  const secret = decoded.length >= shortest ? decoded : value
  learnJwts(dictionary, secret)
  dictionary.learn(secret, kind, count => tokenPlaceholder(kind, count, secret))
  if (secret !== value) dictionary.set(value, dictionary.get(secret)!)
}

function safeDecode(value: string): string {
  try {
    return decodeURIComponent(value)
  } catch {
    return value // Not percent-encoded: a bare % is part of the value.
  }
}
