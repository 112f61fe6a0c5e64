import { decodeBody, fileType, textOf } from './bodies.ts'
import { type Exchange, type ExchangeError, headerOf, headerPairs } from './exchange.ts'
import { placeholderFile } from './placeholder-files.ts'
import type { Dictionary } from './scrub/dictionary.ts'
import { cookiePairs } from './scrub/learn.ts'

interface NameValue {
  name: string
  value: string
}

/** One entry of a HAR 1.2 file (http://www.softwareishard.com/blog/har-12-spec/). Names with `_` are ours. */
export interface HarEntry {
  startedDateTime: string
  time: number
  request: {
    method: string
    url: string
    httpVersion: string
    cookies: NameValue[]
    headers: NameValue[]
    queryString: NameValue[]
    postData?: { mimeType: string; text: string; _binary?: true }
    headersSize: number
    bodySize: number
  }
  response: {
    status: number
    statusText: string
    httpVersion: string
    cookies: NameValue[]
    headers: NameValue[]
    content: {
      size: number
      mimeType: string
      text?: string
      encoding?: 'base64'
      comment?: string
      _charset?: 'latin1'
    }
    redirectURL: string
    headersSize: number
    bodySize: number
  }
  cache: Record<string, never>
  timings: { send: number; wait: number; receive: number }
  _aborted?: true
  _error?: ExchangeError
}

/** What a replay needs beside the entries. */
export interface RecordingInfo {
  /** ISO 8601: the replayed konnector believes it is this time. */
  recordedAt: string
  timeZone: string
  /** The values that stand for the config's fields, and the other parameters as they were. */
  fields: Record<string, unknown>
  /** How the recorded run ended: `done`, or its error code. */
  outcome: string
  slug?: string
  /** What stands for the codes that were typed, in order. */
  twoFactorCodes?: string[]
}

export interface Har {
  log: {
    version: '1.2'
    creator: { name: string; version: string }
    entries: HarEntry[]
    _konnectory: RecordingInfo
  }
}

const COOKIE_HEADERS = new Set(['cookie', 'set-cookie'])

/**
 * @param number position in the recording, from 1
 * @param keepFiles keep binary bodies as they are instead of a small file of the same type
 * @returns the exchange without anything that `dictionary` has learned
 */
export function harEntry(exchange: Exchange, dictionary: Dictionary, number: number, keepFiles: boolean): HarEntry {
  const url = dictionary.scrub(exchange.url)
  const requestHeaders = scrubHeaders(exchange.requestHeaders, dictionary)
  // Bodies are stored decoded, as browsers do, so the encoding and the length of the wire no longer hold.
  const responseHeaders = scrubHeaders(exchange.responseHeaders, dictionary).filter(
    ({ name }) => !/^content-(?:encoding|length)$/i.test(name),
  )
  const requestType = dictionary.scrub(headerOf(exchange.requestHeaders, 'content-type'))
  const responseType = dictionary.scrub(headerOf(exchange.responseHeaders, 'content-type'))
  const requestText = textOf(
    decodeBody(exchange.requestBody, headerOf(exchange.requestHeaders, 'content-encoding')),
    requestType,
  )
  return {
    startedDateTime: new Date(exchange.startedAt).toISOString(),
    time: exchange.duration,
    request: {
      method: exchange.method,
      url,
      httpVersion: 'HTTP/1.1',
      cookies: cookiesOf(requestHeaders),
      headers: requestHeaders,
      queryString: [...new URL(url).searchParams].map(([name, value]) => ({ name, value })),
      ...(exchange.requestBody.length === 0
        ? {}
        : {
            postData: requestText
              ? { mimeType: requestType, text: dictionary.scrub(requestText.text) }
              : { mimeType: requestType, text: '', _binary: true as const },
          }),
      headersSize: -1,
      bodySize: exchange.requestBody.length,
    },
    response: {
      status: exchange.status,
      statusText: exchange.statusText,
      httpVersion: 'HTTP/1.1',
      cookies: cookiesOf(responseHeaders),
      headers: responseHeaders,
      content: content(exchange, responseType, dictionary, number, keepFiles),
      redirectURL: dictionary.scrub(headerOf(exchange.responseHeaders, 'location')),
      headersSize: -1,
      bodySize: exchange.responseBody.length,
    },
    cache: {},
    timings: { send: 0, wait: exchange.duration, receive: 0 },
    ...(exchange.aborted ? { _aborted: true as const } : {}),
    ...(exchange.error ? { _error: { ...exchange.error, message: dictionary.scrub(exchange.error.message) } } : {}),
  }
}

function content(
  exchange: Exchange,
  mimeType: string,
  dictionary: Dictionary,
  number: number,
  keepFiles: boolean,
): HarEntry['response']['content'] {
  const body = decodeBody(exchange.responseBody, headerOf(exchange.responseHeaders, 'content-encoding'))
  if (body.length === 0) return { size: 0, mimeType }
  const text = textOf(body, mimeType)
  if (text) {
    const scrubbed = dictionary.scrub(text.text)
    const charset = text.charset === 'latin1' ? { _charset: 'latin1' as const } : {}
    return { size: Buffer.byteLength(scrubbed, text.charset), mimeType, text: scrubbed, ...charset }
  }
  const kept = keepFiles ? body : placeholderFile(fileType(body), number)
  const comment = keepFiles ? {} : { comment: `stands for a file of ${body.length} bytes` }
  return { size: kept.length, mimeType, text: kept.toString('base64'), encoding: 'base64', ...comment }
}

function scrubHeaders(headers: string[], dictionary: Dictionary): NameValue[] {
  return headerPairs(headers).map(([name, value]) => ({
    name,
    value: scrubHeader(name.toLowerCase(), value, dictionary),
  }))
}

function scrubHeader(name: string, value: string, dictionary: Dictionary): string {
  if (!COOKIE_HEADERS.has(name)) return dictionary.scrub(value)
  // A short cookie value is not looked for in texts, but here its place is known.
  let scrubbed = value
  for (const [cookie, secret] of cookiePairs(name, value)) {
    const placeholder = dictionary.get(secret.replace(/^"(.*)"$/, '$1'))
    if (placeholder !== undefined) scrubbed = scrubbed.replace(`${cookie}=${secret}`, () => `${cookie}=${placeholder}`)
  }
  return dictionary.scrub(scrubbed)
}

function cookiesOf(headers: NameValue[]): NameValue[] {
  return headers
    .filter(({ name }) => COOKIE_HEADERS.has(name.toLowerCase()))
    .flatMap(({ name, value }) => cookiePairs(name.toLowerCase(), value))
    .map(([name, value]) => ({ name, value }))
}

/** @returns the bytes of an entry's answer */
export function bodyOf({ response: { content } }: HarEntry, replace = (text: string): string => text): Buffer {
  if (content.text === undefined) return Buffer.alloc(0)
  if (content.encoding === 'base64') return Buffer.from(content.text, 'base64')
  return Buffer.from(replace(content.text), content._charset ?? 'utf8')
}
