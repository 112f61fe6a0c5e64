import { LRUCache } from 'lru-cache'
import type { Documents } from '#ground/documents/contract'
import type { Ground } from '#ground/ground'
import type { NewsEvent } from '#ground/news/contract'
import type { Tenant } from '#ground/tenant'
import { type Cursor, writeCursor } from './cursor.ts'
import { eventText } from './event-text.ts'

/** A connection, as the hub sees it. */
export interface Listener {
  tenantId: string
  /** Every event of the instance. Must not throw. */
  news(event: NewsEvent): void
}

/** What goes out for an event: the same for all who listen. */
export interface Outgoing {
  text: string
  /** Absent for events that are in no feed. */
  cursor: Cursor | undefined
}

/** Feeds whose epoch is remembered; another look costs a query. */
const REMEMBERED = 10_000

/** Hands the news of an instance to its connections, and knows how each event is written: once, whoever listens. */
export function createHub({
  news,
  documents,
  log,
}: {
  news: Ground['news']
  documents: Documents
  log: Ground['log']
}) {
  const listeners = new Map<string, Set<Listener>>()
  /** By instance and doctype: the feed's epoch, and the greatest position seen in it. */
  const feeds = new LRUCache<string, { epoch: string; last: number }>({ max: REMEMBERED })
  const keyOf = (tenant: Tenant, doctype: string) => `${tenant.id} ${doctype}`
  const written = new WeakMap<NewsEvent, Outgoing | Promise<Outgoing>>()

  /** Looks at the feed itself. @returns undefined when no document of the doctype was ever made */
  const look = async (tenant: Tenant, doctype: string): Promise<Cursor | undefined> => {
    const feed = await documents.of(tenant).feed(doctype)
    const key = keyOf(tenant, doctype)
    if (!feed) {
      feeds.delete(key)
      return undefined
    }
    const known = feeds.get(key)
    // Events that came in the meantime may be further than what was read.
    const last = known?.epoch === feed.epoch ? Math.max(known.last, 0) : 0
    feeds.set(key, { epoch: feed.epoch, last })
    return { position: feed.seq, epoch: feed.epoch }
  }

  const write = (event: NewsEvent, epoch: string | undefined): Outgoing => {
    const { seq } = event
    const cursor = seq === undefined || epoch === undefined ? undefined : { position: seq, epoch }
    return { text: eventText(event, cursor && writeCursor(cursor)), cursor }
  }

  const end = news.subscribe(event => {
    for (const listener of listeners.get(event.tenant.id) ?? []) listener.news(event)
  })

  return {
    look,
    /**
     * How an event is written. A promise only when its feed is not known yet, or seems to have begun anew: positions that go
     * back mean that the doctype's database was dropped, or that two changes were told in the other order.
     */
    outgoing(event: NewsEvent): Outgoing | Promise<Outgoing> {
      const known = written.get(event)
      if (known) return known
      const { tenant, doctype, seq } = event
      const feed = seq === undefined ? undefined : feeds.get(keyOf(tenant, doctype))
      let result: Outgoing | Promise<Outgoing>
      if (seq === undefined) result = write(event, undefined)
      else if (feed && seq > feed.last) {
        feed.last = seq
        result = write(event, feed.epoch)
      } else {
        result = look(tenant, doctype).then(
          found => {
            const now = feeds.get(keyOf(tenant, doctype))
            if (now) now.last = Math.max(now.last, seq)
            return write(event, found?.epoch)
          },
          (error: unknown) => {
            // The event itself must not be lost; without a cursor the client cannot go on from it, and fetches.
            log.warn('the feed of an event could not be read', { doctype, error })
            return write(event, undefined)
          },
        )
      }
      written.set(event, result)
      return result
    },

    join(listener: Listener): void {
      const joined = listeners.get(listener.tenantId) ?? new Set()
      listeners.set(listener.tenantId, joined.add(listener))
    },
    leave(listener: Listener): void {
      const joined = listeners.get(listener.tenantId)
      joined?.delete(listener)
      if (joined?.size === 0) listeners.delete(listener.tenantId)
    },
    end,
  }
}

export type Hub = ReturnType<typeof createHub>
