import { chmodSync, mkdirSync, realpathSync } from 'node:fs'
import { isMainThread } from 'node:worker_threads'
import { bubblewrapDriver } from './drivers/bubblewrap.ts'
import type { Driver } from './drivers/driver.ts'
import { noneDriver } from './drivers/none.ts'
import { nsjailDriver } from './drivers/nsjail.ts'
import { RunnerError } from './errors.ts'
import { CompileCache } from './jail/compile-cache.ts'
import { openJailRoot } from './jail/root.ts'
import { assertEnterable, jailUser } from './jail/user.ts'
import { openCgroups } from './limits/cgroup.ts'
import { type RunGround, run } from './run.ts'
import { openRunsFolder } from './runs-folder.ts'
import { selfTest } from './self-test/self-test.ts'
import type { DriverName, Runner, RunnerOptions } from './types.ts'

const PREPARE_SECONDS = 20

const drivers: Record<DriverName, () => Driver> = {
  bubblewrap: bubblewrapDriver,
  nsjail: nsjailDriver,
  none: noneDriver,
}

/**
 * A runner of konnectors.
 * @throws RunnerError `driver_unavailable` with what to install or allow; there is no silent unconfined mode
 */
export function createRunner(options: RunnerOptions): Runner {
  const { driver: name = 'bubblewrap', log } = options
  if (!isMainThread) {
    throw new RunnerError('option', 'Konnectors are started from the main thread: they would end with a worker thread.')
  }
  const user = jailUser(options.user)
  const driver = drivers[name]()
  driver.assertUsable()
  mkdirSync(options.cacheDirectory, { recursive: true })
  const cacheDirectory = realpathSync(options.cacheDirectory)
  if (user.uid !== process.getuid?.()) chmodSync(cacheDirectory, 0o755)
  assertEnterable(cacheDirectory, user)

  const cgroups = options.cgroup === false ? undefined : openCgroups(options.cgroup)
  if (driver.isConfined && !cgroups?.controllers.has('memory')) {
    log.warn(
      'No cgroup is delegated to this server: memory is limited for each process of a konnector and watched for all of them ' +
        'together. Run the server as a systemd service with Delegate=yes.',
    )
  }
  const ground: RunGround = {
    driver,
    root: openJailRoot(cacheDirectory, options.node),
    user,
    cgroups,
    runsFolder: openRunsFolder(cacheDirectory),
    compileCache: new CompileCache(cacheDirectory, user),
    log,
    resolve: options.resolve,
  }
  const closing = new AbortController()
  const running = new Set<Promise<unknown>>()
  const track = <T>(work: Promise<T>): Promise<T> => {
    running.add(work)
    const forget = () => running.delete(work)
    work.then(forget, forget)
    return work
  }
  const untilClosed = (signal: AbortSignal | undefined) =>
    signal ? AbortSignal.any([signal, closing.signal]) : closing.signal

  return {
    name,
    user,
    selfTest: () => track(selfTest(ground)),
    run(request) {
      if (name === 'none') log.warn('A konnector runs unconfined, with all rights of this server: driver "none".')
      return track(run(ground, { ...request, signal: untilClosed(request.signal) }))
    },
    async prepare({ dir, entry, cacheKey }) {
      if (!driver.isConfined) return
      await ground.compileCache.make(cacheKey, async folder => {
        await track(
          run(
            ground,
            {
              dir,
              ...(entry !== undefined && { entry }),
              env: {},
              domains: [],
              limits: { seconds: PREPARE_SECONDS },
              signal: closing.signal,
            },
            { writableCache: folder, isOffline: true },
          ),
        )
      })
    },
    async [Symbol.asyncDispose]() {
      closing.abort()
      await Promise.allSettled(running)
    },
  }
}
