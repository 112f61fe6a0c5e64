import { changeBetween, instantsOf, jumpOver, offsetAt, wallAt } from './zone.ts'

/** Slots of a schedule as wall times, in a zone yet to be said. */
export interface WallSlots {
  /** The first slot after a wall time; undefined: there is none. */
  next(wall: number): number | undefined
  /** Every hour is as good as any other: then real hours count, also those that the clocks show twice. */
  everyHour: boolean
}

/** Slots that clocks jump over, one by one, until one that they show: a whole hour of seconds, twice. */
const MOST_STEPS = 10_000

/**
 * The first instant of a schedule after another, so that over the years each slot has exactly one:
 * - a slot that the clocks jump over is at the moment of the jump, unless every hour has one;
 * - a slot that they show twice is the first time, unless every hour has one: then both times.
 */
export function nextInstant(slots: WallSlots, zone: string, after: number): number | undefined {
  let wall = wallAt(zone, after)
  for (let step = 0; step < MOST_STEPS; step++) {
    const slot = slots.next(wall)
    if (slot === undefined) return undefined
    const found = instantAfter(slots, zone, slot, after)
    if (found !== undefined) return slots.everyHour ? (again(slots, zone, after, found) ?? found) : found
    wall = slot
  }
  return undefined
}

function instantAfter(slots: WallSlots, zone: string, slot: number, after: number): number | undefined {
  const instants = instantsOf(zone, slot)
  const candidates =
    instants.length === 0
      ? slots.everyHour
        ? []
        : [jumpOver(zone, slot)]
      : slots.everyHour
        ? instants
        : instants.slice(0, 1)
  return candidates.find(instant => instant > after)
}

/** A slot in the hour that clocks show a second time, where it comes before the one found. */
function again(slots: WallSlots, zone: string, after: number, found: number): number | undefined {
  if (offsetAt(zone, after) <= offsetAt(zone, found)) return undefined
  const change = changeBetween(zone, after, found)
  const slot = slots.next(wallAt(zone, change) - 1)
  const instant = slot === undefined ? undefined : slot - offsetAt(zone, change)
  return instant !== undefined && instant > after && instant < found ? instant : undefined
}
