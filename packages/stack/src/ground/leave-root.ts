import { lstatSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { openDataDirectory } from './database/data-directory.ts'
import { handsOver } from './database/service-user.ts'
import { giveTree } from './database/stand-in-user.ts'
import type { Log } from './log.ts'

/**
 * Started as root, the server goes on as the user its data directory belongs to, the same that PostgreSQL runs as (design.md
 * §5, "never as root"): what gets in by a request can then do what that user may, and no more. To be called once everything
 * that needs root is done, ports and database, and once the code is loaded: that user may not be able to read it.
 * @throws DatabaseStartError when the directory cannot be that user's
 */
export function leaveRoot(dataDirectory: string, log: Log): void {
  if (process.getuid?.() !== 0) return
  const { path, user } = openDataDirectory(dataDirectory)
  if (!handsOver(user)) return
  for (const entry of readdirSync(path)) {
    const whole = join(path, entry)
    // What an earlier start as root wrote; the rest is the user's already.
    if (lstatSync(whole).uid === 0) giveTree(whole, user)
  }
  process.setgroups?.([user.gid])
  process.setgid?.(user.gid)
  process.setuid?.(user.uid)
  if (process.getuid?.() !== user.uid || canReturn()) throw new Error(`root could not be left for uid ${user.uid}`)
  log.info('the server runs as an ordinary user from here on', { uid: user.uid, gid: user.gid })
}

/** Whether root could be taken back, which a saved uid would allow. */
function canReturn(): boolean {
  try {
    process.setuid?.(0)
    return true
  } catch {
    return false
  }
}
