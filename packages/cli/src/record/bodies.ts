import { brotliDecompressSync, constants, gunzipSync, inflateRawSync, inflateSync } from 'node:zlib'

/** A text with the charset that turns it back into the same bytes. */
export interface Text {
  text: string
  charset: 'utf8' | 'latin1'
}

/** @returns the body without its `Content-Encoding`; as it is when the encoding is unknown or a lie. */
export function decodeBody(body: Buffer, encoding: string): Buffer {
  // A partial answer (the konnector went away) decodes as far as it goes.
  const partial = { finishFlush: constants.Z_SYNC_FLUSH }
  try {
    switch (encoding.trim().toLowerCase()) {
      case 'gzip':
      case 'x-gzip':
        return gunzipSync(body, partial)
      case 'deflate':
        return (body[0]! & 0x0f) === 8 ? inflateSync(body, partial) : inflateRawSync(body, partial)
      case 'br':
        return brotliDecompressSync(body, { finishFlush: constants.BROTLI_OPERATION_FLUSH })
      default:
        return body
    }
  } catch {
    return body // Vendors do announce gzip and send plain text; clients differ in what they make of it.
  }
}

/** @returns the text of a body, or undefined for binary content. The bytes decide; the type only for old charsets. */
export function textOf(body: Buffer, contentType: string): Text | undefined {
  if (fileType(body)) return undefined
  if (!body.includes(0)) {
    const text = body.toString('utf8')
    if (Buffer.from(text).equals(body)) return { text, charset: 'utf8' }
    if (/^(?:text\/|multipart\/)|json|xml|javascript|x-www-form-urlencoded/i.test(contentType))
      return { text: body.toString('latin1'), charset: 'latin1' }
  }
  return undefined
}

const SIGNATURES: [type: string, bytes: Buffer, offset: number][] = [
  ['pdf', Buffer.from('%PDF-'), 0],
  ['png', Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), 0],
  ['jpeg', Buffer.from([0xff, 0xd8, 0xff]), 0],
  ['gif', Buffer.from('GIF8'), 0],
  ['webp', Buffer.from('WEBP'), 8],
  ['zip', Buffer.from('PK\x03\x04', 'latin1'), 0],
  ['zip', Buffer.from('PK\x05\x06', 'latin1'), 0],
]

/** @returns the kind of file that the first bytes tell, undefined when they tell none. */
export function fileType(body: Buffer): string | undefined {
  return SIGNATURES.find(([, bytes, offset]) => body.subarray(offset, offset + bytes.length).equals(bytes))?.[0]
}

const ENTITIES: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: '\u00a0' }

/** @returns the text with numeric and the common named HTML entities decoded. */
export function decodeEntities(text: string): string {
  return text.replace(/&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|(\w{2,8}));/gi, (found, decimal, hex, name) => {
    if (name) return ENTITIES[name.toLowerCase()] ?? found
    const code = decimal ? Number(decimal) : Number.parseInt(hex, 16)
    return code <= 0x10ffff ? String.fromCodePoint(code) : found
  })
}
