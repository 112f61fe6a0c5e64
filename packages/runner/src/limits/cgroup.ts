import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { hasCode } from '../errors.ts'
import type { RunLimits } from '../types.ts'

/** A folder of cgroup v2 that is ours: below it each run gets a group. */
export interface CgroupTree {
  /** Controllers that hold for runs. Without `memory`, RLIMIT_DATA has to. */
  readonly controllers: ReadonlySet<string>
  create(id: string, limits: Pick<RunLimits, 'memoryMb' | 'pids'>): Cgroup
}

export interface Cgroup {
  readonly path: string
  /** Ends every process in it, however they have hidden. */
  kill(): void
  readonly isOutOfMemory: boolean
  usage(): { peakBytes: number; cpuMs: number }
  /** Waits until it is empty. */
  remove(): Promise<void>
}

const wanted = ['memory', 'pids', 'cpu']
const REMOVE_MS = 5000

/**
 * Takes over a delegated folder (`Delegate=yes` in the unit): moves the server to a leaf of its own, since a group with
 * processes cannot have limits below it, and turns the controllers on.
 * @param folder by default the group this process is in, when it belongs to the user we are
 * @returns undefined where nothing is delegated
 */
export function openCgroups(folder: string | undefined = delegatedFolder()): CgroupTree | undefined {
  if (folder === undefined) return undefined
  const jobs = join(folder, 'konnectory-jobs')
  const server = join(folder, 'konnectory-server')
  for (const path of [server, jobs]) mkdirSync(path, { recursive: true })
  moveAll(folder, server)
  removeEmpty(jobs)
  const controllers = new Set(turnOn(folder).filter(name => turnOn(jobs).includes(name)))
  return {
    controllers,
    create(id, limits) {
      const path = join(jobs, id)
      mkdirSync(path)
      if (controllers.has('memory')) {
        write(path, 'memory.max', limits.memoryMb * 2 ** 20)
        write(path, 'memory.swap.max', 0)
        // All of the run or nothing of it: half a konnector waits for its other half until the limit.
        write(path, 'memory.oom.group', 1)
      }
      if (controllers.has('pids')) write(path, 'pids.max', limits.pids)
      return cgroup(path)
    },
  }
}

/** Ours by right, not by being root: the group of root's login session has the session's processes in it. */
function delegatedFolder(): string | undefined {
  const uid = process.getuid?.() ?? 0
  if (uid === 0 || !existsSync('/proc/self/cgroup')) return undefined
  const own = /^0::(\/.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))?.[1]
  const mount = / \/ (\S+) [^\n]* - cgroup2 /.exec(readFileSync('/proc/self/mountinfo', 'utf8'))?.[1]
  if (own === undefined || mount === undefined) return undefined
  const folder = join(mount, own)
  try {
    if (statSync(folder).uid !== uid) return undefined
    accessSync(join(folder, 'cgroup.procs'), constants.W_OK)
    return folder
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'EACCES', 'EPERM', 'EROFS')) return undefined
    throw error
  }
}

function moveAll(from: string, to: string): void {
  for (const pid of readFileSync(join(from, 'cgroup.procs'), 'utf8').split('\n').filter(Boolean)) {
    try {
      write(to, 'cgroup.procs', pid)
    } catch (error) {
      // Ended meanwhile, or a process of the kernel.
      if (!hasCode(error, 'ESRCH', 'EINVAL')) throw error
    }
  }
}

/** Groups of runs whose server was killed; one with processes in it stays. */
function removeEmpty(jobs: string): void {
  for (const entry of readdirSync(jobs, { withFileTypes: true })) {
    if (!entry.isDirectory()) continue
    try {
      rmdirSync(join(jobs, entry.name))
    } catch (error) {
      if (!hasCode(error, 'EBUSY', 'ENOTEMPTY')) throw error
    }
  }
}

/** @returns the wanted controllers that are on below the folder */
function turnOn(folder: string): string[] {
  const available = readFileSync(join(folder, 'cgroup.controllers'), 'utf8').trim().split(' ')
  const on = wanted.filter(name => available.includes(name))
  if (on.length > 0) write(folder, 'cgroup.subtree_control', on.map(name => `+${name}`).join(' '))
  return on
}

function cgroup(path: string): Cgroup {
  const number = (file: string, key?: string) => {
    let text: string
    try {
      text = readFileSync(join(path, file), 'utf8')
    } catch (error) {
      // A controller that is off, or a kernel before `memory.peak` (5.19).
      if (hasCode(error, 'ENOENT')) return 0
      throw error
    }
    return Number((key ? new RegExp(`^${key} (\\d+)`, 'm').exec(text)?.[1] : text) ?? 0)
  }
  return {
    path,
    kill: () => write(path, 'cgroup.kill', 1),
    get isOutOfMemory() {
      return number('memory.events', 'oom_kill') > 0 || number('memory.events', 'oom_group_kill') > 0
    },
    usage: () => ({ peakBytes: number('memory.peak'), cpuMs: number('cpu.stat', 'usage_usec') / 1000 }),
    async remove() {
      for (const until = performance.now() + REMOVE_MS; ; await wait(5)) {
        try {
          return rmdirSync(path)
        } catch (error) {
          // Busy for a moment, while the kernel frees a /tmp full of files.
          if (!hasCode(error, 'EBUSY') || performance.now() > until) throw error
        }
      }
    },
  }
}

function write(folder: string, file: string, value: string | number): void {
  writeFileSync(join(folder, file), String(value))
}
