import { LRUCache } from 'lru-cache'
import type { NewsEvent } from '../news/contract.ts'
import type { Tenant } from '../tenant.ts'
import type { Announcement } from './contract.ts'
import { type Entry, mayBeAt, nextOf, type Place } from './in-order-entry.ts'

/** Changes of a feed after a position, with what the feed was at that moment. */
export interface FeedPage {
  epoch: string
  /** Position of the last change of the feed. */
  seq: number
  /** At most as many as were asked for, by position. */
  events: NewsEvent[]
}

export interface InOrderOptions {
  publish(events: NewsEvent[]): void
  /** Whether anybody wants changes that other processes make. */
  isWanted(tenantId: string, doctype: string): boolean
  /** News got lost. */
  lose(where: 'here' | 'everywhere'): void
  /** @returns undefined when there is no feed */
  read(tenant: Tenant, doctype: string, since: number, limit: number): Promise<FeedPage | undefined>
}

/** The news of one commit: opened before it, ended once, by `committed` or by `withdraw`. */
export interface Ticket {
  /** A change of this feed is on its way; where in the feed it will be, the database decides. */
  expect(tenant: Tenant, doctype: string): void
  /** Under the feed's lock: this commit has positions from `first` on. */
  place(tenant: Tenant, doctype: string, place: Place): void
  /** It is on disk. @returns a promise when its news cannot be told yet; it never rejects */
  committed(events: NewsEvent[]): Promise<unknown> | undefined
  /** It is not. `doubtful`: perhaps it is. */
  withdraw(doubtful?: boolean): void
}

/** A feed with news under way. */
interface Line {
  key: string
  tenant: Tenant
  doctype: string
  /** Neither told nor withdrawn, in the order in which they were opened. */
  entries: Entry[]
  /** A position that is on disk: what is opened from now on comes after it. */
  known: Place
  /** Others' changes are to be read up to here. */
  wanted: number
  reading: boolean
  /** What was read has to wait for an entry. */
  blocked: boolean
  failures: number
}

/** How far a feed that others write too has been told here. */
interface Position {
  /** Undefined: there was no feed. */
  epoch: string | undefined
  /** Nothing is known of what was told up to here. */
  floor: number
  /** After `floor`, all up to here has been told. */
  last: number
  /** Told before their turn, because the database did not answer. */
  early: Set<number>
  /** While the feed is looked at: what was announced meanwhile. */
  looking?: Announcement[] | undefined
}

/** Changes read at a time. */
const PAGE = 200
/** Feeds whose position is remembered. One that is forgotten begins again with the next change that is announced. */
const REMEMBERED = 20_000
/** When the database does not answer. */
const RETRY_MS = 1_000
const RETRIES = 5

/**
 * Tells the changes of each feed in the order of their positions, each once, whichever connection or process made them.
 *
 * Positions are given under the feed's lock, but that a commit is done is told by its own connection: the news of 6 may come
 * before those of 5, and who is cut off in between keeps 6 as its cursor and never hears of 5. So every commit takes a ticket
 * before it, and what could come after an open ticket waits for it. Nothing waits for time: a ticket ends with its commit, and
 * an open ticket blocks only what was committed while it was on its way.
 *
 * What other processes committed in between is read from the feed, if somebody wants it.
 */
export function createInOrder({ publish, isWanted, lose, read }: InOrderOptions) {
  const lines = new Map<string, Line>()
  const positions = new LRUCache<string, Position>({ max: REMEMBERED })
  const where = new WeakMap<Position, { tenant: Tenant; doctype: string }>()
  let opened = 0

  const keyOf = (tenant: Tenant, doctype: string) => `${tenant.id} ${doctype}`

  const lineOf = (tenant: Tenant, doctype: string): Line => {
    const key = keyOf(tenant, doctype)
    const there = lines.get(key)
    if (there) return there
    const { epoch, last = 0 } = positions.get(key) ?? {}
    const known = { first: last, epoch: epoch ?? '' }
    const line: Line = {
      key,
      tenant,
      doctype,
      entries: [],
      known,
      wanted: 0,
      reading: false,
      blocked: false,
      failures: 0,
    }
    lines.set(key, line)
    return line
  }

  const remember = (line: Line, position: Omit<Position, 'early'>): Position => {
    const fresh = { ...position, early: new Set<number>() }
    positions.set(line.key, fresh)
    where.set(fresh, { tenant: line.tenant, doctype: line.doctype })
    return fresh
  }

  const restart = (position: Position, epoch: string | undefined): void => {
    Object.assign(position, { epoch, floor: 0, last: 0 })
    position.early.clear()
  }

  const takes = (line: Line, { epoch, first }: Place): void => {
    line.known = line.known.epoch === epoch ? { epoch, first: Math.max(first, line.known.first) } : { epoch, first }
  }

  /** Whether changes of others, not yet told, come before an entry. */
  const hasGap = (line: Line, { place, early }: Entry): boolean => {
    const position = positions.get(line.key)
    if (early || !place || !position || position.looking) return false
    const last = position.epoch === place.epoch ? position.last : 0
    return last + 1 < place.first && isWanted(line.tenant.id, line.doctype)
  }

  /** The entry's events have been, or are being told. */
  const settle = (line: Line, entry: Entry): void => {
    line.entries.splice(line.entries.indexOf(entry), 1)
    const { events = [], place } = entry
    const end = events.at(-1)?.seq
    const position = positions.get(line.key)
    if (!position || !place || end === undefined) return
    if (entry.early && position.epoch === place.epoch) for (const { seq } of events) position.early.add(seq!)
    else if (!entry.early) {
      if (position.epoch !== place.epoch) restart(position, place.epoch)
      position.last = Math.max(position.last, end)
    }
  }

  const tell = (line: Line, entry: Entry): void => {
    settle(line, entry)
    publish(entry.events ?? [])
    entry.told?.()
  }

  /** Tells what can be told; begins to read what has to be read before. */
  const advance = (line: Line): void => {
    for (let next = nextOf(line.entries); next; next = nextOf(line.entries)) {
      if (hasGap(line, next)) {
        if (!line.blocked) readOn(line)
        return
      }
      tell(line, next)
    }
    const position = positions.get(line.key)
    if (position?.looking === undefined && line.wanted > (position?.last ?? line.wanted) && !line.blocked) readOn(line)
    else if (line.entries.length === 0 && !line.reading && !(line.wanted > 0 && line.failures > 0))
      lines.delete(line.key)
  }

  const readOn = (line: Line): void => {
    const position = positions.get(line.key)
    if (line.reading || !position) return
    line.reading = true
    line.blocked = false
    const asked = line.wanted
    read(line.tenant, line.doctype, position.last, PAGE).then(
      page => {
        line.reading = false
        line.failures = 0
        if (positions.get(line.key) === position && merge(line, position, page) && line.wanted === asked)
          line.wanted = 0
        advance(line)
      },
      () => {
        line.reading = false
        failed(line)
      },
    )
  }

  /** Without the database: what we have is told as it is, and the rest when it answers again. */
  const failed = (line: Line): void => {
    for (const entry of line.entries) entry.early ||= entry.events !== undefined
    line.failures++
    lose('here')
    if (line.failures <= RETRIES) {
      line.wanted = Number.MAX_SAFE_INTEGER
      line.blocked = true
      setTimeout(() => {
        line.blocked = false
        advance(line)
      }, RETRY_MS).unref()
    } else {
      positions.delete(line.key)
      line.wanted = 0
    }
    advance(line)
  }

  /** Tells what was read, and our own at its place. @returns whether the end of the feed was reached */
  const merge = (line: Line, position: Position, page: FeedPage | undefined): boolean => {
    if (!page || page.epoch !== position.epoch) {
      // Dropped, and perhaps made anew: of the new one nothing has been told.
      restart(position, page?.epoch)
      for (const entry of line.entries) if (entry.place && entry.place.epoch !== page?.epoch) entry.early = true
      return !page || page.seq === 0
    }
    for (const event of page.events) {
      const place = { first: event.seq!, epoch: page.epoch }
      for (let next = nextOf(line.entries); next?.place; next = nextOf(line.entries)) {
        if (next.place.epoch !== page.epoch || next.place.first > place.first) break
        tell(line, next)
      }
      if (place.first <= position.last) continue
      if (line.entries.some(entry => !entry.events && mayBeAt(entry, place))) {
        line.blocked = true
        return false
      }
      position.last = place.first
      takes(line, place)
      if (!position.early.delete(place.first)) publish([event])
    }
    if (page.events.length === PAGE) return false
    position.last = Math.max(position.last, page.seq)
    position.early.clear()
    return true
  }

  /** Changes before all that was told: out of order, but not lost. */
  const tellLate = async ({ tenant, doctype, epoch, from, to }: Announcement): Promise<void> => {
    for (let since = from - 1; since < to; ) {
      const page = await read(tenant, doctype, since, PAGE)
      if (page?.epoch !== epoch) return
      publish(page.events.filter(({ seq }) => seq! <= to))
      if (page.events.length < PAGE) return
      since = page.events.at(-1)!.seq!
    }
  }

  const heard = (announcement: Announcement): void => {
    const { tenant, doctype, epoch, from, to } = announcement
    const key = keyOf(tenant, doctype)
    let position = positions.get(key)
    if (position?.looking) return void position.looking.push(announcement)
    if (!isWanted(tenant.id, doctype)) {
      positions.delete(key)
      return
    }
    const line = lineOf(tenant, doctype)
    position ??= remember(line, { epoch, floor: from - 1, last: from - 1 })
    if (position.epoch === epoch && to <= position.floor) tellLate(announcement).catch(() => lose('here'))
    else line.wanted = Math.max(line.wanted, to)
    takes(line, { epoch, first: to })
    advance(line)
  }

  const catchUp = (tenant: Tenant, doctype: string): void => {
    if (!positions.has(keyOf(tenant, doctype))) return
    const line = lineOf(tenant, doctype)
    line.wanted = Number.MAX_SAFE_INTEGER
    line.blocked = false
    advance(line)
  }

  return {
    open(): Ticket {
      const mine = new Map<Line, Entry>()
      const enter = (tenant: Tenant, doctype: string, place: Place | undefined): void => {
        const line = lineOf(tenant, doctype)
        if (mine.has(line)) return
        const locked = place !== undefined
        const entry: Entry = { number: opened++, place, locked, after: line.known, early: false, events: undefined }
        line.entries.push(entry)
        mine.set(line, entry)
        // Not its own position: that of a commit that is undone is given to the next.
        if (place) takes(line, { ...place, first: place.first - 1 })
      }
      return {
        expect: (tenant, doctype) => enter(tenant, doctype, undefined),
        place: enter,
        committed(events) {
          for (const [line, entry] of mine) {
            entry.events = events.filter(({ doctype }) => doctype === line.doctype)
            const [first] = entry.events
            entry.place ??= { first: first!.seq!, epoch: first!.epoch! }
            takes(line, { ...entry.place, first: entry.events.at(-1)!.seq! })
            line.blocked = false
          }
          const entries = [...mine]
          mine.clear()
          // Of several feeds at once: as they were made, when nothing holds any of them up.
          if (entries.every(([line, entry]) => nextOf(line.entries) === entry && !hasGap(line, entry))) {
            for (const [line, entry] of entries) settle(line, entry)
            publish(events)
            for (const [line] of entries) advance(line)
            return undefined
          }
          const told = entries.map(
            ([, entry]) =>
              new Promise<void>(resolve => {
                entry.told = resolve
              }),
          )
          for (const [line] of entries) advance(line)
          return Promise.all(told)
        },
        withdraw(doubtful = false) {
          const entries = [...mine]
          mine.clear()
          for (const [line, entry] of entries) {
            const index = line.entries.indexOf(entry)
            if (index < 0) continue
            line.entries.splice(index, 1)
            line.blocked = false
            if (doubtful) catchUp(line.tenant, line.doctype)
            advance(line)
          }
          if (doubtful && entries.length > 0) lose('everywhere')
        },
      }
    },

    /** Another process has changed a feed. */
    heard,

    /** From now on all changes of a feed are told, in order. @param look reads the feed */
    async follow<Feed extends { epoch: string; seq: number }>(
      tenant: Tenant,
      doctype: string,
      look: () => Promise<Feed | undefined>,
    ): Promise<Feed | undefined> {
      const line = lineOf(tenant, doctype)
      const there = positions.get(line.key)
      const announced: Announcement[] = []
      const mine = there ? undefined : remember(line, { epoch: undefined, floor: 0, last: 0, looking: announced })
      try {
        const feed = await look()
        if (mine) {
          // What was told meanwhile may be further.
          const last = Math.max(feed?.seq ?? 0, mine.epoch === feed?.epoch ? mine.last : 0)
          Object.assign(mine, { epoch: feed?.epoch, floor: last, last })
        } else if (there && !there.looking && there.epoch !== feed?.epoch) catchUp(tenant, doctype)
        return feed
      } catch (error) {
        if (mine && positions.get(line.key) === mine) positions.delete(line.key)
        throw error
      } finally {
        if (mine) {
          mine.looking = undefined
          for (const announcement of announced) heard(announcement)
        }
        advance(lineOf(tenant, doctype))
      }
    },

    /** Announcements may have got lost: looks at all feeds that are told. */
    catchUp(): void {
      for (const position of [...positions.values()]) {
        const { tenant, doctype } = where.get(position)!
        if (isWanted(tenant.id, doctype)) catchUp(tenant, doctype)
        else positions.delete(keyOf(tenant, doctype))
      }
    },

    /** Feeds with news under way. For tests: nothing stays. */
    size: () => lines.size,
  }
}

export type InOrder = ReturnType<typeof createInOrder>
