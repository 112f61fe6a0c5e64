import { domainToUnicode } from 'node:url'

export type Subdomains = 'nested' | 'flat'

/** A domain that no instance can have. The message is for the operator. */
export class DomainError extends Error {
  override name = 'DomainError'
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for.
const FORBIDDEN = /[\u0000-\u0020\u007f-\u00a0/,;&?#@|='"\\<>%^[\]{}`]/

/**
 * The domain as it is kept: lower-cased, IDNA to Unicode, with its port (`protocol/conventions.md` §2).
 * @param subdomains `flat` forbids `-` in the first label, which splits there
 * @throws DomainError with a sentence
 */
export function normaliseDomain(given: string, subdomains: Subdomains): string {
  const lower = given.trim().toLowerCase().normalize('NFC')
  if (lower === '') throw new DomainError('A domain is needed, as alice.example.net')
  if (FORBIDDEN.test(lower)) throw new DomainError(`${given}: a domain has no spaces and none of / , ; & ? # @ | = ' "`)
  if (lower.startsWith('.')) throw new DomainError(`${given}: a domain does not start with a dot`)
  const [, name = '', port] = /^([^:]*)(?::(\d{1,5}))?$/.exec(lower) ?? []
  if (name === '') throw new DomainError(`${given}: that is not a domain, with or without a port`)
  if (port !== undefined && (Number(port) < 1 || Number(port) > 65535))
    throw new DomainError(`${given}: a port is a number between 1 and 65535`)
  if (name.length > 253) throw new DomainError(`${given}: a domain has at most 253 characters`)
  if (name.endsWith('.') || name.split('.').some(label => label === '' || label.length > 63))
    throw new DomainError(`${given}: each part of a domain has 1 to 63 characters`)
  const unicode = domainToUnicode(name)
  if (unicode === '') throw new DomainError(`${given}: that is not a domain`)
  if (subdomains === 'flat' && firstLabel(unicode).includes('-'))
    throw new DomainError(`${given}: with flat subdomains the first part of a domain has no "-"`)
  return port === undefined ? unicode : `${unicode}:${Number(port)}`
}

/**
 * A `Host` header, `X-Forwarded-Host` or the host of a URL as domains are kept.
 * @returns undefined when it cannot be the host of anybody
 */
export function normaliseHost(host: string): string | undefined {
  const lower = host.trim().toLowerCase()
  if (lower.length > 300) return undefined
  // ASCII without anything odd is nearly every request.
  if (/^[a-z0-9._-]+(:\d{1,5})?$/.test(lower) && !lower.includes('xn--')) return lower.replace(/\.(?=:|$)/, '')
  if (lower === '' || FORBIDDEN.test(lower)) return undefined
  const [, name = '', port] = /^([^:]*)(:\d{1,5})?$/.exec(lower) ?? []
  const unicode = domainToUnicode(name.replace(/\.$/, ''))
  return unicode === '' ? undefined : `${unicode}${port ?? ''}`
}

export const withoutPort = (domain: string): string => domain.replace(/:\d+$/, '')

const firstLabel = (name: string): string => name.split('.', 1)[0] ?? ''

/**
 * Splits a host into the instance and the app that it may name: `drive.alice.x` or `alice-drive.x`.
 * @returns undefined when it cannot be that of an app
 */
export function splitHost(host: string, subdomains: Subdomains): { parent: string; slug: string } | undefined {
  if (subdomains === 'nested') {
    const dot = host.indexOf('.')
    if (dot < 1 || dot === host.length - 1) return undefined
    return { slug: host.slice(0, dot), parent: host.slice(dot + 1) }
  }
  const [first = '', ...rest] = host.split('.')
  const dash = first.indexOf('-')
  if (dash < 1 || dash === first.length - 1) return undefined
  return { slug: first.slice(dash + 1), parent: [first.slice(0, dash), ...rest].join('.') }
}

/** The host of an app of an instance. */
export function appHost(domain: string, slug: string, subdomains: Subdomains): string {
  if (subdomains === 'nested') return `${slug}.${domain}`
  const [first = '', ...rest] = domain.split('.')
  return [`${first}-${slug}`, ...rest].join('.')
}

/** How the URLs of instances are made of their domains. */
export interface Addressing {
  scheme: 'http' | 'https'
  /** Of domains that have none; the scheme's own is not written. */
  port: number
}

/** The URL of a domain with a final slash. */
export function urlOf(domain: string, { scheme, port }: Addressing): string {
  const url = new URL(`${scheme}://${domain}/`)
  if (withoutPort(domain) === domain) url.port = String(port)
  return url.href
}
