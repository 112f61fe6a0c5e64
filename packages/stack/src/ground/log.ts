import type { Clock } from './clock.ts'
import { createMask } from './mask.ts'

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]
export type LogFields = Record<string, unknown>

/** One line per event: a sentence for people, fields for programs. Secrets are masked in both. */
export interface Log {
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
  /** The same log; every line also carries `fields`. */
  with(fields: LogFields): Log
  /** From now on this very text is masked wherever it turns up, in this log and in those made from it. */
  hide(secret: string): void
}

export interface LogOptions {
  level: LogLevel
  clock: Clock
  /** Gets each line, JSON with a line feed at its end. */
  write(line: string): void
}

/** Makes a log that writes JSON lines: `{"time","level","message", …fields}`. */
export function createLog({ level, clock, write }: LogOptions): Log {
  const least = LOG_LEVELS.indexOf(level)
  const mask = createMask()

  const bound = (carried: LogFields): Log => {
    const at =
      (name: Exclude<LogLevel, 'silent'>) =>
      (message: string, fields: LogFields = {}) => {
        if (LOG_LEVELS.indexOf(name) < least) return
        const time = clock.now().toISOString()
        const masked = mask.fields({ ...carried, ...fields })
        write(`${JSON.stringify({ time, level: name, message: mask.text(message), ...masked })}\n`)
      }
    return {
      debug: at('debug'),
      info: at('info'),
      warn: at('warn'),
      error: at('error'),
      with: fields => bound({ ...carried, ...fields }),
      hide: mask.hide,
    }
  }
  return bound({})
}
