import { createHash } from 'node:crypto'
import { lstatSync, realpathSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { handsOver, ownedDirectory, type ServiceUser } from './service-user.ts'
import { DatabaseStartError, hasCode } from './start-error.ts'

/** PostgreSQL names its socket after a port, also where no port is opened. */
export const SOCKET_PORT = 5432
const SOCKET_NAME = `.s.PGSQL.${SOCKET_PORT}`

/** Bytes of a socket's path: `sun_path` less its final zero; 108 on Linux, 104 on macOS and the BSDs. */
const LONGEST = process.platform === 'linux' ? 107 : 103

/**
 * The private folder of the database's socket, mode 0700: whoever may enter it is trusted (storage.md §6.5, §6.6).
 * @param dataDirectory its `run` folder is taken when the path is short enough, else a folder below the system's temporary one, the same at each start
 * @param chosen the operator's choice, taken or refused
 * @throws DatabaseStartError `socket_path` too long, `directory_unsafe` when somebody else made the folder first
 */
export function socketDirectory(dataDirectory: string, user: ServiceUser, chosen?: string): string {
  const directory = choose(dataDirectory, user, chosen)
  ownedDirectory(directory, user, 0o700)
  const owner = lstatSync(directory).uid
  if (owner !== user.uid) {
    throw new DatabaseStartError(
      'directory_unsafe',
      `${directory}, where the database's private socket belongs, belongs to uid ${owner} and not to uid ${user.uid}. Remove it, or name another place with KONNECTORY_SOCKET_DIR.`,
    )
  }
  return directory
}

function choose(dataDirectory: string, user: ServiceUser, chosen?: string): string {
  if (chosen) {
    if (fits(chosen)) return chosen
    throw tooLong(chosen, 'Choose a shorter KONNECTORY_SOCKET_DIR.')
  }
  const usual = join(dataDirectory, 'run')
  if (fits(usual)) return usual
  const name = `konnectory-${user.uid}-${createHash('sha256').update(dataDirectory).digest('hex').slice(0, 12)}`
  // TMPDIR of a root session may be closed to the service user; /tmp is open to all.
  const places = handsOver(user) ? ['/tmp'] : [tmpdir(), '/tmp']
  const short = places.map(place => join(real(place), name)).find(fits)
  if (short) return short
  throw tooLong(usual, 'Name a short folder with KONNECTORY_SOCKET_DIR.')
}

function fits(directory: string): boolean {
  return Buffer.byteLength(join(directory, SOCKET_NAME)) <= LONGEST
}

function real(path: string): string {
  try {
    return realpathSync(path)
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'EACCES')) return path
    throw error
  }
}

function tooLong(directory: string, advice: string): DatabaseStartError {
  const longest = LONGEST - SOCKET_NAME.length - 1
  return new DatabaseStartError(
    'socket_path',
    `${directory} is too long for a socket: ${Buffer.byteLength(directory)} bytes where the system allows ${longest}. ${advice}`,
  )
}
