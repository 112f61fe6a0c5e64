import type { IncomingMessage } from 'node:http'
import heavy from './heavy.cjs'
import { log } from './log.ts'
import { requestClass } from './request/request-class.ts'

// biome-ignore lint/suspicious/noExplicitAny: zombie publishes no types
type Any = any

const USER_AGENT = 'Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:62.0) Gecko/20100101 Firefox/62.0'

let cached: Any

/**
 * The simulated browser of `cozy-konnector-libs/dist/libs/CozyBrowser` (exports.md section 27): zombie's Browser, on our
 * HTTP requests (so that proxies and `strictSSL` work), with debug logs and cookie jars that CookieKonnector can save.
 * @returns the class; `new CozyBrowser({userAgent, waitDuration, strictSSL, …})` takes zombie's options
 * @throws {Error} when the konnector does not depend on zombie (version 6)
 */
export function cozyBrowser(): Any {
  cached ??= define()
  return cached
}

export default cozyBrowser

function define(): Any {
  const Zombie = heavy.zombie() as Any
  if (!Zombie) throw new Error('zombie dependency is missing. Please add it in your package.json')

  class CozyPipeline extends Zombie.Pipeline {
    readonly cozy = true

    /** Ours comes after the konnector's handlers and before zombie's own, which still serves `file:` addresses. */
    getRequestHandlers(): unknown[] {
      return [...super.getRequestHandlers(), sendRequest]
    }
  }

  return class CozyBrowser extends Zombie {
    constructor(options: Record<string, unknown> = {}) {
      super({ waitDuration: '20s', userAgent: USER_AGENT, silent: true, ...options })
      this.pipeline = new (CozyPipeline as Any)(this)
      logEvents(this)
    }

    /** @returns a tough-cookie jar with the browser's cookies */
    getCookieJar(): unknown {
      const cookies = [...this.cookies].filter(cookie => cookie.toJSON).map(cookie => cookie.toJSON())
      return heavy.toughCookie().CookieJar.fromJSON(JSON.stringify({ cookies }))
    }

    /** Puts the cookies of a tough-cookie jar in the browser. */
    loadCookieJar(jar: Any): void {
      for (const cookie of (jar._jar ?? jar).toJSON().cookies) {
        const { key, value, domain, path, expires, secure, httpOnly } = cookie
        const maxAge = cookie.maxAge ?? cookie['max-age']
        this.setCookie({ name: key, domain, path, expires, maxAge, secure, httpOnly }, value)
      }
    }
  }
}

/** Sends one request of the browser; zombie follows redirects and keeps the cookies itself. */
async function sendRequest(browser: Any, request: Any): Promise<unknown> {
  const { protocol, hostname, pathname } = new URL(request.url)
  if (protocol === 'file:') return null
  const { Response, Headers } = heavy.zombieFetch() as Any
  const cookies = browser.cookies.serialize(hostname, pathname)
  if (cookies) request.headers.append('Cookie', cookies)
  const body = /^(POST|PUT)/.test(request.method) ? await request._consume() : null

  return new Promise((resolve, reject) => {
    const sent = new (requestClass())({
      method: request.method,
      uri: request.url,
      headers: request.headers.toObject(),
      body,
      jar: false,
      followRedirect: false,
      strictSSL: browser.strictSSL,
    })
    sent.on('error', reject)
    sent.on('response', (response: IncomingMessage) => {
      const headers = Object.entries(response.headers).flatMap(([name, value]) =>
        [value].flat().map(one => [name, one]),
      )
      resolve(new Response(response, { url: request.url, status: response.statusCode, headers: new Headers(headers) }))
    })
  })
}

function logEvents(browser: Any): void {
  const debug = (message: string) => log('debug', message, undefined, 'zombie')
  browser.on('error', (error: unknown) => debug(`event error: ${error}`))
  browser.on('loading', (document: Any) => debug(`event loading: ${document.location.href}`))
  browser.on('loaded', (document: Any) => debug(`event loaded: ${document.location}`))
  for (const event of ['setInterval', 'setTimeout', 'idle']) browser.on(event, () => debug(`event ${event}`))
  browser.on('redirect', (request: Any, response: Any) => debug(`redirect: ${request.url} -> ${response._url}`))
  browser.on('request', (request: Any) => debug(`request: ${request.url}`))
  browser.on('response', (_request: Any, response: Any) => debug(`response: ${response._url}`))
}
