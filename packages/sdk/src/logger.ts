import { LEVELS, type LogLevel, messageText, toHumanLine, toJsonLine } from './log-line.ts'
import { createSecretMask, type SecretMask } from './secrets.ts'

/** `log('info', 'text', 'label')`, or `log.info('text', 'label')`. */
export interface Log {
  (level: LogLevel, message: unknown, label?: string): void
  debug(message: unknown, label?: string): void
  info(message: unknown, label?: string): void
  /** Something to look at; the run goes on. */
  warn(message: unknown, label?: string): void
  /** **The job fails even if the run ends well** (`exports.md` section 23): use `warn` for what the run survives. */
  error(message: unknown, label?: string): void
  /** The job's error. Throwing is the usual way to get one. */
  critical(message: unknown, label?: string): void
}

export interface Logger extends Log {
  /** A line with further members. */
  structured(level: LogLevel, message: string, label: string | undefined, extra: Record<string, unknown>): void
  /** From now on this value is shown as `***` wherever a line holds it. */
  hide: SecretMask['hide']
  /** The same for the secrets among an account's fields. */
  hideFields: SecretMask['hideFields']
}

export interface LoggerOptions {
  write(text: string): void
  namespace: string
  /** Coloured lines for people instead of JSON. */
  human: boolean
  /** Least level shown; default `debug`. An unknown one counts as the default. */
  threshold?: string | undefined
  colours?: boolean
  now?: () => Date
}

export function createLogger(options: LoggerOptions): Logger {
  const least = LEVELS[options.threshold as LogLevel] ?? LEVELS.debug
  const { hide, hideFields, mask } = createSecretMask()

  function structured(level: LogLevel, message: string, label?: string, extra?: Record<string, unknown>) {
    if (!(LEVELS[level] >= least)) return
    const time = options.now?.() ?? new Date()
    const { namespace } = options
    const line = { time, type: level, label: label && mask(label), namespace, message: mask(message), extra }
    options.write(`${options.human ? toHumanLine(line, options.colours) : toJsonLine(line)}\n`)
  }
  const log = (level: LogLevel, message: unknown, label?: string) =>
    structured(level, messageText(message, options.human), label)

  return Object.assign(log, {
    debug: (message: unknown, label?: string) => log('debug', message, label),
    info: (message: unknown, label?: string) => log('info', message, label),
    warn: (message: unknown, label?: string) => log('warn', message, label),
    error: (message: unknown, label?: string) => log('error', message, label),
    critical: (message: unknown, label?: string) => log('critical', message, label),
    structured,
    hide,
    hideFields,
  })
}
