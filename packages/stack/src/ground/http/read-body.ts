import type { Readable } from 'node:stream'
import { badRequest, HttpError } from './errors.ts'

/** Bytes of a JSON body unless the route says otherwise: twice what CouchDB takes for one document. */
export const BODY_LIMIT = 16 * 1024 * 1024
/** Deeper JSON is nobody's document; PostgreSQL's own parser gives up (and the statement with it) at some thousands. */
export const DEPTH_LIMIT = 256

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** Reads a body whole. @throws HttpError 413 over the limit, 400 when it breaks off */
export async function readBytes(stream: Readable, limit: number, announced?: string): Promise<Buffer> {
  if (Number(announced) > limit) throw tooLarge(limit)
  const chunks: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      size += chunk.length
      if (size > limit) throw tooLarge(limit)
      chunks.push(chunk)
    }
  } catch (error) {
    if (error instanceof HttpError) throw error
    throw new HttpError(400, 'The body broke off')
  }
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)
}

const tooLarge = (limit: number) => new HttpError(413, `The body is larger than ${limit} bytes`)

/** Bytes as text. @throws JsonApiError 400 when they are not UTF-8 */
export function decodeText(bytes: Buffer): string {
  try {
    return utf8.decode(bytes)
  } catch {
    throw badRequest('the body is not valid UTF-8')
  }
}

/**
 * Bytes as JSON; undefined for none.
 * @throws JsonApiError 400 for broken JSON, for one nested deeper than `DEPTH_LIMIT`, for numbers that are none (`1e999`)
 */
export function parseJson(bytes: Buffer): unknown {
  if (bytes.length === 0) return undefined
  const text = decodeText(bytes)
  assertDepth(text)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw badRequest('JSON input is malformed or is missing mandatory fields')
  }
  // Only an exponent of three digits leaves the range of a double; looking for one is cheaper than walking every body.
  if (/\d[eE]\+?\d{3}|\d{309}/.test(text)) assertFinite(value)
  return value
}

function assertDepth(text: string): void {
  let depth = 0
  let inText = false
  for (let at = 0; at < text.length; at++) {
    const char = text.charCodeAt(at)
    if (inText) {
      if (char === 0x5c) at++
      else if (char === 0x22) inText = false
    } else if (char === 0x22) inText = true
    else if (char === 0x7b || char === 0x5b) {
      if (++depth > DEPTH_LIMIT) throw badRequest(`JSON is nested deeper than ${DEPTH_LIMIT} levels`)
    } else if (char === 0x7d || char === 0x5d) depth--
  }
}

function assertFinite(value: unknown): void {
  if (typeof value === 'number' && !Number.isFinite(value)) throw badRequest('a number is out of range')
  if (typeof value === 'object' && value !== null) for (const item of Object.values(value)) assertFinite(item)
}
