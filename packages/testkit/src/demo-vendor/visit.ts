import type { IncomingMessage } from 'node:http'
import type { Language } from './format.ts'
import type { Behaviour } from './modes.ts'
import { SESSION_COOKIE, type Session } from './sessions.ts'
import type { VendorState } from './state.ts'

export interface CookieAttributes {
  path?: string
  httpOnly?: boolean
  /** Seconds. */
  maxAge?: number
  /** Days from now, real time: it is the client who judges the date. */
  expiresInDays?: number
}

/** One request, parsed, with what routes need to answer it. */
export interface Visit {
  state: VendorState
  method: string
  path: string
  query: URLSearchParams
  /** Fields of an urlencoded body; empty for others. */
  form: URLSearchParams
  headers: IncomingMessage['headers']
  cookies: Record<string, string>
  /** Values of the `:name` parts of the route's pattern. */
  params: Record<string, string>
  /** `http://<host the client used>` */
  origin: string
  language: Language
  /** French or English text, after the visitor's language. */
  say(french: string, english: string): string
  has(behaviour: Behaviour): boolean
  setCookie(name: string, value: string, attributes?: CookieAttributes): void
  /** The visitor's session, made (with its cookie) when there is none. */
  session(): Session
}

/** Cookies of the header by name; the first of two with one name wins, as browsers send the closer path first. */
function parseCookies(header: string | undefined): Record<string, string> {
  const cookies: Record<string, string> = {}
  for (const part of (header ?? '').split(';')) {
    const at = part.indexOf('=')
    if (at > 0) cookies[part.slice(0, at).trim()] ??= part.slice(at + 1).trim()
  }
  return cookies
}

export function createVisit(
  request: IncomingMessage,
  body: string,
  state: VendorState,
  has: Visit['has'],
): { visit: Visit; setCookies: string[] } {
  const origin = `http://${request.headers.host ?? 'demo-vendor.test'}`
  const url = new URL(request.url ?? '/', origin)
  const setCookies: string[] = []
  const cookies = parseCookies(request.headers.cookie)
  const isForm = request.headers['content-type']?.startsWith('application/x-www-form-urlencoded') ?? false
  let session = state.sessions.find(cookies[SESSION_COOKIE])
  const wanted = url.searchParams.get('lang') ?? session?.language ?? cookies.lang
  const language: Language = wanted === 'en' ? 'en' : 'fr'

  const visit: Visit = {
    state,
    method: request.method === 'HEAD' ? 'GET' : (request.method ?? 'GET'),
    path: url.pathname,
    query: url.searchParams,
    form: new URLSearchParams(isForm ? body : ''),
    headers: request.headers,
    cookies,
    params: {},
    origin,
    language,
    say: (french, english) => (language === 'fr' ? french : english),
    has,
    setCookie(name, value, { path = '/', httpOnly, maxAge, expiresInDays } = {}) {
      const parts = [`${name}=${value}`, `Path=${path}`]
      if (httpOnly) parts.push('HttpOnly', 'SameSite=Lax')
      if (maxAge !== undefined) parts.push(`Max-Age=${maxAge}`)
      if (expiresInDays !== undefined) {
        parts.push(`Expires=${new Date(Date.now() + expiresInDays * 86_400_000).toUTCString()}`)
      }
      setCookies.push(parts.join('; '))
    },
    session() {
      if (!session) {
        session = state.sessions.create()
        visit.setCookie(SESSION_COOKIE, session.id, { httpOnly: true })
      }
      return session
    },
  }
  return { visit, setCookies }
}
