/**
 * The types of the files that vendors hand out. A name whose extension is not here is stored without a check of its
 * type. First type: the one we write; the others are written for the same thing and accepted when a vendor says so.
 */
const TYPES: Record<string, string> = {
  pdf: 'application/pdf application/x-pdf',
  png: 'image/png',
  jpg: 'image/jpeg image/jpg image/pjpeg',
  jpeg: 'image/jpeg image/jpg image/pjpeg',
  gif: 'image/gif',
  webp: 'image/webp',
  svg: 'image/svg+xml',
  bmp: 'image/bmp image/x-ms-bmp',
  tif: 'image/tiff',
  tiff: 'image/tiff',
  heic: 'image/heic',
  heif: 'image/heif',
  avif: 'image/avif',
  ico: 'image/vnd.microsoft.icon image/x-icon',
  txt: 'text/plain',
  log: 'text/plain',
  csv: 'text/csv application/csv text/comma-separated-values',
  html: 'text/html application/xhtml+xml',
  htm: 'text/html application/xhtml+xml',
  xhtml: 'application/xhtml+xml',
  css: 'text/css',
  md: 'text/markdown',
  ics: 'text/calendar',
  vcf: 'text/vcard text/x-vcard',
  xml: 'application/xml text/xml',
  json: 'application/json text/json',
  js: 'application/javascript text/javascript',
  eml: 'message/rfc822',
  rtf: 'application/rtf text/rtf',
  zip: 'application/zip application/x-zip-compressed',
  gz: 'application/gzip application/x-gzip',
  tar: 'application/x-tar',
  '7z': 'application/x-7z-compressed',
  rar: 'application/vnd.rar application/x-rar-compressed',
  doc: 'application/msword',
  xls: 'application/vnd.ms-excel',
  ppt: 'application/vnd.ms-powerpoint',
  docx: 'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
  xlsx: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
  pptx: 'application/vnd.openxmlformats-officedocument.presentationml.presentation',
  odt: 'application/vnd.oasis.opendocument.text',
  ods: 'application/vnd.oasis.opendocument.spreadsheet',
  odp: 'application/vnd.oasis.opendocument.presentation',
  epub: 'application/epub+zip',
  mp3: 'audio/mpeg audio/mp3',
  m4a: 'audio/mp4 audio/x-m4a',
  wav: 'audio/wav audio/x-wav audio/wave',
  ogg: 'audio/ogg',
  flac: 'audio/flac audio/x-flac',
  mp4: 'video/mp4',
  mov: 'video/quicktime',
  webm: 'video/webm',
  mkv: 'video/x-matroska',
  avi: 'video/x-msvideo',
}

/** All types accepted for this name; `[]` for a name without extension or with an unknown one. */
export function typesOfName(name: string): string[] {
  const extension = /\.([^./]+)$/.exec(name)?.[1]?.toLowerCase()
  const types = extension === undefined || !Object.hasOwn(TYPES, extension) ? undefined : TYPES[extension]
  return types?.split(' ') ?? []
}

/** The type of this name, or `undefined`. */
export function typeOfName(name: string): string | undefined {
  return typesOfName(name)[0]
}

/** The type of this name as a header: with a charset for text. */
export function contentTypeOfName(name: string): string | undefined {
  const type = typeOfName(name)
  return type !== undefined && /^text\/|\/(json|javascript)$/.test(type) ? `${type}; charset=utf-8` : type
}

/** True for what can be written as a string without loss. */
export function isTextual(type: string): boolean {
  return /^text\/|[/+](json|xml|javascript|rtf)$|^message\//.test(type)
}

/** `text/html; charset=x` → `text/html`. */
export function bareType(contentType: string): string {
  return (contentType.split(';')[0] ?? '').trim().toLowerCase()
}
