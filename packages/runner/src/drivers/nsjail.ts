import { spawnSync } from 'node:child_process'
import { dirname } from 'node:path/posix'
import { RunnerError } from '../errors.ts'
import { inside } from '../jail/root.ts'
import { kafelPolicy } from '../seccomp/kafel.ts'
import { konnectorPolicy } from '../seccomp/policy.ts'
import { insidePlaces, programArguments } from './bubblewrap.ts'
import type { Driver, JailPlan } from './driver.ts'
import { findProgram } from './find-program.ts'
import { environment } from './node-arguments.ts'

/** nsjail outlives a server that is killed; its own clock then ends what is left. */
const GRACE_SECONDS = 15

/** The same policy for nsjail, which has to be built from source on most systems. Used when asked for. */
export function nsjailDriver(program = 'nsjail'): Driver {
  const path = findProgram(program) ?? program
  return {
    name: 'nsjail',
    isConfined: true,
    setupCodes: [255],
    assertUsable() {
      const { error } = spawnSync(path, ['--help'], { stdio: 'ignore', timeout: 10_000 })
      if (!error) return
      throw new RunnerError(
        'driver_unavailable',
        'nsjail is not installed: build it from github.com/google/nsjail, or use the driver bubblewrap.',
        error,
      )
    },
    command(plan) {
      const env = environment(plan, insidePlaces)
      return {
        command: path,
        args: nsjailArguments(plan, Object.keys(env)),
        env,
        cwd: '/',
        inputs: [],
        hasStatus: false,
      }
    },
  }
}

/** @param names variables passed on, by name: their values are in nsjail's own environment, not among these arguments */
export function nsjailArguments(plan: JailPlan, names: string[]): string[] {
  const { root, user, dir, entry, limits, gate, cache } = plan
  const cwd = entry === '.' ? inside.konnector : dirname(`${inside.konnector}/${entry}`)
  return [
    ...['--mode', 'o', '--really_quiet'],
    ...['--chroot', root.path],
    ...['--user', `65534:${user.uid}:1`, '--group', `65534:${user.gid}:1`],
    ...['--hostname', 'konnector'],
    ...['--cwd', cwd],
    ...['--bindmount_ro', `${dir}:${inside.konnector}`],
    ...(cache ? [cache.writable ? '--bindmount' : '--bindmount_ro', `${cache.path}:${inside.cache}`] : []),
    ...(gate ? ['--bindmount_ro', `${gate.socket}:${inside.socket}`] : []),
    ...['--mount', `none:/tmp:tmpfs:size=${limits.tmpMb * 2 ** 20},nr_inodes=${limits.tmpFiles},mode=1777`],
    ...['--bindmount_ro', '/dev/urandom', '--bindmount', '/dev/null'],
    ...['--time_limit', String(Math.ceil(limits.seconds) + GRACE_SECONDS)],
    // Node needs room to reserve; prlimit inside sets what counts, RLIMIT_DATA, which nsjail does not know.
    ...['--rlimit_as', 'hard', '--rlimit_cpu', 'hard', '--rlimit_fsize', 'hard', '--rlimit_nofile', 'hard'],
    ...['--rlimit_nproc', 'hard', '--rlimit_stack', 'soft', '--rlimit_core', '0', '--rlimit_memlock', '0'],
    ...['--seccomp_string', kafelPolicy(konnectorPolicy(process.arch === 'arm64' ? 'arm64' : 'x64'))],
    ...names.flatMap(name => ['--env', name]),
    '--',
    ...programArguments(plan),
  ]
}
