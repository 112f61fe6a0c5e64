import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { give, type JailUser } from './jail/user.ts'
import { startOf } from './limits/usage.ts'

/** `struct sockaddr_un` holds 108 bytes with the final zero. */
const MAX_SOCKET_PATH = 107

/**
 * The folder of this process's runs, and an end to those of processes that were killed: their konnectors ended with them, their
 * work directories did not.
 */
export function openRunsFolder(cacheDirectory: string): string {
  const all = join(cacheDirectory, 'runs')
  mkdirSync(all, { recursive: true, mode: 0o711 })
  if (existsSync('/proc/self/stat')) {
    for (const name of readdirSync(all)) {
      const [pid, start] = name.split('-')
      if (startOf(Number(pid)) !== start) rmSync(join(all, name), { recursive: true, force: true })
    }
  }
  const folder = join(all, `${process.pid}-${startOf(process.pid)}`)
  mkdirSync(folder, { recursive: true, mode: 0o711 })
  return folder
}

/** A run's own folder, closed to all but its user. Short, because a socket lies in it. */
export function makeRunFolder(runsFolder: string, user: JailUser): string {
  const isShort = Buffer.byteLength(runsFolder) + '/xxxxxx/s'.length <= MAX_SOCKET_PATH
  const folder = mkdtempSync(isShort ? `${runsFolder}/` : join(tmpdir(), 'konnectory-run-'))
  give(folder, user)
  return folder
}
