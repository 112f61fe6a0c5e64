/** Bytes that `sniff` needs to see. */
export const SNIFFED_BYTES = 1024

const SIGNATURES: [type: string, offset: number, bytes: string][] = [
  ['image/png', 0, '\x89PNG\r\n\x1a\n'],
  ['image/jpeg', 0, '\xff\xd8\xff'],
  ['image/gif', 0, 'GIF8'],
  ['image/webp', 8, 'WEBP'],
  ['image/bmp', 0, 'BM'],
  ['image/tiff', 0, 'II*\0'],
  ['image/tiff', 0, 'MM\0*'],
  ['application/zip', 0, 'PK\x03\x04'],
  ['application/zip', 0, 'PK\x05\x06'],
  ['application/gzip', 0, '\x1f\x8b\x08'],
  ['application/x-7z-compressed', 0, "7z\xbc\xaf'\x1c"],
  ['application/vnd.rar', 0, 'Rar!\x1a\x07'],
  ['application/x-ole-storage', 0, '\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1'],
  ['application/x-tar', 257, 'ustar'],
  ['application/rtf', 0, '{\\rtf'],
  ['audio/mpeg', 0, 'ID3'],
  ['audio/ogg', 0, 'OggS'],
  ['audio/flac', 0, 'fLaC'],
  ['audio/wav', 8, 'WAVE'],
  ['image/heic', 4, 'ftypheic'],
  ['image/avif', 4, 'ftypavif'],
  ['video/quicktime', 4, 'ftypqt'],
  ['video/mp4', 4, 'ftyp'],
  ['video/webm', 0, '\x1a\x45\xdf\xa3'],
]

/**
 * The type that the first bytes of a file betray.
 * @param head the first `SNIFFED_BYTES` bytes, or all there is
 * @returns a mime type (`text/plain` for anything readable, `application/x-ole-storage` for old Office files), or
 *   `undefined` for unknown binary content and for nothing
 */
export function sniff(head: Uint8Array): string | undefined {
  if (head.length === 0) return undefined
  const text = latin1(head.subarray(0, SNIFFED_BYTES))
  // Readers accept bytes before the PDF header, and some vendors send them.
  if (text.includes('%PDF-')) return 'application/pdf'
  for (const [type, offset, bytes] of SIGNATURES) {
    if (text.startsWith(bytes, offset)) return type
  }
  const start = text
    .replace(/^\xef\xbb\xbf/, '')
    .replace(/^(\s|<!--[\s\S]*?-->)+/, '')
    .slice(0, 200)
    .toLowerCase()
  if (/^<(!doctype html|html|head|body|script)[\s>]/.test(start)) return 'text/html'
  if (/^(<\?xml|<svg)[\s>]/.test(start)) {
    if (/<svg[\s>]/i.test(text)) return 'image/svg+xml'
    return /<!doctype html|<html[\s>]/i.test(text) ? 'text/html' : 'application/xml'
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what tells binary from text
  return /[\x00-\x08\x0e-\x1a\x1c-\x1f]/.test(text) ? undefined : 'text/plain'
}

/** Does content that looks like `sniffed` fit a file of this type? Containers are told apart by their name only. */
export function fitsType(sniffed: string | undefined, type: string): boolean {
  if (sniffed === undefined) return false
  if (sniffed === type) return true
  if (sniffed === 'application/zip') return /zip|openxmlformats|opendocument/.test(type)
  if (sniffed === 'application/x-ole-storage') return /^application\/(msword|vnd\.ms-)/.test(type)
  if (sniffed === 'video/mp4') return /^(audio|video)\/(mp4|x-m4a)$|^image\/hei[cf]$/.test(type)
  if (sniffed === 'video/webm') return type === 'video/x-matroska'
  if (/xml|html/.test(sniffed)) return /xml|html|^text\/plain$/.test(type)
  return sniffed === 'text/plain' && /^(text|message)\/|json|javascript|xml|rtf|internet-shortcut/.test(type)
}

/** A web page where a document was promised: what vendors send, with status 200, instead of an error. */
export function isPageInsteadOf(type: string, head: Uint8Array): boolean {
  return sniff(head) === 'text/html' && !/^(text|message)\/|xml|html|json|javascript|octet-stream/.test(type)
}

function latin1(bytes: Uint8Array): string {
  let text = ''
  for (const byte of bytes) text += String.fromCharCode(byte)
  return text
}
