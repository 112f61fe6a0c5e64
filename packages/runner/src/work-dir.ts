import { chmodSync, chownSync, cpSync, lstatSync, readdirSync, realpathSync } from 'node:fs'
import { isAbsolute, join, normalize, sep } from 'node:path'
import { RunnerError } from './errors.ts'
import { handsOver, type JailUser } from './jail/user.ts'

/**
 * The folder to mount. Of a server that is root the konnector's user could read nothing, as files of a run are its server's
 * alone (0640): then a copy in the run's folder that belongs to that user.
 * @throws RunnerError `unreadable` when there is no such folder or file
 */
export function prepareWorkDir(dir: string, entry: string, runFolder: string, user: JailUser): string {
  const real = realpathOrThrow(dir)
  if (entry !== '.' && !lstatSync(join(real, entry), { throwIfNoEntry: false })?.isFile()) {
    throw new RunnerError('unreadable', `There is no file ${entry} in the konnector's folder.`)
  }
  if (!handsOver(user)) return real
  const copy = join(runFolder, 'work')
  // Links stay links: what they point at is looked for inside the jail, never copied from outside.
  cpSync(real, copy, { recursive: true, verbatimSymlinks: true })
  giveTree(copy, user)
  return copy
}

/** @returns a relative path without `..`, or `.`. @throws RunnerError `option` */
export function checkEntry(entry: string): string {
  const path = normalize(entry).replace(/\/+$/, '')
  if (path === '' || path === '.') return '.'
  if (isAbsolute(path) || path.split(sep).includes('..') || path.includes('\0')) {
    throw new RunnerError('option', `${JSON.stringify(entry)} leads out of the konnector's folder.`)
  }
  return path
}

function realpathOrThrow(dir: string): string {
  try {
    return realpathSync(dir)
  } catch (error) {
    throw new RunnerError('unreadable', `The konnector's folder ${dir} cannot be opened.`, error)
  }
}

function giveTree(path: string, user: JailUser): void {
  const found = lstatSync(path)
  if (found.isSymbolicLink()) return
  chownSync(path, user.uid, user.gid)
  chmodSync(path, found.isDirectory() ? 0o700 : 0o600)
  if (found.isDirectory()) for (const name of readdirSync(path)) giveTree(join(path, name), user)
}
