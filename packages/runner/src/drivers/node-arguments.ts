import type { JailPlan } from './driver.ts'

/**
 * Node's flags (sandbox.md §4). Hygiene, not walls: a child the konnector starts has none of them. The heap gets half of
 * the memory; buffers, code and the tables of V8 need the rest.
 */
export function nodeArguments({ limits }: JailPlan, script: string): string[] {
  return [
    `--max-old-space-size=${Math.max(64, Math.floor(limits.memoryMb / 2))}`,
    '--no-experimental-ffi',
    '--no-addons',
    '--disable-sigusr1',
    '--no-experimental-webstorage',
    script,
  ]
}

/** Of RLIMIT_DATA: what Node reserves before it does anything (sandbox.md §2: 640 MB is its floor). */
const RESERVED_MB = 640

/** The command that sets limits inside the jail and becomes `command`; before the jail RLIMIT_NPROC would count all runs together. */
export function limitArguments({ limits, hasMemoryGroup }: JailPlan): string[] {
  const cpu = Math.ceil(limits.cpuSeconds)
  return [
    // Soft below hard: SIGXCPU tells itself from SIGKILL.
    `--cpu=${cpu}:${cpu + 5}`,
    `--fsize=${limits.fileMb * 2 ** 20}`,
    `--nofile=${limits.openFiles}`,
    `--nproc=${limits.pids}`,
    ...(hasMemoryGroup ? [] : [`--data=${(limits.memoryMb + RESERVED_MB) * 2 ** 20}`]),
    '--core=0',
    '--memlock=0',
    '--msgqueue=0',
    '--sigpending=256',
    '--',
  ]
}

/** Where things are for the process, which differs by driver. */
export interface Places {
  home: string
  bridge: string
  socket: string
  path: string
  /** Absent: compile caches are not used. */
  cache?: string
}

/** The variables of a process, built from nothing. */
export function environment(plan: JailPlan, places: Places) {
  const { gate, cache } = plan
  const env: Record<string, string> = { PATH: places.path, HOME: places.home, LANG: 'C.UTF-8', ...plan.env }
  if (gate) {
    env.NODE_OPTIONS = `--require=${places.bridge}`
    env.KONNECTORY_GATE = [places.socket, gate.stack?.host ?? '', gate.stack?.port ?? ''].join('|')
  }
  if (cache && places.cache) env.NODE_COMPILE_CACHE = places.cache
  return env
}
