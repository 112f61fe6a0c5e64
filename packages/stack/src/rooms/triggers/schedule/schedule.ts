import type { TriggerRecord } from '../trigger.ts'
import { parseCrontab } from './crontab.ts'
import { parseGoDuration } from './duration.ts'
import { drawnSlots, type Frequency, parseWindow } from './periodic.ts'
import { nextInstant, type WallSlots } from './wall-slots.ts'

/** When a trigger is due, as its type and arguments say. */
export type Schedule =
  /** Once. */
  | { kind: 'at'; instant: number }
  /** Once, counted from its creation. */
  | { kind: 'in'; afterMs: number }
  | { kind: 'every'; everyMs: number }
  | { kind: 'wall'; slots: WallSlots; zone: string | undefined }
  /** Not by time. */
  | { kind: 'never' }

/** How late an `@at` may be and is done all the same (`protocol/jobs.md` §4). */
export const LATEST_MS = 86_400_000
const LEAST_EVERY_MS = 1000
const RFC_3339 = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/

/**
 * @param seed of the moment that is drawn for `@daily` and its like: the trigger's id
 * @returns undefined when the arguments cannot be read
 */
export function scheduleOf(
  { type, arguments: text }: Pick<TriggerRecord, 'type' | 'arguments'>,
  seed: string,
): Schedule | undefined {
  switch (type) {
    case '@at': {
      const instant = RFC_3339.test(text) ? Date.parse(text.toUpperCase().replace(' ', 'T')) : Number.NaN
      return Number.isNaN(instant) ? undefined : { kind: 'at', instant }
    }
    case '@in': {
      const afterMs = parseGoDuration(text)
      return afterMs === undefined ? undefined : { kind: 'in', afterMs }
    }
    case '@every': {
      const everyMs = parseGoDuration(text)
      return everyMs !== undefined && everyMs >= LEAST_EVERY_MS ? { kind: 'every', everyMs } : undefined
    }
    case '@cron': {
      const crontab = parseCrontab(text)
      if (!crontab) return undefined
      return 'everyMs' in crontab ? { kind: 'every', ...crontab } : { kind: 'wall', ...crontab }
    }
    case '@hourly':
    case '@daily':
    case '@weekly':
    case '@monthly': {
      const frequency = type.slice(1) as Frequency
      const window = parseWindow(frequency, text)
      return window && { kind: 'wall', slots: drawnSlots(frequency, window, seed), zone: undefined }
    }
    case '@event':
    case '@webhook':
    case '@client':
      return { kind: 'never' }
  }
}

/** @returns the first run of a trigger made `now`; undefined: it has none */
export function firstRun(schedule: Schedule, zone: string, now: number): number | undefined {
  switch (schedule.kind) {
    case 'at':
      return now - schedule.instant > LATEST_MS ? undefined : schedule.instant
    case 'in':
      return now + schedule.afterMs
    case 'every':
      return now + schedule.everyMs
    case 'wall':
      return nextInstant(schedule.slots, schedule.zone ?? zone, now)
    case 'never':
      return undefined
  }
}

/**
 * The run after one that was due at `slot`, later than `now`: those missed meanwhile are one, the one that is being done.
 * @returns undefined when that was the last
 */
export function nextRun(schedule: Schedule, zone: string, slot: number, now: number): number | undefined {
  switch (schedule.kind) {
    case 'every':
      // In step with the first, whatever was late.
      return slot + Math.max(1, Math.floor((now - slot) / schedule.everyMs) + 1) * schedule.everyMs
    case 'wall':
      return nextInstant(schedule.slots, schedule.zone ?? zone, Math.max(slot, now))
    default:
      return undefined
  }
}

export const runsOnce = ({ type }: Pick<TriggerRecord, 'type'>): boolean => type === '@at' || type === '@in'
