import { spawnSync } from 'node:child_process'
import { dirname } from 'node:path/posix'
import { RunnerError } from '../errors.ts'
import { inside } from '../jail/root.ts'
import { konnectorFilter } from '../seccomp/policy.ts'
import type { Driver, JailPlan } from './driver.ts'
import { findProgram } from './find-program.ts'
import { environment, limitArguments, nodeArguments } from './node-arguments.ts'

/** `--disable-userns` came with 0.8. */
const OLDEST = [0, 8] as const
const [FILTER, OPTIONS, STATUS] = [3, 4, 5]
const NOBODY = '65534'

export function bubblewrapDriver(program = 'bwrap'): Driver {
  const filter = konnectorFilter()
  const path = findProgram(program) ?? program
  return {
    name: 'bubblewrap',
    isConfined: true,
    setupCodes: [],
    assertUsable() {
      const { stdout, error } = spawnSync(path, ['--version'], { encoding: 'utf8', timeout: 10_000 })
      const version = /(\d+)\.(\d+)/.exec(stdout ?? '')
      if (error || !version) {
        throw new RunnerError(
          'driver_unavailable',
          'bubblewrap is not installed, and konnectors do not run unconfined: apt-get install bubblewrap.',
          error,
        )
      }
      const [major, minor] = [Number(version[1]), Number(version[2])]
      if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])) {
        throw new RunnerError(
          'driver_unavailable',
          `bubblewrap ${version[0]} is too old: ${OLDEST.join('.')} is needed.`,
        )
      }
    },
    command: plan => ({
      command: path,
      // Secrets are in none of these: arguments are there to read for every user of the machine.
      args: ['--args', String(OPTIONS), '--', ...programArguments(plan)],
      env: environment(plan, insidePlaces),
      cwd: '/',
      inputs: [filter, Buffer.from(`${jailArguments(plan).join('\0')}\0`)],
      hasStatus: true,
    }),
  }
}

/** For drivers that put konnectors into the jail's root. */
export const insidePlaces = {
  home: '/tmp',
  path: '/usr/bin',
  bridge: inside.bridge,
  socket: inside.socket,
  cache: inside.cache,
} as const

/** What runs inside: the limits, then Node. */
export function programArguments(plan: JailPlan): string[] {
  const script = plan.entry === '.' ? inside.konnector : `${inside.konnector}/${plan.entry}`
  return [inside.prlimit, ...limitArguments(plan), inside.node, ...nodeArguments(plan, script)]
}

/** Bubblewrap's options; they go through a descriptor, because its pid 1 shows its arguments to the konnector. */
export function jailArguments({ root, dir, entry, limits, gate, cache }: JailPlan): string[] {
  const cwd = entry === '.' ? inside.konnector : dirname(`${inside.konnector}/${entry}`)
  return [
    '--unshare-user',
    '--unshare-pid',
    '--unshare-ipc',
    '--unshare-uts',
    '--unshare-net',
    '--unshare-cgroup-try',
    '--disable-userns',
    '--die-with-parent',
    '--new-session',
    ...['--cap-drop', 'ALL'],
    ...['--uid', NOBODY],
    ...['--gid', NOBODY],
    ...['--hostname', 'konnector'],
    ...['--ro-bind', root.path, '/'],
    ...['--proc', '/proc'],
    // Not `--dev`, which is a writable file system without a limit.
    ...['--dev-bind', '/dev/null', '/dev/null'],
    ...['--ro-bind', '/dev/urandom', '/dev/urandom'],
    ...['--size', String(limits.tmpMb * 2 ** 20), '--perms', '1777', '--tmpfs', '/tmp'],
    ...['--ro-bind', dir, inside.konnector],
    ...(cache ? [cache.writable ? '--bind' : '--ro-bind', cache.path, inside.cache] : []),
    ...(gate ? ['--ro-bind', gate.socket, inside.socket] : []),
    ...['--chdir', cwd],
    ...['--json-status-fd', String(STATUS)],
    ...['--seccomp', String(FILTER)],
  ]
}
