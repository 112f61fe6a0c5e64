import { spawnSync } from 'node:child_process'
import { chownSync } from 'node:fs'
import { dirname } from 'node:path'
import { RunnerError } from '../errors.ts'

/** Whom konnectors run as, seen from outside the jail; inside they are always nobody. */
export interface JailUser {
  uid: number
  gid: number
}

/**
 * For a server started as root: not `nobody`, whose files belong to anybody, and not the uid of its database. In
 * 60706…61183, which systemd's table of uids (UIDS-GIDS.md) leaves unused.
 */
export const JAIL_UID = 60_878

/** A server that is no longer root cannot become anybody else: its konnectors run as its own uid, in their own namespaces. */
export function jailUser(wanted?: JailUser): JailUser {
  const own = { uid: process.getuid?.() ?? -1, gid: process.getgid?.() ?? -1 }
  if (own.uid !== 0) return own
  if (wanted && (wanted.uid === 0 || wanted.gid === 0)) {
    throw new RunnerError('option', 'Konnectors never run as root: choose another uid and gid for them.')
  }
  return wanted ?? { uid: JAIL_UID, gid: JAIL_UID }
}

/** Whether processes must be started as, and files be given to, somebody else. */
export function handsOver(user: JailUser): boolean {
  return process.getuid?.() === 0 && user.uid !== 0
}

/** What `spawn` needs to become the user; Node then drops supplementary groups too. */
export function identity(user: JailUser): { uid?: number; gid?: number } {
  return handsOver(user) ? { uid: user.uid, gid: user.gid } : {}
}

export function give(path: string, user: JailUser): void {
  if (handsOver(user)) chownSync(path, user.uid, user.gid)
}

/**
 * Tries for real whether the user can enter a folder, whatever rights say.
 * @throws RunnerError `unreadable` naming the folder that is closed
 */
export function assertEnterable(folder: string, user: JailUser): void {
  if (!handsOver(user)) return
  const canEnter = (path: string) =>
    spawnSync('/bin/sh', ['-c', 'cd "$1"', 'sh', path], {
      ...identity(user),
      cwd: '/',
      stdio: 'ignore',
      timeout: 10_000,
    }).status === 0
  if (canEnter(folder)) return
  let closed = folder
  for (let above = dirname(folder); above !== closed && !canEnter(above); above = dirname(above)) closed = above
  throw new RunnerError(
    'unreadable',
    `Konnectors run as uid ${user.uid} (never as root), which may not enter ${closed}. Choose a cache directory elsewhere.`,
  )
}
