import { CronExpressionParser } from 'cron-parser'
import { parseGoDuration } from './duration.ts'
import type { WallSlots } from './wall-slots.ts'
import { isZone } from './zone.ts'

/** What a crontab says (`protocol/jobs.md` §4). */
export type Crontab = { everyMs: number } | { slots: WallSlots; zone: string | undefined }

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat']

interface Field {
  least: number
  most: number
  names?: { list: string[]; from: number }
  /** `?` stands for `*`. */
  question?: true
}

const FIELDS: Field[] = [
  { least: 0, most: 59 },
  { least: 0, most: 59 },
  { least: 0, most: 23 },
  { least: 1, most: 31, question: true },
  { least: 1, most: 12, names: { list: MONTHS, from: 1 } },
  { least: 0, most: 6, names: { list: DAYS, from: 0 }, question: true },
]

const PRESETS: Record<string, string> = {
  '@yearly': '0 0 0 1 1 *',
  '@annually': '0 0 0 1 1 *',
  '@monthly': '0 0 0 1 * *',
  '@weekly': '0 0 0 * * 0',
  '@daily': '0 0 0 * * *',
  '@midnight': '0 0 0 * * *',
  '@hourly': '0 0 * * * *',
}

const LONGEST = 1000
const LEAST_EVERY_MS = 1000

/** @returns undefined when it is no crontab, or one that never comes (30 February) */
export function parseCrontab(text: string): Crontab | undefined {
  if (text.length > LONGEST) return undefined
  const [, zone, rest = ''] = /^(?:(?:CRON_)?TZ=(\S+)\s+)?(.*)$/s.exec(text.trim()) ?? []
  if (zone !== undefined && !isZone(zone)) return undefined
  const every = /^@every\s+(\S+)$/.exec(rest)?.[1]
  if (every !== undefined) {
    const everyMs = parseGoDuration(every)
    return everyMs !== undefined && everyMs >= LEAST_EVERY_MS ? { everyMs } : undefined
  }
  const slots = cronSlots(rest.startsWith('@') ? (PRESETS[rest] ?? '') : rest)
  return slots && { slots, zone }
}

function cronSlots(expression: string): WallSlots | undefined {
  const given = expression.split(/\s+/)
  const texts = given.length === 5 ? ['0', ...given] : given
  if (texts.length !== FIELDS.length) return undefined
  const fields = texts.map((text, index) => parseField(text, FIELDS[index]!))
  if (fields.some(field => field === undefined)) return undefined
  const hours = fields[2]
  // In numbers only, so that it is our grammar that counts and not the library's.
  const plain = fields.map(field => (field === 'any' ? '*' : field!.join(','))).join(' ')
  const next = (wall: number): number | undefined => {
    try {
      return CronExpressionParser.parse(plain, { currentDate: new Date(wall), tz: 'UTC' })
        .next()
        .getTime()
    } catch {
      return undefined // How the library says that there is none.
    }
  }
  if (next(0) === undefined) return undefined
  return { next, everyHour: hours === 'any' || hours?.length === 24 }
}

/** @returns the values, in order; `any` for all without saying so; undefined when it cannot be read */
function parseField(text: string, field: Field): number[] | 'any' | undefined {
  if (text === '*' || (text === '?' && field.question)) return 'any'
  const values = new Set<number>()
  for (const item of text.split(',')) {
    const range = parseItem(item, field)
    if (!range) return undefined
    for (let value = range.from; value <= range.to; value += range.step) values.add(value)
  }
  return [...values].sort((one, other) => one - other)
}

function parseItem(item: string, field: Field): { from: number; to: number; step: number } | undefined {
  const [range = '', step, ...more] = item.split('/')
  if (more.length > 0 || (step !== undefined && !/^[1-9]\d{0,3}$/.test(step))) return undefined
  const width = step === undefined ? 1 : Number(step)
  if (range === '*' || (range === '?' && field.question)) return { from: field.least, to: field.most, step: width }
  const [first = '', last, ...others] = range.split('-')
  const from = parseValue(first, field)
  // `5/10` goes on to the end.
  const to = last === undefined ? (step === undefined ? from : field.most) : parseValue(last, field)
  if (others.length > 0 || from === undefined || to === undefined || from > to) return undefined
  return { from, to, step: width }
}

function parseValue(text: string, { least, most, names }: Field): number | undefined {
  const name = names ? names.list.indexOf(text.toLowerCase()) : -1
  const value = name >= 0 ? name + names!.from : /^\d{1,2}$/.test(text) ? Number(text) : Number.NaN
  return value >= least && value <= most ? value : undefined
}
