import { join } from 'node:path'
import { createRunner, type Runner } from '@konnectory/runner'
import type { Config } from '#ground/config'
import type { Log } from '#ground/log'

/** The jail of this server, made and tried on first use or by `prepare`. */
export interface Jail extends AsyncDisposable {
  /** @throws Error with a sentence for the operator when konnectors must not run here */
  runner(): Promise<Runner>
  /** Tries it now, and says in the log how it is. Never throws. */
  prepare(): Promise<void>
}

/**
 * Konnectors run only in a jail that was seen to hold (design.md §5, fail closed): a job from inside tries what it must not be
 * able to do. What it says stands in the log, and in the error of every run that was refused for it.
 */
export function createJail({ jail: { driver, pinnedHosts }, dataDirectory }: Config, log: Log): Jail {
  let made: Promise<Runner> | undefined
  const make = async (): Promise<Runner> => {
    if (driver === 'off') throw new Error('this server was told to run none (KONNECTORY_JAIL=off)')
    if (driver === 'none') log.warn('konnectors run unconfined (KONNECTORY_JAIL=none): for development only')
    for (const { host, address } of pinnedHosts)
      log.warn('konnectors may reach this address by name', { host, address })
    const runner = await createRunner({ driver, cacheDirectory: join(dataDirectory, 'jail'), log })
    const report = await runner.selfTest()
    for (const warning of report.warnings) log.warn(warning)
    if (!report.holds && driver !== 'none') {
      await runner[Symbol.asyncDispose]()
      const open = report.checks.filter(({ holds }) => !holds).map(({ name, detail }) => `${name} (${detail})`)
      throw new Error(`the jail does not hold: ${open.join(', ')}`)
    }
    return runner
  }
  const runner = (): Promise<Runner> => {
    // A jail that did not hold is tried again at the next run: what was in the way may be gone.
    made ??= make().catch(error => {
      made = undefined
      throw error
    })
    return made
  }
  return {
    runner,
    async prepare() {
      try {
        const { name } = await runner()
        log.info('konnectors run in a jail that holds', { driver: name })
      } catch (error) {
        log.error('konnectors do not run here', { reason: (error as Error).message })
      }
    },
    async [Symbol.asyncDispose]() {
      const there = await made?.catch(() => undefined)
      await there?.[Symbol.asyncDispose]()
    },
  }
}
