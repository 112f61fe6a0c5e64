import { type Cookie, cookiePair, expiryOf, parseSetCookie } from './cookie.ts'
import { deserializeJar, type SerializedJar, serializeJar } from './cookie-json.ts'
import { canonicalHost, defaultPath, domainMatches, isAddress, pathMatches } from './cookie-match.ts'
import { isPublicSuffix } from './public-suffix.ts'

/**
 * The cookies of a run (RFC 6265), in memory.
 * Serialises to and from tough-cookie's JSON, so a session saved by a konnector of the older library loads here and back.
 */
export class CookieJar {
  #cookies = new Map<string, Cookie>()
  #now: () => number
  #version = 0

  constructor(options: { now?: () => number } = {}) {
    this.#now = options.now ?? Date.now
  }

  /** Goes up at each change; tells whether there is something new to save. */
  get version(): number {
    return this.#version
  }

  /** How many cookies are kept, expired ones included until they are met. */
  get size(): number {
    return this.#cookies.size
  }

  /**
   * Stores one `Set-Cookie` line received from `url`.
   * @returns false when it was refused: foreign domain, public suffix, nothing in it. A cookie that is already expired
   * removes the one it names, and counts as stored.
   */
  setCookie(line: string, url: string | URL): boolean {
    const parsed = parseSetCookie(line)
    if (!parsed) return false
    const { hostname, pathname } = new URL(url)
    const place = this.#placeFor(hostname, parsed.domain)
    if (!place) return false

    const now = this.#now()
    const { domain: _, path, ...rest } = parsed
    const cookie: Cookie = {
      ...rest,
      ...place,
      path: path ?? defaultPath(pathname),
      pathIsDefault: path === undefined,
      creation: now,
      lastAccessed: now,
    }
    const id = idOf(cookie)
    const old = this.#cookies.get(id)
    // The age of the first one counts for the order in which cookies are sent, but not for Max-Age.
    if (old && cookie.maxAge === undefined) cookie.creation = old.creation
    this.#version++
    if (expiryOf(cookie) <= now) this.#cookies.delete(id)
    else this.#cookies.set(id, cookie)
    return true
  }

  /** The cookies to send with a request to `url`, longest path first, then oldest first. */
  getCookies(url: string | URL): Cookie[] {
    const { hostname, pathname, protocol } = new URL(url)
    const now = this.#now()
    const found: Cookie[] = []
    for (const [id, cookie] of this.#cookies) {
      if (expiryOf(cookie) <= now) {
        this.#cookies.delete(id)
        this.#version++
        continue
      }
      if (cookie.hostOnly ? hostname !== cookie.domain : !domainMatches(hostname, cookie.domain)) continue
      if (!pathMatches(pathname, cookie.path)) continue
      if (cookie.secure && protocol !== 'https:') continue
      cookie.lastAccessed = now
      found.push(cookie)
    }
    return found.sort((a, b) => b.path.length - a.path.length || a.creation - b.creation)
  }

  /** The value of the `Cookie` header for `url`; `''` when there is none. */
  cookieHeader(url: string | URL): string {
    return this.getCookies(url).map(cookiePair).join('; ')
  }

  /** Forgets every cookie. */
  clear(): void {
    this.#cookies.clear()
    this.#version++
  }

  /** Replaces the content by a serialised jar (object or JSON text). Throws a TypeError or SyntaxError, and changes nothing, when it is not one. */
  load(json: unknown): void {
    const cookies = deserializeJar(json, this.#now())
    this.clear()
    for (const cookie of cookies) this.#cookies.set(idOf(cookie), cookie)
  }

  toJSON(): SerializedJar {
    return serializeJar([...this.#cookies.values()])
  }

  static fromJSON(json: unknown, options: { now?: () => number } = {}): CookieJar {
    const jar = new CookieJar(options)
    jar.load(json)
    return jar
  }

  /** Where a cookie from `host` with this `Domain` attribute belongs (RFC 6265 section 5.3, steps 4 to 6). */
  #placeFor(host: string, attribute: string | undefined): { domain: string; hostOnly: boolean } | undefined {
    if (attribute === undefined || attribute === '') return { domain: host, hostOnly: true }
    const domain = canonicalHost(attribute)
    if (domain === undefined) return undefined
    if (domain === host && (isAddress(host) || isPublicSuffix(domain))) return { domain: host, hostOnly: true }
    if (isPublicSuffix(domain) || !domainMatches(host, domain)) return undefined
    return { domain, hostOnly: false }
  }
}

function idOf(cookie: Cookie): string {
  return JSON.stringify([cookie.domain, cookie.path, cookie.key])
}
