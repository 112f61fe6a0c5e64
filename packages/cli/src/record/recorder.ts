import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { UsageError } from '../terminal/output.ts'
import type { Exchange } from './exchange.ts'
import { type Har, type HarEntry, harEntry } from './har.ts'
import { Dictionary, SHORTEST } from './scrub/dictionary.ts'
import { learnExchange } from './scrub/learn.ts'
import { fieldPlaceholder } from './scrub/placeholders.ts'

export interface RecorderOptions {
  /** The config's fields, as the konnector got them. */
  fields: Record<string, unknown>
  /** Values of fields that choose and do not tell who somebody is: kept as they are (the options of a `dropdown`). */
  choices?: Record<string, string[]>
  /** More strings to replace, from the config's `scrub`. */
  scrub?: string[]
  /** Codes that were typed on the way. */
  twoFactorCodes?: string[]
  keepFiles?: boolean
  slug?: string
  /** Epoch milliseconds of the run's start. */
  startedAt: number
}

/** A recording that can be replayed. */
export interface Recording {
  har: Har
  /** Fields whose value is too short to be looked for in texts. */
  notScrubbed: string[]
}

/** @returns the recording of a run: everything is learned from all exchanges first, then each is scrubbed. */
export function makeRecording(exchanges: Exchange[], outcome: string, options: RecorderOptions): Recording {
  const dictionary = new Dictionary()
  const notScrubbed: string[] = []
  const fields: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(options.fields)) {
    const text = typeof value === 'number' ? String(value) : value
    const isChoice = typeof text === 'string' && options.choices?.[name]?.includes(text)
    if (typeof text !== 'string' || text === '' || isChoice) fields[name] = value
    else {
      if (text.length < SHORTEST) notScrubbed.push(name)
      fields[name] = dictionary.set(text, fieldPlaceholder(name, text), true)
    }
  }
  const twoFactorCodes = (options.twoFactorCodes ?? []).map((code, i) =>
    dictionary.set(code, fieldPlaceholder(`two-factor-${i + 1}`, code), true),
  )
  // A field may hold an object (advanced options of old configs): whatever text is in it counts as personal.
  for (const text of [...nestedTexts(Object.values(options.fields)), ...(options.scrub ?? [])])
    if (text.length >= SHORTEST) dictionary.learn(text, 'personal', count => `konnectory-personal-${count}`)

  const ordered = [...exchanges].sort((a, b) => a.startedAt - b.startedAt)
  for (const exchange of ordered) learnExchange(dictionary, exchange)
  const entries = ordered.map((exchange, i) => harEntry(exchange, dictionary, i + 1, options.keepFiles === true))
  for (const [name, value] of Object.entries(fields))
    if (value !== null && typeof value === 'object') fields[name] = scrubDeep(value, dictionary)
  return {
    notScrubbed,
    har: {
      log: {
        version: '1.2',
        creator: { name: 'konnectory', version: '0.1.0' },
        entries,
        _konnectory: {
          recordedAt: new Date(options.startedAt).toISOString(),
          timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone,
          fields,
          outcome: dictionary.scrub(outcome),
          ...(options.slug ? { slug: options.slug } : {}),
          ...(twoFactorCodes.length > 0 ? { twoFactorCodes } : {}),
        },
      },
    },
  }
}

/** Writes a recording; an interrupted write leaves the former one whole. */
export async function saveRecording(file: string, recording: Recording): Promise<void> {
  await mkdir(dirname(file), { recursive: true })
  await writeFile(`${file}.part`, `${JSON.stringify(recording.har, null, 2)}\n`)
  await rename(`${file}.part`, file)
}

/** @throws UsageError that says how to make a recording when there is none, or what is wrong with the file */
export async function loadRecording(file: string): Promise<Har> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    throw new UsageError(`There is no recording ${file}. Make one with: konnectory standalone --record`)
  }
  const har = parse(file, text)
  if (!Array.isArray(har?.log?.entries))
    throw new UsageError(`${file} is not a HAR file. Make it anew with: konnectory standalone --record`)
  // A HAR saved by a browser replays too: its first request tells the time.
  har.log._konnectory ??= {
    recordedAt: (har.log.entries[0] as HarEntry | undefined)?.startedDateTime ?? '2020-01-01T00:00:00.000Z',
    timeZone: 'UTC',
    fields: {},
    outcome: 'done',
  }
  return har
}

function parse(file: string, text: string): Har {
  try {
    return JSON.parse(text) as Har
  } catch (error) {
    throw new UsageError(
      `${file} is not JSON: ${(error as Error).message}. Make it anew with: konnectory standalone --record`,
    )
  }
}

function nestedTexts(values: unknown[]): string[] {
  return values.flatMap(value => {
    if (value === null || typeof value !== 'object') return []
    return Object.values(value).flatMap(item => (typeof item === 'string' ? [item] : nestedTexts([item])))
  })
}

function scrubDeep(value: unknown, dictionary: Dictionary): unknown {
  if (typeof value === 'string') return dictionary.get(value) ?? dictionary.scrub(value)
  if (Array.isArray(value)) return value.map(item => scrubDeep(item, dictionary))
  if (value !== null && typeof value === 'object')
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, scrubDeep(item, dictionary)]))
  return value
}
