import heavy from '../heavy.cjs'
import { DEFAULT_USER_AGENT } from './user-agent.ts'

// biome-ignore lint/suspicious/noExplicitAny: every option of the HTTP library, and unknown ones, pass through
type AnyOptions = Record<string, any>

/**
 * Defaults of requestFactory under the caller's options (exports.md section 5, "Factory options").
 * `cheerio: true` forces `json: false`: a page that was parsed as JSON could not be loaded.
 */
export function mergeDefaultOptions(options: AnyOptions = {}): AnyOptions {
  const forced = options.cheerio === true ? { json: false } : {}
  return {
    debug: false,
    json: true,
    cheerio: false,
    headers: {},
    followAllRedirects: true,
    ...options,
    ...forced,
  }
}

/**
 * Turns merged factory options into request options: `cheerio` becomes a transform, `userAgent` a header.
 * @throws {TypeError} when `headers` is undefined
 */
export function getRequestOptions({ cheerio, userAgent, ...options }: AnyOptions): AnyOptions {
  const given = options.headers['User-Agent']
  if (cheerio) {
    const agent = given || (userAgent === false ? undefined : DEFAULT_USER_AGENT)
    return { ...options, transform: transformWithCheerio, headers: { ...options.headers, 'User-Agent': agent } }
  }
  return { ...options, headers: { ...options.headers, 'User-Agent': userAgent ? DEFAULT_USER_AGENT : given } }
}

/**
 * @param body page as text or Buffer
 * @param response the response it came with
 * @param resolveWithFullResponse true: resolve with a copy of the response whose `body` is the page
 * @returns `$`, or that copy
 */
// biome-ignore lint/suspicious/noExplicitAny: `$` and responses are untyped in the compatible API
export function transformWithCheerio(body: any, response?: any, resolveWithFullResponse?: boolean): any {
  const $ = heavy.cheerio().load(body)
  if (!resolveWithFullResponse) return $
  // `headers` and `trailers` are getters of the prototype since Node 15, which a spread leaves behind (FIX-6).
  return { ...response, headers: response?.headers, trailers: response?.trailers, body: $ }
}
