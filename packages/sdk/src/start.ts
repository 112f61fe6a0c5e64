import type { Env } from './environment.ts'
import { execute, loggerFor, report } from './execute.ts'
import { handOver } from './hand-over.ts'
import { type AnyKonnector, KONNECTOR_KIND } from './konnector.ts'

/**
 * What the build puts behind an author's entry, so that `node build/index.js` starts a konnector that is only an object:
 *
 * ```js
 * const entry = require('./the-author-s-entry')
 * require('@konnectory/sdk/start').startIfMain(entry, { isMain: require.main === module })
 * ```
 *
 * - `exported` is the entry's whole export, its `default`, or a `default` inside a `default` (CommonJS seen from ESM);
 * - anything but a konnector of `defineKonnector` is left alone: old-style konnectors start themselves;
 * - `isMain: false` (the bundle was required, by a test for example) starts nothing.
 *
 * Started by hand in a project that has our command, it is run by `konnectory standalone` (hand-over.ts).
 *
 * @returns true when a konnector was started
 */
export function startIfMain(exported: unknown, options: { isMain?: boolean } = {}): boolean {
  const konnector = findKonnector(exported)
  if (!konnector || options.isMain === false) return false
  handOver()
  void run(konnector)
  return true
}

/** The konnector in a module's export, or undefined when it is something else. */
export function findKonnector(exported: unknown): AnyKonnector | undefined {
  let value = exported
  for (let depth = 0; depth < 3 && typeof value === 'object' && value !== null; depth++) {
    if ('kind' in value && value.kind === KONNECTOR_KIND) return value as AnyKonnector
    value = 'default' in value ? value.default : undefined
  }
  return undefined
}

/**
 * Runs a konnector as this process: log lines on stdout, exit code 0 or 1 (143 and 130 after SIGTERM and SIGINT).
 * Uncaught exceptions and unhandled rejections end it with a `critical` line, and so does a run that waits for nothing.
 */
export async function run(konnector: AnyKonnector, env: Env = process.env): Promise<never> {
  const write = (text: string) => void process.stdout.write(text)
  const log = loggerFor({ env, write }, konnector.manifest?.slug)
  const stop = new AbortController()
  let code: number | undefined

  const onSignal = (signal: 'SIGTERM' | 'SIGINT', exitCode: number) => () => {
    code = exitCode
    stop.abort(new Error(`The konnector got a ${signal}`))
  }
  const onStray = (label: string) => (error: unknown) => {
    report(log, error, label)
    void leave(1)
  }
  process.once('SIGTERM', onSignal('SIGTERM', 143))
  process.once('SIGINT', onSignal('SIGINT', 130))
  process.on('uncaughtException', onStray('uncaught exception'))
  process.on('unhandledRejection', onStray('unhandled exception'))
  // Nothing left to wait for, and no result: a promise that nobody will ever settle.
  process.once('beforeExit', () =>
    onStray('never finished')(new Error('UNKNOWN_ERROR: run waits for something that cannot happen')),
  )

  const outcome = await execute(konnector, {
    env,
    write,
    signal: stop.signal,
    ...(process.argv[1] ? { scriptDir: scriptDirectory(process.argv[1]) } : {}),
  })
  return leave(code ?? (outcome.ok ? 0 : 1))
}

/** `node <dir>` and `node <file>` are both ways to start a bundle. */
function scriptDirectory(argument: string): string {
  return /\.[cm]?[jt]s$/.test(argument) ? argument.replace(/[/\\][^/\\]*$/, '') || '/' : argument
}

/** Exits after what was written has left; whatever the author left running ends here. */
async function leave(code: number): Promise<never> {
  await new Promise<void>(resolve => process.stdout.write('', () => resolve()))
  process.exit(code)
}
