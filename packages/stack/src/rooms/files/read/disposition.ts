/**
 * What a browser may show in place. Anything else is offered for saving, whatever was asked for: what a vendor sent must not
 * run as a page of the instance's origin, where sessions live. SVG and XML can hold scripts and are not here.
 */
const SHOWN = new Set([
  'application/pdf',
  'image/avif',
  'image/bmp',
  'image/gif',
  'image/heic',
  'image/heif',
  'image/jpeg',
  'image/jpg',
  'image/png',
  'image/tiff',
  'image/webp',
  'image/x-icon',
  'image/vnd.microsoft.icon',
  'text/plain',
  'text/csv',
  'application/json',
])
const SHOWN_KINDS = /^(audio|video)\/[\w.+-]+$/

/** A media type that may stand in a header. */
const MIME = /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+$/

/** The type to send: the stored one, or that of any bytes when it is none. */
export const safeMime = (mime: string) => (MIME.test(mime) ? mime.toLowerCase() : 'application/octet-stream')

/** @param mime as `safeMime` gives it */
export const mayBeShown = (mime: string) => SHOWN.has(mime) || SHOWN_KINDS.test(mime)

/**
 * The policy of a content opened by itself: no script, no form, an origin of its own. A PDF has the same without `sandbox`,
 * under which browsers refuse to start their viewer; it is shown outside of our origin anyway, and `nosniff` keeps it a PDF.
 */
export function contentPolicy(mime: string): string {
  const nothing = "default-src 'none'; img-src 'self' data:; media-src 'self'; style-src 'unsafe-inline'"
  return mime === 'application/pdf' ? `${nothing}; object-src 'self'` : `${nothing}; sandbox`
}

/**
 * `Content-Disposition` (RFC 6266): the name in ASCII for old browsers, and whole as RFC 8187 writes it when that differs.
 * Nothing a name may hold ends the header or the quotes.
 */
export function contentDisposition(name: string, kind: 'inline' | 'attachment'): string {
  const wellFormed = name.toWellFormed()
  const ascii = wellFormed
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/[^\x20-\x7e]/gu, '_')
    .replace(/["\\%/;]/g, '_')
  const plain = `${kind}; filename="${ascii}"`
  return ascii === wellFormed ? plain : `${plain}; filename*=UTF-8''${encodeExtended(wellFormed)}`
}

/** RFC 8187 `attr-char`; `encodeURIComponent` leaves five characters that are none. */
function encodeExtended(text: string): string {
  return encodeURIComponent(text).replace(/['()*]/g, char => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
}
