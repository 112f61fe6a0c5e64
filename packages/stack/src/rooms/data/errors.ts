import type { DocumentReader, StoredDocument } from '#ground/documents/contract'
import { missing } from '#ground/http/errors'

/** The 404 of a single document: which of the three it is (`protocol/data.md` §2). */
export async function notFoundReason(
  reader: DocumentReader,
  doctype: string,
  found: StoredDocument | undefined,
): Promise<Error> {
  if (found) return missing('deleted')
  return missing((await reader.feed(doctype)) ? 'missing' : 'wrong_doctype')
}
