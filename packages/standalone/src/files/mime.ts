import { invalidParameter } from '../http/errors.ts'

/** What konnectors bring, and what is beside it on an author's disk. Others are `application/octet-stream`. */
const BY_EXTENSION: Record<string, string> = {
  '7z': 'application/x-7z-compressed',
  aac: 'audio/aac',
  asc: 'text/plain',
  avi: 'video/x-msvideo',
  avif: 'image/avif',
  bmp: 'image/bmp',
  bz2: 'application/x-bzip2',
  css: 'text/css',
  csv: 'text/csv',
  dmg: 'application/x-apple-diskimage',
  doc: 'application/msword',
  docx: 'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
  eml: 'message/rfc822',
  epub: 'application/epub+zip',
  exe: 'application/x-msdownload',
  flac: 'audio/flac',
  gif: 'image/gif',
  gpx: 'application/gpx+xml',
  gz: 'application/gzip',
  heic: 'image/heic',
  htm: 'text/html',
  html: 'text/html',
  ics: 'text/calendar',
  jpeg: 'image/jpeg',
  jpg: 'image/jpeg',
  js: 'text/javascript',
  json: 'application/json',
  key: 'application/x-iwork-keynote-sffkey',
  m4a: 'audio/mp4',
  md: 'text/markdown',
  mkv: 'video/x-matroska',
  mov: 'video/quicktime',
  mp3: 'audio/mpeg',
  mp4: 'video/mp4',
  mpeg: 'video/mpeg',
  numbers: 'application/x-iwork-numbers-sffnumbers',
  odg: 'application/vnd.oasis.opendocument.graphics',
  odp: 'application/vnd.oasis.opendocument.presentation',
  ods: 'application/vnd.oasis.opendocument.spreadsheet',
  odt: 'application/vnd.oasis.opendocument.text',
  ofx: 'application/x-ofx',
  ogg: 'audio/ogg',
  pages: 'application/x-iwork-pages-sffpages',
  pdf: 'application/pdf',
  png: 'image/png',
  ppt: 'application/vnd.ms-powerpoint',
  pptx: 'application/vnd.openxmlformats-officedocument.presentationml.presentation',
  py: 'text/x-python',
  rar: 'application/x-rar-compressed',
  rtf: 'application/rtf',
  svg: 'image/svg+xml',
  tar: 'application/x-tar',
  tif: 'image/tiff',
  tiff: 'image/tiff',
  tsv: 'text/tab-separated-values',
  txt: 'text/plain',
  url: 'application/internet-shortcut',
  vcf: 'text/vcard',
  wav: 'audio/wav',
  webm: 'video/webm',
  webp: 'image/webp',
  xls: 'application/vnd.ms-excel',
  xlsx: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
  xml: 'text/xml',
  yaml: 'application/yaml',
  yml: 'application/yaml',
  zip: 'application/zip',
}

/** Classes that do not follow from the part before the slash (`protocol/files.md` section 1). */
const CLASSES: Record<string, string> = {
  'application/octet-stream': 'files',
  'application/x-apple-diskimage': 'binary',
  'application/x-msdownload': 'binary',
  'text/html': 'code',
  'text/css': 'code',
  'text/xml': 'code',
  'application/js': 'code',
  'text/x-c': 'code',
  'text/x-go': 'code',
  'text/x-python': 'code',
  'application/x-ruby': 'code',
  'application/pdf': 'pdf',
  'application/vnd.ms-powerpoint': 'slide',
  'application/vnd.openxmlformats-officedocument.presentationml.presentation': 'slide',
  'application/x-iwork-keynote-sffkey': 'slide',
  'application/vnd.oasis.opendocument.presentation': 'slide',
  'application/vnd.oasis.opendocument.graphics': 'slide',
  'application/vnd.ms-excel': 'spreadsheet',
  'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet': 'spreadsheet',
  'application/x-iwork-numbers-sffnumbers': 'spreadsheet',
  'application/vnd.oasis.opendocument.spreadsheet': 'spreadsheet',
  'application/msword': 'text',
  'application/vnd.openxmlformats-officedocument.wordprocessingml.document': 'text',
  'application/x-iwork-pages-sffpages': 'text',
  'application/vnd.oasis.opendocument.text': 'text',
  'application/x-7z-compressed': 'zip',
  'application/x-rar-compressed': 'zip',
  'application/zip': 'zip',
  'application/gzip': 'zip',
  'application/x-tar': 'zip',
  'application/internet-shortcut': 'shortcut',
}

export interface MimeAndClass {
  mime: string
  class: string
}

/**
 * The type of a file: the one given, without its parameters; guessed from the name when there is none or it says nothing.
 *
 * @throws ApiError 422 for a malformed type
 */
export function fileType(name: string, contentType = ''): MimeAndClass {
  const extension = /\.([^.]+)$/.exec(name)?.[1]?.toLowerCase() ?? ''
  let mime = contentType.split(';')[0]!.trim().toLowerCase()
  if (mime !== '' && !/^[\w!#$&^.+-]+\/[\w!#$&^.+-]+$/.test(mime))
    throw invalidParameter('mime', `The MIME type ${JSON.stringify(mime)} is invalid`)
  if (extension === 'url') mime = 'application/internet-shortcut'
  else if (mime === '' || mime === 'application/octet-stream') {
    mime = (Object.hasOwn(BY_EXTENSION, extension) ? BY_EXTENSION[extension] : undefined) ?? 'application/octet-stream'
  }
  return { mime, class: CLASSES[mime] ?? mime.split('/')[0]! }
}
