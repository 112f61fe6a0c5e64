import { inspect } from 'node:util'
import { LEVELS, type LogType, levelOf } from './log-level.ts'
import { maskSecrets } from './secrets.ts'

export { LEVELS, type LogType, levelOf } from './log-level.ts'
export { forgetSecrets, maskSecrets, registerSecret, registerSecretFields } from './secrets.ts'

/**
 * Writes one line.
 * @param type `debug`, `info`, `warn`, `error` (makes the job fail), `ok`, `critical` (the job's error) or `secret` (not shown
 *   unless `LOG_LEVEL=secret`); `warning`, `err` and other common names are understood, see `log-level.ts`
 * @param message text, or an object: its `message` in production, the whole object in development
 * @param label optional word that says what the message is about
 * @param namespace who speaks; default the library's
 */
export type Log = (type: LogType | (string & {}), message?: unknown, label?: string, namespace?: string) => void

/** What a filter of `addFilter` sees; returning false drops the line. */
export type LogFilter = (level: string, type: string, message: unknown, label?: string, namespace?: string) => boolean

/** The server stops reading a konnector's output at a line of 64 KiB (`konnector-runtime.md` section 5). */
const LONGEST_LINE = 65535

const filters: LogFilter[] = []
let chosenLevel: string | undefined

/** The library's namespace, upstream's name: servers and tools filter on it. */
export const DEFAULT_NAMESPACE = 'cozy-konnector-libs'

/**
 * Always on standard output: coloured text when NODE_ENV is development, standalone or test, else one JSON object per line.
 * Values given to `registerSecret` are masked in both.
 * @throws when `message` is a `Secret` and `type` is not `secret`
 */
export const log: Log = (type, message, label, namespace = DEFAULT_NAMESPACE) => {
  let level = levelOf(type)
  if (level === undefined) {
    // `log('something happened')` and invented types were lost upstream. Shown as info: an unknown word must not fail a job.
    level = 'info'
    if (message === undefined) message = type
    else label ??= String(type)
  }
  write(level, message, label, namespace)
}

function write(type: LogType, message: unknown, label: string | undefined, namespace: string): void {
  if (message instanceof Secret && type !== 'secret') throw new Error('You should log a secret with log.secret')
  const threshold = currentLevel()
  if (LEVELS[type] < LEVELS[threshold]) return
  for (const filter of filters) if (filter(threshold, type, message, label, namespace) === false) return
  console.log(isHumanMode() ? humanLine(type, message, label, namespace) : jsonLine(type, message, label, namespace))
}

/** Lines under this level are not shown; wins over `LOG_LEVEL`. @throws on an unknown level */
export function setLevel(level: string): void {
  if (levelOf(level) === undefined)
    throw new Error(`Unknown log level ${level}. Known: ${Object.keys(LEVELS).join(', ')}`)
  chosenLevel = level
}

/** Adds a function that may drop lines by returning false. */
export function addFilter(filter: LogFilter): void {
  filters.push(filter)
}

/**
 * Marks an error so that the server does not try the job again.
 * @returns true when it could be marked
 */
export function setNoRetry(error: unknown): boolean {
  if (typeof error !== 'object' || error === null) return false
  Object.assign(error, { no_retry: true })
  return true
}

/** @returns a `log` that speaks in this name, with one method per level */
export function namespace(name: string): NamespacedLog {
  const methods = Object.keys(LEVELS).map(type => [
    type,
    (message: unknown, label?: string) => log(type, message, label, name),
  ])
  return Object.fromEntries(methods) as NamespacedLog
}

export type NamespacedLog = Record<LogType, (message: unknown, label?: string) => void>

/**
 * An object that refuses to become text by accident. Properties are read as usual; the copy is shallow.
 */
export class Secret {
  [property: string]: unknown

  constructor(data: object) {
    Object.assign(this, data)
  }

  toString(): string {
    throw new Error('Cannot convert Secret to string')
  }
}

function currentLevel(): LogType {
  // An unknown LOG_LEVEL hid every line upstream; a typing mistake should not hide the errors.
  return levelOf(chosenLevel ?? process.env.LOG_LEVEL) ?? 'debug'
}

function isHumanMode(): boolean {
  return ['development', 'standalone', 'test'].includes(process.env.NODE_ENV ?? '')
}

/** Colours on a terminal only; NO_COLOR and FORCE_COLOR decide when set. */
function hasColors(): boolean {
  const { NO_COLOR, FORCE_COLOR } = process.env
  if (FORCE_COLOR !== undefined) return FORCE_COLOR !== '0' && FORCE_COLOR !== 'false'
  return process.stdout.isTTY === true && !NO_COLOR
}

const COLORS: Record<LogType, number> = { secret: 31, debug: 36, info: 34, warn: 33, error: 31, ok: 32, critical: 31 }

function humanLine(type: LogType, message: unknown, label: string | undefined, namespace: string): string {
  const colors = hasColors()
  const paint = (code: number, text: string) => (colors ? `\u001b[${code}m${text}\u001b[39m` : text)
  const body = typeof message === 'string' ? message : inspect(message, { colors, depth: 4, maxArrayLength: null })
  const name = namespace ? paint(35, `${namespace}: `) : ''
  return maskSecrets(`${name}${paint(COLORS[type], type)}${label ? ` : "${label}" ` : ''} : ${body}`)
}

function jsonLine(type: LogType, message: unknown, label: string | undefined, namespace: string): string {
  const line: Record<string, unknown> = { time: new Date(), type, label, namespace }
  let text: unknown = message
  if (typeof message === 'object') {
    const { no_retry, message: inner } = (message ?? {}) as { no_retry?: unknown; message?: unknown }
    if (no_retry) line.no_retry = no_retry
    text = inner
  }
  // The server takes a line for JSON only when its message is a string.
  if (text !== undefined && text !== null) line.message = maskSecrets(typeof text === 'string' ? text : toText(text))
  if (typeof label === 'string') line.label = maskSecrets(label)
  return cut(line)
}

function toText(value: unknown): string {
  return typeof value === 'object' ? inspect(value, { depth: 4 }) : String(value)
}

/** JSON of at most 65535 bytes. Upstream cut the JSON text itself, which left a line that no reader could parse. */
function cut(line: Record<string, unknown>): string {
  const whole = JSON.stringify(line)
  if (Buffer.byteLength(whole) <= LONGEST_LINE || typeof line.message !== 'string') return whole
  let keep = line.message.length
  for (;;) {
    const text = JSON.stringify({ ...line, message: line.message.slice(0, keep) })
    const tooMuch = Buffer.byteLength(text) - LONGEST_LINE
    if (tooMuch <= 0) return text
    // One character takes at most 6 bytes of JSON, so this approaches from above and ends.
    keep -= Math.ceil(tooMuch / 6)
    if (keep <= 0) return JSON.stringify({ ...line, message: '' })
  }
}
