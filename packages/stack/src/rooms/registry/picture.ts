import { extname } from 'node:path'

const TYPES: Record<string, string> = {
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
  '.gif': 'image/gif',
  '.webp': 'image/webp',
}
const KNOWN = new Set(Object.values(TYPES))

/**
 * Headers under which a picture that somebody else made can be shown from an instance's own address. An SVG may hold scripts:
 * opened by itself it is put in a sandbox that runs none. What is no picture is only ever downloaded.
 * @param name file name, when the type is not said
 */
export function pictureHeaders(name: string, said = ''): Record<string, string> {
  const type = said.replace(/;.*$/s, '').trim().toLowerCase() || TYPES[extname(name).toLowerCase()] || ''
  const shown = KNOWN.has(type) ? type : 'application/octet-stream'
  return {
    'content-type': shown,
    'content-security-policy':
      "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox; frame-ancestors 'none'",
    'x-content-type-options': 'nosniff',
    ...(shown === 'application/octet-stream' && { 'content-disposition': 'attachment' }),
  }
}
