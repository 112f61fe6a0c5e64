import { lchownSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { handsOver, type ServiceUser } from './service-user.ts'
import { DatabaseStartError } from './start-error.ts'

const SQLITE_BUSY = 5

/**
 * Takes a folder for this process alone, until `release` or the process's end, however it ends.
 *
 * An empty SQLite file, locked: Node has no flock, and SQLite takes a kernel lock on every platform (storage.md §4). A file
 * with a pid in it would outlive a `kill -9`, and the pid would one day be somebody else's; beside the lock it only serves
 * the sentence.
 * @throws DatabaseStartError `database_in_use`, saying who has it
 */
export function lockDirectory(directory: string, user: ServiceUser): Disposable {
  const file = join(directory, 'database.lock')
  const ownerFile = join(directory, 'database.pid')
  const lock = new DatabaseSync(file, { timeout: 0 })
  try {
    // In memory: the lock must not need a journal file, nor room on the disk.
    lock.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
  } catch (error) {
    lock.close()
    if ((error as { errcode?: number }).errcode !== SQLITE_BUSY) {
      throw new DatabaseStartError(
        'directory_unreachable',
        `${file} cannot be locked (${(error as Error).message}): a network disk without locks, or not ours to write? ` +
          'Choose a data directory on a local disk with KONNECTORY_DATA.',
        error,
      )
    }
    throw new DatabaseStartError(
      'database_in_use',
      `${directory} is in use by another Konnectory${ownerOf(ownerFile)}. Stop that one first, or give this one its own folder with KONNECTORY_DATA.`,
    )
  }
  if (handsOver(user)) lchownSync(file, user.uid, user.gid)
  // May fail (a full disk) without harm: only the sentence above gets shorter.
  attempt(() => {
    rmSync(ownerFile, { force: true })
    writeFileSync(ownerFile, `${process.pid}\n`, { flag: 'wx' })
    if (handsOver(user)) lchownSync(ownerFile, user.uid, user.gid)
  })
  let held = true
  return {
    [Symbol.dispose]() {
      if (!held) return
      held = false
      attempt(() => rmSync(ownerFile, { force: true }))
      lock.close()
    },
  }
}

function ownerOf(file: string): string {
  try {
    return ` (process ${readFileSync(file, 'utf8').trim()})`
  } catch {
    return ''
  }
}

function attempt(work: () => void): void {
  try {
    work()
  } catch {
    // The callers say why this may fail.
  }
}
