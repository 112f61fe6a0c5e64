import { createHash } from 'node:crypto'
import type { WallSlots } from './wall-slots.ts'

/** How often, of `@hourly` and its like. */
export type Frequency = 'hourly' | 'daily' | 'weekly' | 'monthly'

/** When it is allowed (`protocol/jobs.md` §4). */
export interface Window {
  /** Hours of the day, the end excluded. */
  hours: { start: number; end: number }
  /** Weekly: 0 is Sunday. Monthly: 1 to 31. */
  days: number[]
}

const DAYS = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday']
const GROUPS: Record<string, number[]> = { weekday: [1, 2, 3, 4, 5], weekend: [6, 0] }
const LONGEST = 1000

/** @returns undefined when the arguments cannot be read */
export function parseWindow(frequency: Frequency, text: string): Window | undefined {
  if (text.length > LONGEST) return undefined
  const words = text
    .trim()
    .replace(/\s*([,-])\s*/g, '$1')
    .split(/\s+/)
    .filter(word => word !== '')
  let start: number | undefined
  let end: number | undefined
  let days: number[] | undefined
  for (let at = 0; at < words.length; at++) {
    const word = words[at]
    if (word === 'on') {
      if (days || (frequency !== 'weekly' && frequency !== 'monthly')) return undefined
      if (frequency === 'monthly' && words[++at] !== 'the') return undefined
      days = parseDays(words[++at] ?? '', frequency === 'weekly' ? weekDays : monthDays)
      if (!days) return undefined
    } else if (word === 'after' || word === 'between') {
      if (start !== undefined) return undefined
      start = parseHour(words[++at], 0)
      if (start === undefined) return undefined
    } else if (word === 'before' || word === 'and') {
      if (end !== undefined) return undefined
      end = parseHour(words[++at], 24)
      if (end === undefined) return undefined
    } else return undefined
  }
  const hours = { start: start ?? 0, end: end ?? 24 }
  if (hours.start >= hours.end) return undefined
  return { hours, days: days ?? (frequency === 'monthly' ? range(1, 28) : range(0, 6)) }
}

/** @param midnight what 12am is: 0 as a beginning, 24 as an end */
function parseHour(word: string | undefined, midnight: 0 | 24): number | undefined {
  const [, digits, half] = /^(\d{1,2})(am|pm)$/.exec(word ?? '') ?? []
  const hour = Number(digits)
  if (half === undefined || hour < 1 || hour > 12) return undefined
  if (hour === 12) return half === 'am' ? midnight : 12
  return half === 'am' ? hour : hour + 12
}

type ItemReader = (item: string) => number[] | undefined

function parseDays(list: string, read: ItemReader): number[] | undefined {
  const found = list.split(',').map(read)
  if (found.some(days => days === undefined)) return undefined
  return [...new Set(found.flat() as number[])].sort((one, other) => one - other)
}

const weekDays: ItemReader = item => {
  if (Object.hasOwn(GROUPS, item)) return GROUPS[item]
  const [from, to, ...more] = item.split('-').map(dayOf)
  if (from === undefined || more.length > 0 || (item.includes('-') && to === undefined)) return undefined
  if (to === undefined) return [from]
  // A week goes round: `sat-mon` is three days.
  return range(from, to < from ? to + 7 : to).map(day => day % 7)
}

function dayOf(name: string): number | undefined {
  const day = DAYS.findIndex(full => name === full || name === full.slice(0, 3))
  return day < 0 ? undefined : day
}

const monthDays: ItemReader = item => {
  const [, first, last] = /^(\d{1,2})(?:-(\d{1,2}))?$/.exec(item) ?? []
  const [from, to] = [Number(first), Number(last ?? first)]
  return from >= 1 && to <= 31 && from <= to ? range(from, to) : undefined
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, index) => from + index)

const SECOND_MS = 1000
const HOUR_MS = 3_600_000
const DAY_MS = 86_400_000

/** A moment of the window, the same each time, spread evenly over all that draw with other seeds. */
export function drawnSlots(frequency: Frequency, { hours, days }: Window, seed: string): WallSlots {
  const drawn = createHash('sha256').update(seed).digest()
  const draw = (place: number, choices: number) => Number(drawn.readBigUInt64BE(8 * place) % BigInt(choices))
  if (frequency === 'hourly') {
    const within = draw(0, 3600) * SECOND_MS
    return {
      everyHour: true,
      next: wall =>
        firstAfter(
          wall,
          HOUR_MS,
          start => start + within,
          () => true,
        ),
    }
  }
  const within = hours.start * HOUR_MS + draw(0, (hours.end - hours.start) * 3600) * SECOND_MS
  const day = days[draw(1, days.length)]!
  const fits: Record<Exclude<Frequency, 'hourly'>, (start: number) => boolean> = {
    daily: () => true,
    weekly: start => new Date(start).getUTCDay() === day,
    monthly: start => isThe(start, day),
  }
  return { everyHour: false, next: wall => firstAfter(wall, DAY_MS, start => start + within, fits[frequency]) }
}

function firstAfter(
  wall: number,
  step: number,
  slotOf: (start: number) => number,
  fits: (start: number) => boolean,
): number {
  for (let start = Math.floor(wall / step) * step; ; start += step)
    if (fits(start) && slotOf(start) > wall) return slotOf(start)
}

/** Each month has the slot: where it has no such day, on its last. */
function isThe(start: number, day: number): boolean {
  const date = new Date(start)
  const last = new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate()
  return date.getUTCDate() === Math.min(day, last)
}
