import { spawnSync } from 'node:child_process'
import { chmodSync, lchownSync, lstatSync, mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseStartError, hasCode } from './start-error.ts'

/** Whom the database server runs as. */
export interface ServiceUser {
  uid: number
  gid: number
}

/**
 * The user for a server started as root: not `nobody`, whose files and processes belong to anything. 60877 lies in
 * 60706…61183, which systemd's table of uids (UIDS-GIDS.md) leaves unused between people, dynamic users and containers.
 */
export const SERVICE_UID = 60_877

/**
 * Decides whom the database runs as. PostgreSQL refuses to run as root (storage.md §6.4), so root hands over: to the
 * owner of the data directory when that is somebody else (a volume prepared for uid 1000 stays his), else to SERVICE_UID.
 * @param dataDirectory must exist
 */
export function serviceUser(dataDirectory: string): ServiceUser {
  const uid = process.getuid?.() ?? 0
  const gid = process.getgid?.() ?? 0
  if (uid !== 0) return { uid, gid }
  const owner = lstatSync(dataDirectory)
  return owner.uid === 0 ? { uid: SERVICE_UID, gid: SERVICE_UID } : { uid: owner.uid, gid: owner.gid }
}

/** Whether files made here must be given away: we are root and the service is not. */
export function handsOver(user: ServiceUser): boolean {
  return process.getuid?.() === 0 && user.uid !== 0
}

/**
 * Makes a folder that belongs to the service user; one that is there is only taken over from root.
 * @param mode rights it must really have afterwards
 * @throws DatabaseStartError `directory_unsafe` when the file system does not keep the rights
 */
export function ownedDirectory(path: string, user: ServiceUser, mode: number): void {
  try {
    mkdirSync(path, { mode })
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error
  }
  const found = lstatSync(path)
  if (!found.isDirectory()) {
    throw new DatabaseStartError('directory_unsafe', `${path} is not a folder. Move it away, then start again.`)
  }
  if (handsOver(user) && found.uid === 0) lchownSync(path, user.uid, user.gid)
  if ((found.mode & 0o777) !== mode) chmodSync(path, mode)
  if ((lstatSync(path).mode & 0o777) !== mode) {
    throw new DatabaseStartError(
      'directory_unsafe',
      `The file system of ${path} does not keep access rights, which PostgreSQL insists on (Windows drives under WSL and FAT are such). ` +
        'Choose a data directory on another disk with KONNECTORY_DATA.',
    )
  }
}

/**
 * Tries for real whether the service user can enter and write a folder, whatever rights or namespaces say.
 * @throws DatabaseStartError `directory_unreachable` naming the folder that is closed, `service_user` when this machine does not
 *   let us become that user (a container with uid 0 alone)
 */
export function assertReachable(directory: string, user: ServiceUser): void {
  if (!handsOver(user)) return
  const result = asUser(user, 'cd "$1" && test -w .', directory)
  if (result.error) {
    throw new DatabaseStartError(
      'service_user',
      `Started as root, PostgreSQL must run as another user, and uid ${user.uid} cannot be used here (${result.error.message}). ` +
        'Start Konnectory as an ordinary user, or set DATABASE_URL.',
      result.error,
    )
  }
  if (result.status === 0) return
  let closed = directory
  for (let above = dirname(directory); above !== closed; above = dirname(closed)) {
    if (asUser(user, 'cd "$1"', above).status === 0) break
    closed = above
  }
  const what = closed === directory ? 'write to it' : `enter ${closed}`
  throw new DatabaseStartError(
    'directory_unreachable',
    `The database runs as uid ${user.uid} (PostgreSQL does not run as root) and cannot use ${directory}: that user may not ${what}. ` +
      'Choose a data directory elsewhere with KONNECTORY_DATA (/var/lib/konnectory, say), or start Konnectory as an ordinary user.',
  )
}

/** Whether the service user can read and execute this file. */
export function canExecute(file: string, user: ServiceUser): boolean {
  return asUser(user, 'test -r "$1" && test -x "$1"', file).status === 0
}

function asUser(user: ServiceUser, script: string, argument: string) {
  const identity = handsOver(user) ? user : {}
  return spawnSync('/bin/sh', ['-c', script, 'sh', argument], {
    ...identity,
    cwd: '/',
    stdio: 'ignore',
    timeout: 10_000,
  })
}
