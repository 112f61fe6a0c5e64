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
  /** What was taken when it was opened: it comes after that. */
  after: Place
  /** To be told without looking at what is before it. */
  early: boolean
  /** Of a commit that is done. */
  events: NewsEvent[] | undefined
  told?: () => void
}

/**
 * Whether an open entry may be, in its feed, before another place. An entry whose place is known was opened under the feed's
 * lock, and one that was opened later has a later place, also where the feed was dropped and made anew in between.
 */
export function mayPrecede(
  { number, place, after }: Pick<Entry, 'number' | 'place' | 'after'>,
  other: { number: number; place: Place },
): boolean {
  if (place) return place.epoch === other.place.epoch ? place.first < other.place.first : number < other.number
  return after.epoch === other.place.epoch ? after.first < other.place.first : number < other.number
}

/** The entry to be told next. @returns undefined when it has to wait, or there is none */
export function nextOf(entries: Entry[]): Entry | undefined {
  return entries.find(
    ({ events, place, number }) =>
      events && place && !entries.some(other => other.number !== number && mayPrecede(other, { number, place })),
  )
}
