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
  /** Whether changes of a doctype matter to it. */
  wants(doctype: string): boolean
  /** News may have got lost. */
  missed(): void
}

/** What goes out for an event: the same for all who listen. */
export interface Outgoing {
  text: string
  /** Absent for events that are in no feed. */
  cursor: Cursor | undefined
}

/** Hands the news of an instance to its connections, and knows how each event is written: once, whoever listens. */
export function createHub({ news, documents }: { news: Ground['news']; documents: Documents }) {
  const listeners = new Map<string, Set<Listener>>()
  const written = new WeakMap<NewsEvent, Outgoing>()

  const end = news.subscribe(
    event => {
      for (const listener of listeners.get(event.tenant.id) ?? []) listener.news(event)
    },
    {
      wants(tenantId, doctype) {
        for (const listener of listeners.get(tenantId) ?? []) if (listener.wants(doctype)) return true
        return false
      },
      missed() {
        for (const connected of listeners.values()) for (const listener of connected) listener.missed()
      },
    },
  )

  return {
    /**
     * Looks at a feed that somebody listens to: from here on its changes come in order, whichever process makes them.
     * @returns undefined when no document of the doctype was ever made
     */
    async look(tenant: Tenant, doctype: string): Promise<Cursor | undefined> {
      const feed = await documents.follow(tenant, doctype)
      return feed && { position: feed.seq, epoch: feed.epoch }
    },

    outgoing(event: NewsEvent): Outgoing {
      const known = written.get(event)
      if (known) return known
      const { seq, epoch } = event
      const cursor = seq === undefined || epoch === undefined ? undefined : { position: seq, epoch }
      const result = { text: eventText(event, cursor && writeCursor(cursor)), cursor }
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
