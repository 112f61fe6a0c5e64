import { type Env, isForPeople, readEnvironment } from './environment.ts'
import type { AnyKonnector } from './konnector.ts'
import { KonnectorError, verdictOn } from './konnector-error.ts'
import { createLogger, type Logger } from './logger.ts'
import { findManifest } from './manifest-source.ts'
import { createRunContext } from './run-context.ts'
import { createTimeLimit, type TimeLimit } from './time-limit.ts'

export interface ExecuteOptions {
  env: Env
  /** Takes the lines of the output protocol, each with its end of line. */
  write(text: string): void
  /** Stops the run. */
  signal?: AbortSignal
  /** For the vendor; default the global one. */
  fetch?: typeof globalThis.fetch
  /** For the stack; default the global one. An in-process stack passes its own. */
  stackFetch?: typeof globalThis.fetch
  /** Where `manifest.konnector` is looked for. Default the working directory. */
  cwd?: string
  /** Where a payload file lies (`COZY_PAYLOAD=@file`). Default `cwd`: the server starts a konnector in its own directory. */
  scriptDir?: string
}

export type Outcome = { ok: true } | { ok: false; error: unknown; message: string }

/**
 * One run, from the environment to the last line; touches no process state, so that a test is a function call.
 * Never rejects. A failure has been written as a `critical` line.
 */
export async function execute(konnector: AnyKonnector, options: ExecuteOptions): Promise<Outcome> {
  const cwd = options.cwd ?? process.cwd()
  let log = loggerFor(options, konnector.manifest?.slug)
  let limit: TimeLimit | undefined
  try {
    const manifest = findManifest(konnector.manifest, cwd)
    log = loggerFor(options, manifest.slug)
    const environment = readEnvironment(options.env, options.scriptDir ?? cwd)
    limit = createTimeLimit(environment.timeLimit, options.signal, Date.now())
    const { signal, overdue } = limit
    signal.throwIfAborted()

    const work = async (limit: TimeLimit) => {
      const { context, session } = await createRunContext({ ...options, konnector, environment, manifest, log, limit })
      if (environment.message.account_deleted) {
        if (!konnector.onDeleteAccount) log.warn('the account was removed, and this konnector has no onDeleteAccount')
        await konnector.onDeleteAccount?.(context)
        return
      }
      await konnector.run(context)
      await session.finish()
    }
    await Promise.race([work(limit), overdue])
    return { ok: true }
  } catch (thrown) {
    // What fails after an abort fails because of it, unless the author says something of their own.
    const aborted = limit?.signal.aborted ? limit.signal : undefined
    const error = aborted && !(thrown instanceof KonnectorError) ? aborted.reason : thrown
    return { ok: false, error, message: report(log, error) }
  } finally {
    limit?.end()
  }
}

/** The server cuts messages far earlier; the older library's limit (`exports.md` section 3). */
const CRITICAL_LIMIT = 32_767

/** Writes the end of a run that failed. */
export function report(log: Logger, error: unknown, label?: string): string {
  const { message, noRetry } = verdictOn(error)
  if (error instanceof KonnectorError && error.detail) log.warn(error.detail, error.code)
  if (error instanceof Error) log.debug(describe(error), 'failure')
  const text = message.slice(0, CRITICAL_LIMIT)
  log.structured('critical', text, label, noRetry ? { no_retry: true } : {})
  return text
}

/** The logger of a run, before and after its manifest is known. */
export function loggerFor(options: Pick<ExecuteOptions, 'env' | 'write'>, slug: unknown): Logger {
  return createLogger({
    write: options.write,
    namespace: typeof slug === 'string' ? slug : 'konnectory',
    human: isForPeople(options.env),
    colours: hasColours(options.env),
    threshold: options.env.LOG_LEVEL,
  })
}

/** Colours on a terminal only; FORCE_COLOR and NO_COLOR decide when set. */
function hasColours({ FORCE_COLOR, NO_COLOR }: Env): boolean {
  if (FORCE_COLOR !== undefined) return FORCE_COLOR !== '0' && FORCE_COLOR !== 'false'
  return process.stdout.isTTY === true && !NO_COLOR
}

function describe(error: Error): string {
  const cause = error.cause instanceof Error ? `\ncaused by ${describe(error.cause)}` : ''
  return `${error.stack ?? error.message}${cause}`
}
