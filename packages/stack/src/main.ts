/**
 * The process: reads the environment once, starts, stops on a signal.
 *
 *     node packages/stack/src/start.mjs
 *
 * Settings come from the environment: docs/reference/configuration.md. Log lines go to standard error; standard output gets
 * one JSON line when the server is ready: `{"ready":true,"url","admin"}`.
 */
import { flushCompileCache } from 'node:module'
import { systemClock } from '#ground/clock'
import { ConfigError, readConfig } from '#ground/config'
import { createLog } from '#ground/log'
import { explainFailure } from './house/explain-failure.ts'
import { openHouse } from './house.ts'

/** `sysexits.h`: the configuration is wrong; something the server needs is not there. */
const EX_CONFIG = 78
const EX_UNAVAILABLE = 69

async function main(): Promise<number> {
  let config: ReturnType<typeof readConfig>
  try {
    config = readConfig(process.env)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    process.stderr.write(`${error.message}\n`)
    return EX_CONFIG
  }
  const log = createLog({ level: config.log.level, clock: systemClock, write: line => void process.stderr.write(line) })
  const stopped = Promise.race([stopSignal(), parentGone(process.env)])
  try {
    await using house = await openHouse(config, { log, clock: systemClock })
    process.stdout.write(`${JSON.stringify({ ready: true, url: house.url, admin: house.adminUrl })}\n`)
    // Now, not at the exit: a server is often ended by force.
    flushCompileCache()
    const reason = await Promise.race([stopped, house.failed])
    log.info('stopping', { reason })
    return 0
  } catch (error) {
    const sentence = explainFailure(error)
    if (sentence) process.stderr.write(`${sentence}\n`)
    else log.error('the server stopped', { error })
    return error instanceof ConfigError ? EX_CONFIG : EX_UNAVAILABLE
  }
}

/**
 * Resolves when the program that started us is gone, for one that said so with `KONNECTORY_WITH_PARENT=1` and gave us a pipe as
 * standard input: npm is ended by a signal that its script never sees, and the server would keep its port.
 */
function parentGone({ KONNECTORY_WITH_PARENT: wanted }: NodeJS.ProcessEnv): Promise<string> {
  return new Promise(resolve => {
    if (wanted !== '1') return
    process.stdin.once('close', () => resolve('who started it is gone'))
    process.stdin.resume()
    // A start that failed must be able to end.
    if ('unref' in process.stdin) process.stdin.unref()
  })
}

/** Resolves with the first signal that asks the process to stop; the second ends it at once. */
function stopSignal(): Promise<string> {
  return new Promise(resolve => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) {
      process.once(signal, () => {
        resolve(signal)
        process.once(signal, () => process.exit(130))
      })
    }
  })
}

process.exitCode = await main()
