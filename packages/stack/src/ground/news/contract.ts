import type { Tenant } from '../tenant.ts'

/** What happened to a document, for whoever listens. Comes after the commit. */
export interface NewsEvent {
  tenant: Tenant
  verb: 'CREATED' | 'UPDATED' | 'DELETED' | 'NOTIFIED'
  doctype: string
  /** Absent for events of no document, as lines of a run (`io.cozy.jobs.events`). */
  id?: string | undefined
  /** The document as stored, with `_id` and `_rev`, parsed on first use. */
  readonly doc: Record<string, unknown>
  /** The document before, when this process made the change. */
  readonly before?: Record<string, unknown> | undefined
  /** Position in the feed of the doctype: a cursor to go on from. Absent for what is in no feed. */
  seq?: number | undefined
}

/** Tells everybody in this process, and in others on the same database, what changed. */
export interface News extends AsyncDisposable {
  /** For events that are no change of a document. Changes of documents are published by the document store. */
  publish(events: NewsEvent[]): void
  /** Called once per event, in the order of publication; must not throw. @returns a function that ends it */
  subscribe(listener: (event: NewsEvent) => void): () => void
}
