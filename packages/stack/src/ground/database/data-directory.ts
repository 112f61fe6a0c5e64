import { lchownSync, mkdirSync, readdirSync, realpathSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { assertReachable, handsOver, type ServiceUser, serviceUser } from './service-user.ts'
import { DatabaseStartError, hasCode } from './start-error.ts'

/** What makes a folder one of ours. */
const OURS = ['database.json', 'database.lock', 'postgresql']

export interface DataDirectory {
  /** Without symbolic links. */
  path: string
  /** Whom it belongs to, and the database runs as. */
  user: ServiceUser
}

/**
 * Makes the data directory when missing, settles whom it belongs to, and that this user can work in it.
 * @throws DatabaseStartError `directory_unreachable`, `disk_full`, `service_user`
 */
export function openDataDirectory(path: string): DataDirectory {
  try {
    // Only the last one is private: the service user must get through those above it.
    mkdirSync(dirname(path), { recursive: true, mode: 0o755 })
    makePrivate(path)
    const real = realpathSync(path)
    const user = serviceUser(real)
    if (handsOver(user)) {
      assertOurs(real, user)
      lchownSync(real, user.uid, user.gid)
    }
    assertReachable(real, user)
    return { path: real, user }
  } catch (error) {
    throw explained(path, error)
  }
}

function makePrivate(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 })
  } catch (error) {
    if (!hasCode(error, 'EEXIST') || !statSync(path).isDirectory()) throw error
  }
}

/** Root must not give away a folder that holds other things: KONNECTORY_DATA=/var/lib would break the system. */
function assertOurs(path: string, user: ServiceUser): void {
  if (statSync(path).uid === user.uid) return
  const entries = readdirSync(path).filter(name => name !== 'lost+found')
  if (entries.length === 0 || entries.some(name => OURS.includes(name))) return
  throw new DatabaseStartError(
    'directory_unsafe',
    `${path} holds other things, and the data directory is given to uid ${user.uid}. Choose an empty or a new folder with KONNECTORY_DATA, ${join(path, 'konnectory')} say.`,
  )
}

/** What the operating system says of a folder, as a sentence. */
export function explained(path: string, error: unknown): unknown {
  if (hasCode(error, 'EEXIST', 'ENOTDIR')) {
    const sentence = `${path} is not a folder. Choose another with KONNECTORY_DATA.`
    return new DatabaseStartError('directory_unreachable', sentence, error)
  }
  if (hasCode(error, 'EACCES', 'EPERM', 'EROFS')) {
    const sentence = `${path} cannot be made, entered or written by this user (uid ${process.getuid?.()}). Choose a folder of yours with KONNECTORY_DATA, or have this one given to you.`
    return new DatabaseStartError('directory_unreachable', sentence, error)
  }
  if (hasCode(error, 'ENOSPC', 'EDQUOT')) {
    const sentence = `The disk of ${path} is full. Make room, then start again; nothing is lost.`
    return new DatabaseStartError('disk_full', sentence, error)
  }
  return error
}
