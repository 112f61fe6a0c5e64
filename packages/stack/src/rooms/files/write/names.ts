import { invalidParameter } from '#ground/http/errors'
import { absolutePath } from '../read/page-query.ts'

/** Directories one below the other (`protocol/files.md` §1). */
const MAX_DEPTH = 512
/** In UTF-8. The index of names has no room for entries of more than 2,700 bytes; file systems end at 255. */
const MAX_NAME_BYTES = 1000
/**
 * Of a directory. Paths are in an index too. Going to the trash and back may add some bytes to a path that was good, so that
 * this stays away from the index's own limit.
 */
const MAX_PATH_BYTES = 2500

/**
 * Whether a name is one (`protocol/files.md` §1); nothing is trimmed or normalised.
 * @throws JsonApiError 422
 */
export function checkName(name: string): string {
  const illegal = name === '' || name === '.' || name === '..' || /[/\0\n\r]/.test(name) || !name.isWellFormed()
  if (illegal) throw invalidParameter('name', 'Invalid filename: empty or contains an illegal character')
  if (Buffer.byteLength(name) > MAX_NAME_BYTES) {
    throw invalidParameter('name', `Invalid filename: longer than ${MAX_NAME_BYTES} bytes`)
  }
  return name
}

/** @throws JsonApiError 422 for the path of a directory that would be too deep or too long */
export function checkPath(path: string): string {
  if (path.split('/').length - 1 > MAX_DEPTH) {
    throw invalidParameter('path', `Path is deeper than ${MAX_DEPTH} components`)
  }
  if (Buffer.byteLength(path) > MAX_PATH_BYTES)
    throw invalidParameter('path', `Path is longer than ${MAX_PATH_BYTES} bytes`)
  return path
}

/** Names from the root down to what a path means, `[]` for the root. @throws JsonApiError 400 for a relative path, 422 */
export function pathComponents(path: string): string[] {
  const absolute = checkPath(absolutePath(path))
  return absolute === '/' ? [] : absolute.slice(1).split('/').map(checkName)
}

/** `base` and `.ext`; a name that only begins with a dot has no extension. */
export function splitName(name: string): [base: string, extension: string] {
  const dot = name.lastIndexOf('.')
  return dot > 0 ? [name.slice(0, dot), name.slice(dot)] : [name, '']
}

/** A mark put before the extension, `facture (2).pdf`; the base gives way where both would be too long. */
export function marked(name: string, mark: string): string {
  const [base, extension] = splitName(name)
  let kept = base
  while (Buffer.byteLength(`${kept}${mark}${extension}`) > MAX_NAME_BYTES && kept !== '') {
    kept = [...kept].slice(0, -1).join('')
  }
  return `${kept}${mark}${extension}`
}
