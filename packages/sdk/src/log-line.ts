import { inspect } from 'node:util'

/** Levels of a log line, in order of weight (`sdk/exports.md` section 23). */
export const LEVELS = { debug: 10, info: 20, warn: 30, error: 40, critical: 50 } as const
export type LogLevel = keyof typeof LEVELS

export interface LogLine {
  time: Date
  type: LogLevel
  label?: string | undefined
  namespace: string
  message: string
  /** More members of the JSON line: `stage`, `done`, `total`, `no_retry`. */
  extra?: Record<string, unknown> | undefined
}

/** The server stops reading stdout after a line of 64 KiB (`protocol/konnector-runtime.md` section 5). */
const LINE_LIMIT = 65_535

/** One JSON line of the server's protocol, without its end of line; cut so that it stays under 64 KiB of UTF-8. */
export function toJsonLine(line: LogLine): string {
  for (let message = line.message; ; message = message.slice(0, Math.floor(message.length / 2))) {
    const { time, type, label, namespace, extra } = line
    const text = JSON.stringify({ time: time.toISOString(), type, label, namespace, ...extra, message })
    if (Buffer.byteLength(text) < LINE_LIMIT || message === '') return text
  }
}

const COLOURS: Record<LogLevel, number> = { debug: 36, info: 34, warn: 33, error: 31, critical: 31 }

/** The line for people: `<namespace>: <type> : "<label>"  : <message>`. */
export function toHumanLine(line: LogLine, colours = true): string {
  const paint = (code: number, text: string) => (colours ? `\u001b[${code}m${text}\u001b[39m` : text)
  const label = line.label ? ` : "${line.label}" ` : ''
  return `${paint(35, line.namespace)}: ${paint(COLOURS[line.type], line.type)}${label} : ${line.message}`
}

/** A message as text: an Error's own, an object's `message`, else the value as it is written in JavaScript. */
export function messageText(message: unknown, forPeople: boolean): string {
  if (typeof message === 'string') return message
  if (message instanceof Error) return forPeople ? (message.stack ?? message.message) : message.message
  if (typeof message === 'object' && message !== null && 'message' in message && typeof message.message === 'string') {
    return message.message
  }
  return inspect(message, { depth: 4, breakLength: forPeople ? 80 : Number.POSITIVE_INFINITY, maxStringLength: 4000 })
}
