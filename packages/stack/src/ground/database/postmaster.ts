import { readFileSync, readlinkSync, realpathSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { SOCKET_PORT } from './socket-directory.ts'
import { DatabaseStartError, hasCode } from './start-error.ts'

/** How long an orphan may take to write everything down before we give up. */
const PATIENCE_MS = 30_000
/** Nothing tells of the end of a process that is not our child; we look this often. */
const LOOK_EVERY_MS = 5

export interface Postmaster {
  pid: number
  socketDirectory: string
}

/** What `postmaster.pid` says (its lines: pid, data directory, start, port, socket directory, …); undefined without one. */
export function readPostmaster(cluster: string): Postmaster | undefined {
  let text: string
  try {
    text = readFileSync(join(cluster, 'postmaster.pid'), 'utf8')
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  }
  const lines = text.split('\n')
  const pid = Math.abs(Number.parseInt(lines[0] ?? '', 10))
  return { pid: Number.isInteger(pid) ? pid : 0, socketDirectory: lines[4] ?? '' }
}

/**
 * Clears what an earlier life left behind. Only called under the directory's lock, so that no live Konnectory owns it.
 *
 * - Its server still runs: the guardian is ending it, or was killed as well. It is told to end, and waited for.
 * - The pid is a zombie or by now another program's: PostgreSQL would believe it alive and refuse (storage.md §6.7), so
 *   its file is removed.
 * - A server that we did not start (another socket directory: somebody's pg_ctl) is left alone.
 * @throws DatabaseStartError `database_in_use` in the last case, or when the server does not end
 */
export async function clearLeftovers(cluster: string, ourSockets: string): Promise<'none' | 'stale' | 'orphan'> {
  const left = readPostmaster(cluster)
  if (!left) return 'none'
  const runs = () => isServerOf(left.pid, cluster)
  const found = runs() ? 'orphan' : 'stale'
  if (found === 'orphan') {
    if (left.socketDirectory !== ourSockets) {
      throw new DatabaseStartError(
        'database_in_use',
        `A PostgreSQL that Konnectory did not start (process ${left.pid}) works on ${cluster}. Stop it first: pg_ctl stop -D ${cluster}`,
      )
    }
    signal(left.pid, 'SIGINT')
    const deadline = performance.now() + PATIENCE_MS
    while (runs()) {
      if (performance.now() > deadline) {
        throw new DatabaseStartError(
          'database_in_use',
          `The database of an earlier Konnectory (process ${left.pid}) on ${cluster} does not end. End it, then start again.`,
        )
      }
      await delay(LOOK_EVERY_MS)
    }
  }
  rmSync(join(cluster, 'postmaster.pid'), { force: true })
  rmSync(join(ourSockets, `.s.PGSQL.${SOCKET_PORT}.lock`), { force: true })
  return found
}

/** Whether a live process is the PostgreSQL of this very directory, and not a zombie nor a stranger who got its number. */
function isServerOf(pid: number, cluster: string): boolean {
  if (pid <= 0 || pid === process.pid) return false
  try {
    process.kill(pid, 0)
  } catch (error) {
    if (hasCode(error, 'ESRCH')) return false
    // EPERM: somebody's process. PostgreSQL too takes it that no server of ours runs as another user.
    if (hasCode(error, 'EPERM')) return false
    throw error
  }
  // Elsewhere than on Linux a live process of ours with that pid is taken for the server, as PostgreSQL does.
  if (process.platform !== 'linux') return true
  try {
    // A server's working directory is its data directory; a zombie has none.
    return readlinkSync(`/proc/${pid}/cwd`) === realpathSync(cluster)
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ESRCH')) return false
    // Not ours to look at, so not of our user.
    if (hasCode(error, 'EACCES', 'EPERM')) return false
    throw error
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch (error) {
    if (!hasCode(error, 'ESRCH')) throw error
  }
}
