import type { Tenant } from '../tenant.ts'

/** What happened to a document, for whoever listens. Comes after the commit. */
export interface NewsEvent {
  tenant: Tenant
  /**
   * Of a change that another process made: CREATED for a first revision, else UPDATED; a document created and changed at once
   * may be told as created with what it holds now, and changes that followed each other fast as the last of them.
   */
  verb: 'CREATED' | 'UPDATED' | 'DELETED' | 'NOTIFIED'
  doctype: string
  /** Absent for events of no document, as lines of a run (`io.cozy.jobs.events`). */
  id?: string | undefined
  /** The document as stored, with `_id` and `_rev`, parsed on first use. */
  readonly doc: Record<string, unknown>
  /** The document before, when this process made the change. */
  readonly before?: Record<string, unknown> | undefined
  /**
   * Position in the feed of the doctype: a cursor to go on from. Changes of a feed are told in its order, each once, by
   * whichever processes they were made. Absent for what is in no feed.
   */
  seq?: number | undefined
  /** Of that feed: another one when it was dropped and made again. */
  epoch?: string | undefined
  /** Another process on the same database made it: what is to be done once in all must not be done here. */
  elsewhere?: true | undefined
}

export interface Subscriber {
  /**
   * Whether changes of documents of a doctype matter to it; those that other processes make are only read from the database
   * when they do to somebody. Asked each time. Events of its own process come in any case. Default: all matter.
   */
  wants?(tenantId: string, doctype: string): boolean
  /**
   * News may have got lost: what was remembered because no news spoke against it must be forgotten. Must not throw.
   * `everywhere`: in other processes too.
   */
  missed?(where: 'here' | 'everywhere'): void
}

/** Tells everybody in this process, and in others on the same database, what changed. */
export interface News extends AsyncDisposable {
  /** For events that are no change of a document. Changes of documents are published by the document store. */
  publish(events: NewsEvent[]): void
  /** Called once per event, in the order of publication; must not throw. @returns a function that ends it */
  subscribe(listener: (event: NewsEvent) => void, subscriber?: Subscriber): () => void
  /** Whether any subscriber wants changes of a doctype. */
  isWanted(tenantId: string, doctype: string): boolean
  /** Says that news may have got lost, in this process or, when its own did not go out, in all. */
  lose(where: 'here' | 'everywhere'): void
}
