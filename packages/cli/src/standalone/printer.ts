import { inspect } from 'node:util'
import type { DocumentEvent, FileEvent, StackEvent } from '@konnectory/standalone'
import { formatBytes } from '../terminal/amounts.ts'
import { type Colours, withoutColours } from '../terminal/colours.ts'
import type { Terminal } from '../terminal/output.ts'
import { createProgressLine } from '../terminal/progress-line.ts'
import type { LogLine } from './log-line.ts'
import type { SecretMask } from './secrets.ts'
import { formatSummary, type Summary } from './summary.ts'

/** Shows a run: for people, or one JSON object per line. */
export interface Printer {
  event(event: StackEvent): void
  line(text: string, stream: 'stdout' | 'stderr', log: LogLine | undefined): void
  upload(name: string, bytes: number, total: number | undefined): void
  note(text: string): void
  warn(text: string): void
  error(text: string): void
  summary(summary: Summary): void
}

const MARKS = { created: '+', updated: '~', deleted: '-' } as const
const VERBS = { created: 'new', updated: 'updated', deleted: 'deleted' } as const
/** Attributes that say nothing about the thing itself. */
const HIDDEN = new Set(['_id', '_rev', '_type', 'id', 'cozyMetadata', 'metadata', 'relationships', 'links'])
const SHOWN = 8

export function createPrinter(terminal: Terminal, colours: Colours, json: boolean, mask: SecretMask): Printer {
  return json ? jsonPrinter(terminal, mask) : humanPrinter(terminal, colours, mask)
}

function humanPrinter({ stdout, stderr }: Terminal, colours: Colours, mask: SecretMask): Printer {
  const progress = createProgressLine(stderr as NodeJS.WriteStream)
  const say = (text: string, stream = stdout): void => {
    progress.clear()
    stream.write(`${text}\n`)
  }
  const paint = { created: colours.green, updated: colours.yellow, deleted: colours.red }
  return {
    event(event) {
      // A folder changes whenever something refers to it: no news for a person.
      if (event.kind === 'file' && event.file.type !== 'file' && event.action === 'updated') return
      const about = event.kind === 'file' ? describeFile(event) : describeDocument(event, mask)
      say(`${paint[event.action](`${MARKS[event.action]} ${VERBS[event.action]}`)} ${about}`)
    },
    line(text, stream, log) {
      const shown = log?.json ? formatLog(log, colours) : text
      say(mask.hide(shown), stream === 'stderr' ? stderr : stdout)
    },
    upload(name, bytes, total) {
      progress.show(`↓ ${name} ${formatBytes(bytes)}${total ? ` of ${formatBytes(total)}` : ''}`)
    },
    note: text => say(text),
    warn: text => say(`${colours.yellow('Warning')}: ${text}`, stderr),
    error: text => say(`${colours.red('ERROR')}: ${text}`, stderr),
    summary: summary => say(formatSummary(summary, colours).join('\n')),
  }
}

function jsonPrinter({ stdout, stderr }: Terminal, mask: SecretMask): Printer {
  const say = (value: object): void => void stdout.write(`${JSON.stringify(value)}\n`)
  return {
    event(event) {
      if (event.kind === 'document') {
        const { action, doctype, doc } = event
        say({ kind: 'document', action, doctype, id: doc._id, doc: mask.hideIn(doc) })
      } else {
        const { action, path, bytes, file } = event
        say({ kind: 'file', action, type: file.type, path, bytes, file: mask.hideIn(file) })
      }
    },
    line(text, stream, log) {
      const hidden = mask.hide(text)
      // A line that is JSON stays as the konnector wrote it; anything else would break the reader of ours.
      if (log?.json) stdout.write(`${hidden}\n`)
      else if (log)
        say({
          kind: 'log',
          type: log.type,
          message: mask.hide(log.message),
          ...(log.label ? { label: log.label } : {}),
        })
      else say({ kind: 'output', stream, text: withoutColours(hidden) })
    },
    upload() {},
    note() {},
    warn: text => void stderr.write(`Warning: ${text}\n`),
    error: text => {
      stderr.write(`ERROR: ${text}\n`)
      say({ kind: 'error', message: text })
    },
    summary: summary => say({ kind: 'summary', ...summary }),
  }
}

function describeFile({ file, path, bytes, action }: FileEvent): string {
  if (file.type !== 'file') return `folder ${path}`
  return `file ${path}${action !== 'deleted' && bytes > 0 ? ` (${formatBytes(bytes)})` : ''}`
}

function describeDocument({ doctype, doc, action, before }: DocumentEvent, mask: SecretMask): string {
  const name = `${doctype} ${doc._id}`
  if (action === 'deleted') return name
  const shown = mask.hideIn(doc) as Record<string, unknown>
  const entries = Object.entries(shown).filter(([key, value]) => {
    if (HIDDEN.has(key) || value === undefined) return false
    // Of an update, what changed.
    return !before || JSON.stringify(before[key]) !== JSON.stringify((doc as Record<string, unknown>)[key])
  })
  const parts = entries.slice(0, SHOWN).map(([key, value]) => `${key}: ${brief(value)}`)
  if (entries.length > SHOWN) parts.push(`… ${entries.length - SHOWN} more`)
  return parts.length > 0 ? `${name}\n    ${parts.join(', ')}` : name
}

function brief(value: unknown): string {
  const text = typeof value === 'string' ? value : inspect(value, { depth: 1, breakLength: Number.POSITIVE_INFINITY })
  const line = text.replace(/\s+/g, ' ')
  return line.length > 60 ? `${line.slice(0, 60)}…` : line
}

function formatLog({ type, message, label }: LogLine, colours: Colours): string {
  const paint: Record<string, (text: string) => string> = {
    debug: colours.dim,
    info: colours.blue,
    ok: colours.green,
    warn: colours.yellow,
    error: colours.red,
    critical: colours.red,
  }
  return `${(paint[type] ?? colours.dim)(type.padEnd(8))} ${label ? `${label}: ` : ''}${message}`
}
