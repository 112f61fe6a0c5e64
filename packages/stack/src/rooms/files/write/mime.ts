import { lookup } from 'mime-types'
import { invalidParameter } from '#ground/http/errors'

/** Where the library's name is another than the one `protocol/files.md` §1 knows a class of, or it has none. */
const BY_EXTENSION: Record<string, string> = {
  '7z': 'application/x-7z-compressed',
  c: 'text/x-c',
  dmg: 'application/x-apple-diskimage',
  exe: 'application/x-msdownload',
  go: 'text/x-go',
  gz: 'application/gzip',
  key: 'application/x-iwork-keynote-sffkey',
  msi: 'application/x-msdownload',
  numbers: 'application/x-iwork-numbers-sffnumbers',
  ofx: 'application/x-ofx',
  pages: 'application/x-iwork-pages-sffpages',
  py: 'text/x-python',
  rar: 'application/x-rar-compressed',
  rb: 'application/x-ruby',
  ts: 'text/plain',
  url: 'application/internet-shortcut',
  xml: 'text/xml',
}

/** Classes that do not follow from the part before the slash. */
const CLASSES: Record<string, string[]> = {
  files: ['application/octet-stream'],
  binary: ['application/x-apple-diskimage', 'application/x-msdownload'],
  code: [
    'text/html',
    'text/css',
    'text/xml',
    'application/js',
    'text/x-c',
    'text/x-go',
    'text/x-python',
    'application/x-ruby',
  ],
  pdf: ['application/pdf'],
  slide: [
    'application/vnd.ms-powerpoint',
    'application/vnd.openxmlformats-officedocument.presentationml.presentation',
    'application/x-iwork-keynote-sffkey',
    'application/vnd.oasis.opendocument.presentation',
    'application/vnd.oasis.opendocument.graphics',
  ],
  spreadsheet: [
    'application/vnd.ms-excel',
    'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
    'application/x-iwork-numbers-sffnumbers',
    'application/vnd.oasis.opendocument.spreadsheet',
  ],
  text: [
    'application/msword',
    'application/vnd.openxmlformats-officedocument.wordprocessingml.document',
    'application/x-iwork-pages-sffpages',
    'application/vnd.oasis.opendocument.text',
  ],
  zip: [
    'application/x-7z-compressed',
    'application/x-rar-compressed',
    'application/zip',
    'application/gzip',
    'application/x-tar',
  ],
  shortcut: ['application/internet-shortcut'],
}
const CLASS_OF = new Map(Object.entries(CLASSES).flatMap(([name, mimes]) => mimes.map(mime => [mime, name])))

const ANY_BYTES = 'application/octet-stream'
const MIME = /^[\w!#$&^.+-]{1,127}\/[\w!#$&^.+-]{1,127}$/

export interface MimeAndClass {
  mime: string
  class: string
}

/**
 * The type of a file (`protocol/files.md` §1): the one given, unchanged but for its parameters; guessed from the name when
 * there is none or it says nothing.
 * @throws JsonApiError 422 for a malformed type
 */
export function fileType(name: string, contentType = ''): MimeAndClass {
  const given = contentType.split(';')[0]!.trim()
  if (given !== '' && !MIME.test(given)) throw invalidParameter('mime', 'Invalid mime type')
  const extension = extensionOf(name)
  const saysNothing = given === '' || given.toLowerCase() === ANY_BYTES
  const mime = extension === 'url' || saysNothing ? guess(extension) : given
  const known = mime.toLowerCase()
  return { mime, class: CLASS_OF.get(known) ?? known.split('/')[0]! }
}

/** Lower case, without its dot; empty when there is none. */
export const extensionOf = (name: string) => /\.([^.]+)$/.exec(name)?.[1]?.toLowerCase() ?? ''

function guess(extension: string): string {
  if (extension === '') return ANY_BYTES
  return (
    (Object.hasOwn(BY_EXTENSION, extension) ? BY_EXTENSION[extension] : undefined) ?? (lookup(extension) || ANY_BYTES)
  )
}
