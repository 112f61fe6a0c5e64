import type { Documents, StoredDocument } from '#ground/documents/contract'
import type { Tenant } from '#ground/tenant'
import { writeCursor } from './cursor.ts'
import { eventText } from './event-text.ts'

/** Changes read at a time: some hundred kilobytes of usual documents. */
const PAGE = 200

export interface ReplayOptions {
  documents: Documents
  tenant: Tenant
  type: string
  /** Empty: all documents. */
  id: string
  /** Position after which to begin. */
  since: number
  epoch: string
  /** Resolves when the client has taken it in; false: nobody is there any more. */
  send(text: string): Promise<boolean>
}

/**
 * Sends what changed since a position: each document once, as it is now, in the order of its last change.
 * @returns the position up to which all has been said
 */
export async function replay({ documents, tenant, type, id, since, epoch, send }: ReplayOptions): Promise<number> {
  let position = since
  for (;;) {
    const page = await documents.of(tenant).changes(type, { since: position, limit: PAGE })
    for (const document of page) {
      position = document.seq
      if (id !== '' && document.id !== id) continue
      if (!(await send(textOf(document, epoch)))) return position
    }
    if (page.length < PAGE) return position
  }
}

function textOf({ doctype, id, rev, deleted, seq, body }: StoredDocument, epoch: string): string {
  const verb = deleted ? 'DELETED' : rev.startsWith('1-') ? 'CREATED' : 'UPDATED'
  return eventText({ verb, doctype, id, doc: { ...body, _id: id, _rev: rev } }, writeCursor({ position: seq, epoch }))
}
