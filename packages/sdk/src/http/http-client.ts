import { pause } from '../pause.ts'
import { CookieJar } from './cookie-jar.ts'
import { BadAnswerError, HttpError, NetworkError, toNetworkError } from './http-errors.ts'
import { createPatience, watchBody } from './patience.ts'
import { type Hop, MAX_REDIRECTS, nextHop } from './redirects.ts'
import { type BodyOptions, type FormValues, prepareBody, toSearchParams } from './request-body.ts'
import { HttpResponse } from './response.ts'
import { mayRetry, retryDelay } from './retries.ts'

/** What every request of a client starts from. */
export interface HttpDefaults {
  /** Relative addresses start here. */
  baseUrl?: string | undefined
  /** Added to every request; a request's own headers win. `undefined` removes one. */
  headers?: Record<string, string | undefined>
  /** Milliseconds without a byte before the request fails with a NetworkError `TIMEOUT`; 0 for none. Default 60,000. */
  timeout?: number
  /** How often a request that may be sent twice is sent again after a failure that may pass. Default 0. */
  retries?: number
}

export interface RequestOptions extends HttpDefaults, BodyOptions {
  /** Added to the address's own query. */
  query?: FormValues | URLSearchParams
  auth?: { user: string; password: string } | { bearer: string }
  /** `manual`: a redirect is the answer, and no error. Default `follow`. */
  redirect?: 'follow' | 'manual'
  /** False: any status is an answer, none an HttpError. */
  throwHttpErrors?: boolean
  signal?: AbortSignal | undefined
}

/** A promise of an answer, with short cuts: `await http.get(url).json()`. */
export interface HttpCall extends Promise<HttpResponse> {
  json<T = unknown>(): Promise<T>
  text(): Promise<string>
  bytes(): Promise<Uint8Array>
}

/** HTTP with the run's cookies. Rejects with HttpError (status outside 200-299), NetworkError or BadAnswerError. */
export interface Http {
  readonly jar: CookieJar
  request(method: string, url: string | URL, options?: RequestOptions): HttpCall
  get(url: string | URL, options?: RequestOptions): HttpCall
  head(url: string | URL, options?: RequestOptions): HttpCall
  post(url: string | URL, options?: RequestOptions): HttpCall
  put(url: string | URL, options?: RequestOptions): HttpCall
  patch(url: string | URL, options?: RequestOptions): HttpCall
  delete(url: string | URL, options?: RequestOptions): HttpCall
  /** The same cookies with other defaults. */
  extend(defaults: HttpDefaults): Http
}

export interface HttpSetup extends HttpDefaults {
  jar?: CookieJar
  /** Stops every request of this client. */
  signal?: AbortSignal | undefined
  /** Default: the global fetch, looked up at each request. */
  fetch?: typeof globalThis.fetch
  now?: () => number
}

/** Several vendors refuse clients without a browser's name. */
export const USER_AGENT = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'

/** @returns an HTTP client; nothing is sent before the first request */
export function createHttp(setup: HttpSetup = {}): Http {
  const jar = setup.jar ?? new CookieJar()

  function request(method: string, url: string | URL, options: RequestOptions = {}): HttpCall {
    const answer = attempts(setup, jar, method.toUpperCase(), url, options)
    return Object.assign(answer, {
      json: <T>() => answer.then(response => response.json<T>()),
      text: () => answer.then(response => response.text()),
      bytes: () => answer.then(response => response.bytes()),
    })
  }

  return {
    jar,
    request,
    get: (url, options) => request('GET', url, options),
    head: (url, options) => request('HEAD', url, options),
    post: (url, options) => request('POST', url, options),
    put: (url, options) => request('PUT', url, options),
    patch: (url, options) => request('PATCH', url, options),
    delete: (url, options) => request('DELETE', url, options),
    extend: defaults => createHttp({ ...setup, ...defaults, jar, headers: { ...setup.headers, ...defaults.headers } }),
  }
}

async function attempts(setup: HttpSetup, jar: CookieJar, method: string, url: string | URL, options: RequestOptions) {
  const hop = firstHop(setup, method, url, options)
  const retries = options.retries ?? setup.retries ?? 0
  for (let attempt = 1; ; attempt++) {
    try {
      return await chain(setup, jar, hop, options)
    } catch (error) {
      if (attempt > retries || !mayRetry(method, hop.body.again, error)) throw error
      const delay = retryDelay(attempt, error, setup.now?.() ?? Date.now())
      if (delay === undefined) throw error
      await pause(delay, anySignal([setup.signal, options.signal]))
    }
  }
}

function firstHop(setup: HttpSetup, method: string, address: string | URL, options: RequestOptions): Hop {
  const url = new URL(address, options.baseUrl ?? setup.baseUrl)
  if (options.query) {
    const query = options.query instanceof URLSearchParams ? options.query : toSearchParams(options.query)
    for (const [name, value] of query) url.searchParams.append(name, value)
  }
  const body = prepareBody(options)
  const headers = new Headers({ 'user-agent': USER_AGENT, accept: '*/*' })
  if (options.json !== undefined) headers.set('accept', 'application/json, text/plain, */*')
  if (body.contentType) headers.set('content-type', body.contentType)
  // fetch refuses addresses with credentials.
  if (url.username !== '' || url.password !== '') {
    headers.set('authorization', basic(decodeURIComponent(url.username), decodeURIComponent(url.password)))
    url.username = ''
    url.password = ''
  }
  if (options.auth) {
    const { auth } = options
    headers.set('authorization', 'bearer' in auth ? `Bearer ${auth.bearer}` : basic(auth.user, auth.password))
  }
  for (const [name, value] of Object.entries({ ...setup.headers, ...options.headers })) {
    if (value === undefined) headers.delete(name)
    else headers.set(name, value)
  }
  return { method, url, headers, body }
}

async function chain(setup: HttpSetup, jar: CookieJar, first: Hop, options: RequestOptions): Promise<HttpResponse> {
  let hop = first
  for (let redirects = 0; ; redirects++) {
    const response = await exchange(setup, jar, hop, options, redirects > 0)
    const next =
      options.redirect === 'manual' ? undefined : nextHop(hop, response.status, response.headers.get('location'))
    if (!next) return finish(response, hop, options)
    await response.discard()
    if (redirects === MAX_REDIRECTS) throw new BadAnswerError(hop.url.href, `more than ${MAX_REDIRECTS} redirects`)
    hop = next
  }
}

async function exchange(
  setup: HttpSetup,
  jar: CookieJar,
  hop: Hop,
  options: RequestOptions,
  redirected: boolean,
): Promise<HttpResponse> {
  const url = hop.url.href
  const timeout = options.timeout ?? setup.timeout ?? 60_000
  const patience = createPatience(
    timeout,
    () => new NetworkError(hop.method, url, 'TIMEOUT', `nothing came for ${timeout / 1000} s`),
  )
  const headers = new Headers(hop.headers)
  const cookies = [hop.headers.get('cookie'), jar.cookieHeader(hop.url)].filter(Boolean).join('; ')
  if (cookies !== '') headers.set('cookie', cookies)
  const init: RequestInit & { duplex?: 'half' } = {
    method: hop.method,
    headers,
    body: hop.body.value,
    redirect: 'manual',
  }
  const signal = anySignal([patience.signal, setup.signal, options.signal])
  if (signal) init.signal = signal
  if (!hop.body.again) init.duplex = 'half'
  const failure = (error: unknown) => (signal?.aborted ? signal.reason : toNetworkError(error, hop.method, url))
  try {
    const response = await (setup.fetch ?? globalThis.fetch)(url, init)
    for (const line of response.headers.getSetCookie()) jar.setCookie(line, hop.url)
    const { status, headers } = response
    return new HttpResponse({ status, headers, url, redirected, body: watchBody(response.body, patience, failure) })
  } catch (error) {
    patience.end()
    throw failure(error)
  }
}

/** As much of an error page as is worth keeping. */
const ERROR_BODY = 65_536

async function finish(response: HttpResponse, hop: Hop, options: RequestOptions): Promise<HttpResponse> {
  const isExpected = response.ok || options.throwHttpErrors === false
  // 304 and 3xx asked for by `redirect: 'manual'` are what the caller wanted to see.
  if (isExpected || (options.redirect === 'manual' && response.status < 400)) return response
  const body = await response.text().catch(() => '')
  throw new HttpError({
    status: response.status,
    method: hop.method,
    url: response.url,
    headers: response.headers,
    body: body.slice(0, ERROR_BODY),
  })
}

function basic(user: string, password: string): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
}

function anySignal(signals: (AbortSignal | undefined)[]): AbortSignal | undefined {
  const given = signals.filter(signal => signal !== undefined)
  return given.length > 1 ? AbortSignal.any(given) : given[0]
}
