import type { NewsEvent } from '../news/contract.ts'

/** A position in a feed. */
export interface Place {
  first: number
  epoch: string
}

/** The part of a commit that is in one feed. */
export interface Entry {
  /** In the order in which they were opened. */
  number: number
  /** Undefined until the database has said where. */
  place: Place | undefined
  /** It was opened under the feed's lock: what is opened later comes later. */
  locked: boolean
  /** What was on disk when it was opened: it comes after that. */
  after: Place
  /** To be told without looking at what is before it. */
  early: boolean
  /** Of a commit that is done. */
  events: NewsEvent[] | undefined
  told?: () => void
}

/** Where another entry stands. */
export type Standing = Pick<Entry, 'number' | 'locked'> & { place: Place }

/**
 * Whether an entry may be, in its feed, before another place. Of two feeds, one dropped and one made anew, that which was
 * opened first.
 */
export function mayPrecede({ number, place, after }: Entry, other: Standing): boolean {
  if (!place && other.locked && number > other.number) return false
  if (place) return place.epoch === other.place.epoch ? place.first < other.place.first : number < other.number
  return after.epoch === other.place.epoch ? after.first < other.place.first : number < other.number
}

/** Whether an entry may be at or before a place that was read from the feed. */
export const mayBeAt = (entry: Entry, place: Place): boolean =>
  (entry.place?.epoch === place.epoch && entry.place.first === place.first) ||
  mayPrecede(entry, { place, number: Number.POSITIVE_INFINITY, locked: false })

/** The entry to be told next. @returns undefined when it has to wait, or there is none */
export function nextOf(entries: Entry[]): Entry | undefined {
  return entries.find(
    ({ events, place, number, locked }) =>
      events &&
      place &&
      !entries.some(other => other.number !== number && mayPrecede(other, { number, place, locked })),
  )
}
