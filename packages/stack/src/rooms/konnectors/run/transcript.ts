import { type OutputLine, readMessage } from '@konnectory/runner'
import type { Clock } from '#ground/clock'
import type { LineStore, RunLine } from './line-store.ts'
import type { LastWords } from './outcome.ts'

/** What a run is doing, as it says itself (`@konnectory/sdk` progress, and `stage` lines of anybody). */
export interface Stage {
  name: string
  done?: number
  total?: number
}

export interface TranscriptOptions {
  clock: Clock
  lines: LineStore
  instanceId: string
  jobId: string
  mask(text: string): string
  /** Number of the last line of an attempt before. */
  from: number
  /** Each understood line, for realtime. */
  onMessage(message: { type: string; message: string }): void
  /** Each line kept, for who follows. */
  onLine(line: RunLine): void
  onStage(stage: Stage): void
}

/** Lines kept of one job; a konnector that prints a page per document fills no disk. The last words are kept in any case. */
const MOST_LINES = 5000
const MOST_CHARACTERS = 4000
/** Lines written together: one statement for a burst, and nobody who follows waits longer than this. */
const WRITE_EVERY_MS = 250

const LEVELS: Record<string, RunLine['level']> = {
  debug: 'debug',
  info: 'info',
  warning: 'warning',
  warn: 'warning',
  error: 'error',
  critical: 'critical',
}

/** Turns the output of a konnector into its log, its last words and its stages (`protocol/konnector-runtime.md` §5). */
export function createTranscript({
  clock,
  lines,
  instanceId,
  jobId,
  mask,
  from,
  onMessage,
  onLine,
  onStage,
}: TranscriptOptions) {
  const words: LastWords = { critical: undefined, error: undefined, noRetry: false }
  let number = from
  let dropped = 0
  let waiting: RunLine[] = []
  let timer: NodeJS.Timeout | undefined
  let writing: Promise<void> = Promise.resolve()
  let failure: unknown

  const flush = () => {
    clearTimeout(timer)
    timer = undefined
    const batch = waiting
    waiting = []
    writing = writing
      .then(() => lines.append(instanceId, jobId, batch))
      .catch(error => {
        failure ??= error
      })
  }

  const keep = (level: RunLine['level'], text: string, label?: string) => {
    const always = level === 'critical' || level === 'error' || level === 'remark'
    if (number - from >= MOST_LINES && !always) {
      dropped += 1
      return
    }
    number += 1
    const message = mask(text).slice(0, MOST_CHARACTERS)
    const line: RunLine = {
      number,
      at: clock.now().toISOString(),
      level,
      message,
      ...(label !== undefined && { label: mask(label).slice(0, 200) }),
    }
    waiting.push(line)
    onLine(line)
    timer ??= setTimeout(flush, WRITE_EVERY_MS)
  }

  const understood = (text: string): boolean => {
    const message = readMessage(text)
    if (!message) return false
    const { type } = message
    const masked = mask(message.message)
    onMessage({ type, message: masked })
    if (type === 'critical') {
      words.critical = masked
      words.noRetry ||= message.noRetry
    }
    if (type === 'error') words.error = masked
    const level = LEVELS[type]
    const { label, stage, done, total } = JSON.parse(text) as Record<string, unknown>
    if (level) keep(level, message.message, typeof label === 'string' ? label : undefined)
    if (label === 'stage' && typeof stage === 'string') onStage({ name: mask(stage).slice(0, 100) })
    if (label === 'progress' && typeof stage === 'string' && typeof done === 'number')
      onStage({ name: mask(stage).slice(0, 100), done, ...(typeof total === 'number' && { total }) })
    return true
  }

  return {
    words: words as Readonly<LastWords>,

    take({ stream, text, cutFrom }: OutputLine): void {
      if (stream === 'runner') keep('remark', text)
      else if (stream === 'stderr') keep('error', text, 'stderr')
      else if (cutFrom === undefined && understood(text)) return
      else keep('text', cutFrom === undefined ? text : `${text.slice(0, 500)}… (a line of ${cutFrom} bytes)`)
    },

    /** A remark of the server's own. */
    remark: (text: string) => keep('remark', text),

    /** Writes what is left. @throws what a write failed with */
    async end(): Promise<number> {
      if (dropped > 0) keep('remark', `${dropped} more lines were not kept`)
      flush()
      await writing
      if (failure) throw failure
      return number
    },
  }
}

export type Transcript = ReturnType<typeof createTranscript>
