/** Levels of `log` and the names authors use for them (`sdk/exports.md` section 23). */

export const LEVELS = { secret: 0, debug: 10, info: 20, warn: 30, error: 40, ok: 50, critical: 50 } as const

export type LogType = keyof typeof LEVELS

/**
 * Other names found in public konnectors (`sdk/real-usage.md` section 6), which upstream drops silently.
 * `err` and `Error` become `warn`, not `error`: an `error` line makes the job fail on a server even when the konnector goes
 * on (`protocol/konnector-runtime.md` section 5), and these lines never did. The line is shown, the outcome stays.
 */
const OTHER_NAMES: Record<string, LogType> = {
  warning: 'warn',
  err: 'warn',
  error: 'warn',
  fatal: 'critical',
  information: 'info',
  log: 'info',
  verbose: 'debug',
  trace: 'debug',
  silly: 'debug',
}

/**
 * @param name first argument of `log`
 * @returns the level it means; `undefined` for a word that means none
 */
export function levelOf(name: unknown): LogType | undefined {
  if (typeof name !== 'string') return undefined
  if (Object.hasOwn(LEVELS, name)) return name as LogType
  const lower = name.toLowerCase()
  // `ERROR` and `Error` are in OTHER_NAMES, so only the exact `error` fails a job
  if (Object.hasOwn(OTHER_NAMES, lower)) return OTHER_NAMES[lower]
  return Object.hasOwn(LEVELS, lower) ? (lower as LogType) : undefined
}
