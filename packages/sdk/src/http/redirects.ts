import { BadAnswerError } from './http-errors.ts'
import type { PreparedBody } from './request-body.ts'

/** As many as the fetch standard's browsers would find too many, times one half; the older library's limit. */
export const MAX_REDIRECTS = 10

/** One request of a chain. */
export interface Hop {
  method: string
  url: URL
  headers: Headers
  body: PreparedBody
}

/**
 * The request that follows a redirect, by the rules of the fetch standard; undefined when the answer is not a redirect.
 * `authorization` (and `cookie`, if the author set one) is not told to another host, nor over http what was said over https.
 *
 * @throws BadAnswerError for an address that is none, and for a body that cannot be sent twice
 */
export function nextHop(hop: Hop, status: number, location: string | null): Hop | undefined {
  if (![301, 302, 303, 307, 308].includes(status) || location === null) return undefined
  let url: URL
  try {
    url = new URL(location, hop.url)
  } catch {
    throw new BadAnswerError(hop.url.href, 'redirected to something that is not an address')
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new BadAnswerError(
      hop.url.href,
      `redirected to a ${url.protocol} address: ask with redirect: 'manual' to read it`,
    )
  }
  if (url.hash === '') url.hash = hop.url.hash

  const headers = new Headers(hop.headers)
  if (url.host !== hop.url.host || (hop.url.protocol === 'https:' && url.protocol === 'http:')) {
    for (const name of ['authorization', 'cookie', 'proxy-authorization', 'host']) headers.delete(name)
  }
  const becomesGet =
    status === 303
      ? hop.method !== 'GET' && hop.method !== 'HEAD'
      : (status === 301 || status === 302) && hop.method === 'POST'
  if (becomesGet) {
    for (const name of ['content-type', 'content-length', 'content-encoding', 'content-language', 'content-location']) {
      headers.delete(name)
    }
    return { method: 'GET', url, headers, body: { value: null, again: true } }
  }
  if (!hop.body.again)
    throw new BadAnswerError(hop.url.href, 'redirected while sending a stream, which cannot be sent twice')
  return { method: hop.method, url, headers, body: hop.body }
}
