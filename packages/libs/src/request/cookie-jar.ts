import { isIPv4 } from 'node:net'
import type { Cookie, CookieJar } from 'tough-cookie'
import heavy from '../heavy.cjs'

/** The `jar` of a request: a synchronous face on a tough-cookie jar. */
export interface RequestJar {
  /** The tough-cookie jar; konnectors read, replace and serialise it. */
  _jar: CookieJar
  /**
   * @param cookie `Set-Cookie` text, or a Cookie
   * @param url address it is said to come from
   * @returns the stored cookie
   * @throws {Error} when it cannot be parsed, or its domain is foreign or a public suffix (unless `ignoreError`)
   */
  setCookie(cookie: string | Cookie, url: string, options?: Record<string, unknown>): Cookie | undefined
  /** The `Cookie` header for an address. */
  getCookieString(url: string): string
  getCookies(url: string): Cookie[]
}

const adapted = new WeakSet<CookieJar>()

/**
 * Gives a tough-cookie 5 jar the rules of tough-cookie 2.5, which vendors' cookies were received with (exports.md
 * section 5, "measured differences"): loose parsing, no `__Host-`/`__Secure-` checks, no Domain under `.local`, an IPv4
 * host may name itself as Domain, and an empty cookie is no error. Changes the jar in place.
 */
function useOldRules(jar: CookieJar): CookieJar {
  // A jar of another copy of tough-cookie (the konnector's own) keeps its own rules.
  if (adapted.has(jar) || !(jar instanceof heavy.toughCookie().CookieJar)) return jar
  adapted.add(jar)
  Object.assign(jar, { enableLooseMode: true, prefixSecurity: 'unsafe-disabled' })
  const setCookieSync = jar.setCookieSync.bind(jar)
  jar.setCookieSync = (given, url, options) => {
    const { Cookie } = heavy.toughCookie()
    // Upstream stored it and sent a stray "; ": not worth keeping.
    if (typeof given === 'string' && given.trim() === '') return new Cookie()
    const cookie = given instanceof Cookie ? given : Cookie.parse(String(given), { loose: true })
    const domain = cookie?.cdomain()
    if (!cookie || !domain) return setCookieSync(given instanceof Cookie ? given : String(given), url, options)
    if (domain === 'local' || domain.endsWith('.local')) {
      if (options?.ignoreError) return undefined
      throw new Error('Cookie has domain set to a public suffix')
    }
    if (isIPv4(domain) && new URL(url.toString()).hostname === domain) cookie.domain = null
    return setCookieSync(cookie, url, options)
  }
  return jar
}

class LazyRequestJar implements RequestJar {
  #inner: CookieJar | undefined
  #store: unknown

  constructor(store?: unknown) {
    this.#store = store
  }

  // An accessor: tough-cookie loads when the first cookie is handled, and a jar that somebody puts here
  // (`jar._jar = CookieJar.fromJSON(…)`) gets the same rules.
  get _jar(): CookieJar {
    if (!this.#inner) {
      const { CookieJar } = heavy.toughCookie()
      this.#inner = useOldRules(new CookieJar(this.#store as ConstructorParameters<typeof CookieJar>[0]))
    }
    return this.#inner
  }

  set _jar(inner: CookieJar) {
    this.#inner = useOldRules(inner)
  }

  setCookie(cookie: string | Cookie, url: string, options: Record<string, unknown> = {}): Cookie | undefined {
    return this._jar.setCookieSync(cookie, url, options)
  }

  getCookieString(url: string): string {
    return this._jar.getCookieStringSync(url)
  }

  getCookies(url: string): Cookie[] {
    return this._jar.getCookiesSync(url)
  }
}

/**
 * @param store a tough-cookie store; default: memory
 * @returns an empty jar for the `jar` option; nothing is loaded before it is used
 */
export function createJar(store?: unknown): RequestJar {
  return new LazyRequestJar(store)
}

/** The jar behind `jar: true`: one for the whole process, shared by all factories (exports.md section 5). */
export const globalJar: RequestJar = new LazyRequestJar()

/**
 * @param text one cookie, `k=v; Path=/…`
 * @returns the parsed cookie, undefined when it cannot be parsed
 * @throws {Error} when `text` is not a string
 */
export function parseCookie(text: string): Cookie | undefined {
  if (typeof text !== 'string') throw new Error('The cookie function only accepts STRING as param')
  return heavy.toughCookie().Cookie.parse(text, { loose: true })
}
