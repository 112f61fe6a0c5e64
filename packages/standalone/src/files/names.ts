import { posix } from 'node:path'
import { ApiError, invalidParameter } from '../http/errors.ts'

const MAX_DEPTH = 512
/** Limit of most file systems, in bytes. */
const MAX_NAME_BYTES = 255
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is refused
const WINDOWS_ILLEGAL = /[<>:"|?*\\\x00-\x1f]|[. ]$|^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i

/**
 * A name as `protocol/files.md` section 1 allows it. On Windows also one that its file system can hold: there a backslash separates
 * directories, so accepting it would let a name leave its directory.
 *
 * @throws ApiError 422
 */
export function checkName(name: string, platform: string = process.platform): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: NUL, LF and CR are the rule
  if (name === '' || name === '.' || name === '..' || /[/\x00\n\r]/.test(name)) {
    throw invalidParameter('name', 'Invalid filename: empty or contains an illegal character')
  }
  if (Buffer.byteLength(name) > MAX_NAME_BYTES)
    throw invalidParameter('name', `Invalid filename: longer than ${MAX_NAME_BYTES} bytes`)
  if (platform === 'win32' && WINDOWS_ILLEGAL.test(name)) {
    throw invalidParameter('name', 'Invalid filename: Windows cannot store this name')
  }
  return name
}

/**
 * The components of an absolute path; `[]` for the root. `.`, `..` and doubled slashes are resolved first and cannot climb above it.
 *
 * @throws ApiError 400 for a relative path, 422 for a bad component
 */
export function pathComponents(path: string): string[] {
  if (!path.startsWith('/')) throw new ApiError(400, 'Bad Request', 'Path should be absolute')
  const parts = posix
    .normalize(path)
    .split('/')
    .filter(part => part !== '')
  if (parts.length > MAX_DEPTH) throw invalidParameter('path', `Path is deeper than ${MAX_DEPTH} components`)
  return parts
}
