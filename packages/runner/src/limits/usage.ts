import { readFileSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { hasCode } from '../errors.ts'

/** What a tree of processes uses at a moment. */
export interface Usage {
  /** Resident, shared pages counted in each process. */
  residentBytes: number
  /** Written by the processes, so theirs alone: what a limit must count. */
  ownBytes: number
  /** Processor time of the living, and of the dead they have waited for. */
  cpuMs: number
  /** Some process of the innermost kind, through whose eyes /tmp can be seen. */
  leaf: number | undefined
}

/** Linux counts time in hundredths here, whatever the kernel's own tick is. */
const TICK_MS = 10
const MAX_PROCESSES = 1024

/** Reads a process and its descendants from /proc; those that end meanwhile are left out. */
export function usageOf(pid: number): Usage {
  const usage: Usage = { residentBytes: 0, ownBytes: 0, cpuMs: 0, leaf: undefined }
  const queue = [pid]
  for (let at = 0; at < queue.length && at < MAX_PROCESSES; at++) {
    const process = queue[at]!
    const status = read(`/proc/${process}/status`)
    const stat = read(`/proc/${process}/stat`)
    if (status === undefined || stat === undefined) continue
    const kilobytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0) * 1024
    usage.residentBytes += kilobytes('VmRSS')
    usage.ownBytes += kilobytes('RssAnon') + kilobytes('RssShmem')
    // After the name, which may contain anything: state is field 3; utime, stime, cutime and cstime are 14 to 17.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    usage.cpuMs += fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) * TICK_MS
    usage.leaf = process
    for (const child of read(`/proc/${process}/task/${process}/children`)?.trim().split(' ') ?? []) {
      if (child !== '') queue.push(Number(child))
    }
  }
  return usage
}

const TMPFS = 0x01021994

/**
 * Files in the jail's /tmp, through the eyes of a process in it: bubblewrap cannot limit them, and each takes memory no limit
 * counts.
 * @param bytes the size of that /tmp; another one is the host's, of a process that is not inside yet
 */
export async function filesInTmp(pid: number, bytes: number): Promise<number> {
  try {
    const { type, blocks, bsize, files, ffree } = await statfs(`/proc/${pid}/root/tmp`)
    return type === TMPFS && blocks * bsize === bytes ? files - ffree : 0
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ESRCH', 'EACCES', 'EPERM')) return 0
    throw error
  }
}

/** When a process began, in ticks since the machine did: with its pid, its identity. Undefined once it is gone or a zombie. */
export function startOf(pid: number): string | undefined {
  const stat = read(`/proc/${pid}/stat`)
  if (stat === undefined) return undefined
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields[0] === 'Z' || fields[0] === 'X' ? undefined : fields[19]
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ESRCH')) return undefined
    throw error
  }
}
