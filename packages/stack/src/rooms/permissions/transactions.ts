import type { Documents, DocumentTransaction } from '#ground/documents/contract'
import { CouchError } from '#ground/http/errors'
import type { Tenant } from '#ground/tenant'

/** A permission document changes at each run of a konnector and when somebody clicks: two at once is rare, eight is no accident. */
const TRIES = 8

/**
 * Reads and changes documents in one transaction, the caller's or one of its own. In its own the work is done again when
 * somebody else was quicker; in the caller's only the caller can do that, and gets the conflict.
 */
export async function changing<T>(
  documents: Documents,
  tenant: Tenant,
  open: DocumentTransaction | undefined,
  work: (writer: DocumentTransaction) => Promise<T>,
): Promise<T> {
  if (open) return work(open)
  for (let tried = 1; ; tried++) {
    try {
      return await documents.transaction(tenant, work)
    } catch (error) {
      if (!(error instanceof CouchError) || error.status !== 409 || tried >= TRIES) throw error
    }
  }
}
