import type { Cookie } from './cookie.ts'

/**
 * A jar as tough-cookie 2.5 writes it: the format of sessions kept on accounts (`sdk/exports.md` section 4).
 * Extra members that newer versions write are ignored when read.
 */
export interface SerializedJar {
  version: string
  storeType: string
  rejectPublicSuffixes: boolean
  cookies: SerializedCookie[]
  [other: string]: unknown
}

/** Only what differs from the defaults is written. Dates are ISO 8601. */
export interface SerializedCookie {
  key?: string
  value?: string
  expires?: string
  maxAge?: number | 'Infinity' | '-Infinity'
  domain?: string
  path?: string
  secure?: boolean
  httpOnly?: boolean
  extensions?: string[]
  hostOnly?: boolean
  pathIsDefault?: boolean
  creation?: string
  lastAccessed?: string
  [other: string]: unknown
}

export function serializeJar(cookies: Cookie[]): SerializedJar {
  return {
    version: 'tough-cookie@2.5.0',
    storeType: 'MemoryCookieStore',
    rejectPublicSuffixes: true,
    cookies: cookies.map(serializeCookie),
  }
}

function serializeCookie(cookie: Cookie): SerializedCookie {
  return {
    ...(cookie.key === '' ? {} : { key: cookie.key }),
    ...(cookie.value === '' ? {} : { value: cookie.value }),
    ...(cookie.expires === undefined ? {} : { expires: new Date(cookie.expires).toISOString() }),
    ...(cookie.maxAge === undefined ? {} : { maxAge: cookie.maxAge }),
    domain: cookie.domain,
    path: cookie.path,
    ...(cookie.secure ? { secure: true } : {}),
    ...(cookie.httpOnly ? { httpOnly: true } : {}),
    ...(cookie.extensions.length > 0 ? { extensions: cookie.extensions } : {}),
    hostOnly: cookie.hostOnly,
    ...(cookie.pathIsDefault ? { pathIsDefault: true } : {}),
    creation: new Date(cookie.creation).toISOString(),
    lastAccessed: new Date(cookie.lastAccessed).toISOString(),
  }
}

/**
 * @param json a serialised jar: the object, or its JSON text (also one that was serialised twice, which 2.x konnectors wrote)
 * @returns its cookies; those without a domain are left out
 * @throws TypeError when it is not a jar
 */
export function deserializeJar(json: unknown, now: number): Cookie[] {
  let jar: unknown = json
  for (let i = 0; i < 2 && typeof jar === 'string'; i++) jar = JSON.parse(jar)
  const list = typeof jar === 'object' && jar !== null && 'cookies' in jar ? jar.cookies : undefined
  if (!Array.isArray(list)) throw new TypeError('not a serialised cookie jar: it has no list of cookies')
  return list.flatMap(item => {
    const cookie = deserializeCookie(item as SerializedCookie, now)
    return cookie ? [cookie] : []
  })
}

function deserializeCookie(item: SerializedCookie | null, now: number): Cookie | undefined {
  if (!item || typeof item.domain !== 'string' || item.domain === '') return undefined
  const date = (text: unknown): number | undefined => {
    const time = typeof text === 'string' ? Date.parse(text) : Number.NaN
    return Number.isNaN(time) ? undefined : time
  }
  const expires = date(item.expires)
  return {
    key: item.key ?? '',
    value: item.value ?? '',
    domain: item.domain,
    path: item.path ?? '/',
    hostOnly: item.hostOnly ?? false,
    pathIsDefault: item.pathIsDefault ?? false,
    secure: item.secure ?? false,
    httpOnly: item.httpOnly ?? false,
    ...(expires === undefined ? {} : { expires }),
    ...maxAgeOf(item),
    // Newer tough-cookie keeps SameSite apart.
    extensions: [
      ...(item.extensions ?? []),
      ...(typeof item.sameSite === 'string' ? [`SameSite=${item.sameSite}`] : []),
    ],
    creation: date(item.creation) ?? now,
    lastAccessed: date(item.lastAccessed) ?? now,
  }
}

function maxAgeOf(item: SerializedCookie): { maxAge?: number } {
  if (typeof item.maxAge === 'number') return { maxAge: item.maxAge }
  return item.maxAge === '-Infinity' ? { maxAge: 0 } : {}
}
