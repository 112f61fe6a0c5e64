import type { NewsEvent } from './contract.ts'
import { fits, type Item, plainTenant, textOf } from './message.ts'

/** Bytes of events that wait while the database cannot be reached; with more the others are told that news got lost. */
const MOST_WAITING = 8 * 1024 * 1024

/** What is taken out at once. */
export interface Batch {
  /** That fit into a message. */
  items: string[]
  /** Events to be stored, and the text that names each. */
  large: { tenantId: string; id: string; text: string }[]
}

/** What this process has to tell the others: one item for each feed, however much happened to it. */
export function createOutbox(newId: () => string) {
  const feeds = new Map<string, Extract<Item, { to: number }>>()
  let batch: Batch = { items: [], large: [] }
  let bytes = 0
  let lost = false

  const lose = () => {
    // Who has to look at everything need not be told of anything.
    feeds.clear()
    batch = { items: [], large: [] }
    bytes = 0
    lost = true
  }

  return {
    add(event: NewsEvent): void {
      if (lost) return
      const { tenant, verb, doctype, id, seq, epoch } = event
      if (seq !== undefined && epoch !== undefined) {
        const key = `${tenant.id} ${doctype}`
        const there = feeds.get(key)
        if (there?.epoch === epoch) {
          there.from = Math.min(there.from, seq)
          there.to = Math.max(there.to, seq)
        } else feeds.set(key, { tenant: plainTenant(tenant), doctype, epoch, from: seq, to: seq })
        return
      }
      const text = textOf({ tenant: plainTenant(tenant), event: { verb, doctype, id, doc: event.doc } })
      bytes += text.length
      if (bytes > MOST_WAITING) lose()
      else if (fits(text)) batch.items.push(text)
      else {
        const stored = newId()
        batch.large.push({ tenantId: tenant.id, id: stored, text })
        batch.items.push(textOf({ tenant: plainTenant(tenant), stored }))
      }
    },
    lose,
    isEmpty: () => feeds.size === 0 && batch.items.length === 0 && !lost,
    take(): Batch {
      const { items, large } = batch
      const taken = {
        items: [...[...feeds.values()].map(textOf), ...items, ...(lost ? [textOf({ lost: true })] : [])],
        large,
      }
      feeds.clear()
      batch = { items: [], large: [] }
      bytes = 0
      lost = false
      return taken
    },
  }
}
