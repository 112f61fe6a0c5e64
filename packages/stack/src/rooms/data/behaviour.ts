import type { Body, DocumentTransaction, StoredDocument } from '#ground/documents/contract'
import type { Actor } from '#ground/http/grant'
import type { Tenant } from '#ground/tenant'

/**
 * What a doctype does besides being stored; a room below registers it with `data.behave(doctype, …)`. It holds for every way
 * in: POST, PUT, `_bulk_docs`, deletion of a database.
 */
export interface DoctypeBehaviour {
  /** The content to store instead of the one given. Runs inside the transaction; throws a wire error to refuse. */
  beforeWrite?(write: {
    tenant: Tenant
    /** Undefined for writes of the server itself. */
    actor: Actor | undefined
    /** On a creation without one, the id that the data room has made for it. */
    id: string
    /** Whether the client named the document: false for a POST. Absent: not known. */
    named?: boolean
    body: Body
    /** Undefined on creation. */
    stored: StoredDocument | undefined
  }): Promise<Body>
  /** The content as a single GET, or the answer of an update, shows it. `query` has the request's parameters. */
  show?(read: {
    tenant: Tenant
    actor: Actor
    query: Record<string, string>
    document: StoredDocument
    method: 'GET' | 'PUT' | 'POST'
  }): Promise<Body>
  /**
   * Before a single GET, `show` included: the document to go on with, a newer revision when this one had first to be put in
   * order. Outside a transaction.
   */
  settle?(read: { tenant: Tenant; document: StoredDocument }): Promise<StoredDocument>
  /** For `GET ?rev=`: another version of the document, possibly of a deleted one. Undefined: there is none. */
  readRevision?(read: { tenant: Tenant; actor: Actor; id: string; rev: string }): Promise<StoredDocument | undefined>
  /** After a deletion, inside its transaction. */
  afterDelete?(
    writer: DocumentTransaction,
    deleted: { tombstone: StoredDocument; before: StoredDocument },
  ): Promise<void>
}
