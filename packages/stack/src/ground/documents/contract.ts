import type { Transaction } from 'kysely'
import type { GroundTables } from '../database/index.ts'
import type { Tenant } from '../tenant.ts'

/** JSON of a document without `_id` and `_rev`. */
export type Body = Record<string, unknown>

/** A document as it is stored. */
export interface StoredDocument {
  doctype: string
  id: string
  rev: string
  deleted: boolean
  /** Position in the changes feed of its doctype. */
  seq: number
  /** The content's JSON text, an object without `_id` and `_rev`: what goes out without being read need not be parsed. */
  text: string
  /** The content, parsed on first use. Not to be changed: make another object. */
  readonly body: Body
}

/** One change asked for. */
export interface Edit {
  /** Made by the server when absent (UUID v7 without dashes). */
  id?: string | undefined
  /** The revision that must be current. Absent: the document must not exist, or be deleted. */
  rev?: string | undefined
  /** The new content; a tombstone may have one too. `_id`, `_rev`, `_deleted`, `_type` never stand in it. */
  body: Body
  deleted?: boolean
}

export type EditResult =
  | { ok: true; document: StoredDocument; before: StoredDocument | undefined }
  /** `conflict`: somebody else has changed or created it. `missing`: an update of what is not there. */
  | { ok: false; id: string; error: 'conflict' | 'missing' }

/** A change that was stored. */
export interface Change {
  tenant: Tenant
  verb: 'CREATED' | 'UPDATED' | 'DELETED'
  document: StoredDocument
  /** Before the change; undefined when it was created, or was deleted before. */
  before: StoredDocument | undefined
  /** Of the feed that the document's position is in. */
  epoch: string
}

export interface ListOptions {
  /** Default: all. */
  limit?: number | undefined
  skip?: number | undefined
  descending?: boolean | undefined
  /** First id, included. With `descending` it is the greatest. */
  startKey?: string | undefined
  /** Last id, included unless `inclusiveEnd` is false. */
  endKey?: string | undefined
  inclusiveEnd?: boolean | undefined
}

export interface FeedInfo {
  /** Position of the last change. */
  seq: number
  documents: number
  tombstones: number
  epoch: string
}

/** Reads documents of one tenant. Outside a transaction, reads asked for at the same moment go to the database as one. */
export interface DocumentReader {
  /** Undefined when it never existed; a tombstone comes with `deleted`. */
  get(doctype: string, id: string): Promise<StoredDocument | undefined>
  /** In the order asked for, undefined where there is none; tombstones included. */
  getMany(doctype: string, ids: string[]): Promise<(StoredDocument | undefined)[]>
  /** By id, `C` order, without tombstones. */
  list(doctype: string, options?: ListOptions): Promise<StoredDocument[]>
  /** By position, after `since`, with tombstones. */
  changes(
    doctype: string,
    options: { since: number; limit?: number | undefined; descending?: boolean | undefined },
  ): Promise<StoredDocument[]>
  /** Undefined when no document was ever created: "the database does not exist". */
  feed(doctype: string): Promise<FeedInfo | undefined>
  /** Doctypes that have a feed. */
  doctypes(): Promise<string[]>
}

/** Changes documents of one tenant. */
export interface DocumentWriter extends DocumentReader {
  /**
   * Each edit by itself: results in their order, refused ones among them. Listeners have run and, outside a transaction, all
   * is on disk when it resolves. Two edits of one id in a call are done one after the other.
   */
  write(doctype: string, edits: Edit[]): Promise<EditResult[]>
  /** Creates; throws CouchError 409 when the id is taken. */
  create(doctype: string, body: Body, id?: string): Promise<StoredDocument>
  /** Replaces; throws CouchError 409 (other revision) or 404. */
  update(doctype: string, id: string, rev: string, body: Body): Promise<StoredDocument>
  /** Leaves a tombstone (content kept in none); throws as `update`. Returns the tombstone. */
  remove(doctype: string, id: string, rev: string): Promise<StoredDocument>
}

/** A writer inside a transaction, with the transaction itself for tables of a room's own. */
export interface DocumentTransaction extends DocumentWriter {
  tenant: Tenant
  query: Transaction<GroundTables>
  /** For the store's own other ways of writing (replication): runs the listeners, and publishes after the commit. */
  changed(changes: Change[]): Promise<void>
  /** Runs after the commit, not when it fails. */
  afterCommit(work: () => void): void
}

/** Changes of one feed that another process made. */
export interface Announcement {
  tenant: Tenant
  doctype: string
  epoch: string
  /** First and last position; between them may be changes of others too. */
  from: number
  to: number
}

/** The only way to documents. */
export interface Documents {
  of(tenant: Tenant): DocumentWriter
  /**
   * Several changes, all or none. The work may run again after a conflict in the database: it must have no effect elsewhere.
   * Transactions of one instance go one after the other; inside, only the writer given may write, never `of(tenant)`.
   */
  transaction<T>(tenant: Tenant, work: (writer: DocumentTransaction) => Promise<T>): Promise<T>
  /** Is told of changes inside their transaction, before the commit; what it throws undoes the change. */
  onChange(
    listener: (changes: Change[], writer: DocumentTransaction) => Promise<void>,
    /** Asked before each write; without interest nothing is slowed down. Default: always. */
    interested?: (tenant: Tenant, doctype: string) => boolean,
  ): void
  /**
   * `feed`, for who listens to the news of it: of all changes after what this answers the news are told in the order of the
   * feed, also of those that other processes make.
   */
  follow(tenant: Tenant, doctype: string): Promise<FeedInfo | undefined>
  /** Creates the feed when there is none. @returns whether it was created */
  createFeed(tenant: Tenant, doctype: string): Promise<boolean>
  /** Drops all documents of a doctype of a tenant. @returns whether there was any feed */
  dropFeed(tenant: Tenant, doctype: string): Promise<boolean>
  /** Drops everything of a tenant. */
  dropTenant(tenant: Tenant): Promise<void>
}

/** The store as the house holds it, which brings it news from other processes. */
export interface ManagedDocuments extends Documents {
  /** Tells the news of changes that another process made, when somebody wants them. */
  heard(announcement: Announcement): void
  /** Announcements may have got lost: reads what is missing of the feeds that are followed. */
  catchUp(): void
}
