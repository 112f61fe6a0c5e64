import type { Document, Stored } from '@konnectory/protocol'
import type { SaveContext } from './context.ts'
import { writtenMetadata } from './cozy-metadata.ts'
import { type HydrateOptions, hydrate } from './hydrate.ts'
import { writeDocuments } from './write-documents.ts'

/**
 * Writes the documents that are new or to be updated: one query, and one write per 1,000 documents.
 * A known document keeps the stored attributes that the new one does not have.
 * @param documents mutated: all get their `_id` and `_rev`
 * @param doctype such as `io.cozy.bills`
 * @returns the documents that were written, as stored
 * @throws WriteError when some could not be written
 */
export async function saveRecords(
  context: SaveContext,
  documents: readonly Document[],
  doctype: string,
  options: HydrateOptions = {},
): Promise<Stored[]> {
  const { toWrite, existing } = await hydrate(context.client, documents, doctype, options)
  const written = await writeDocuments(
    context.client,
    doctype,
    toWrite.map(document => ({
      ...existing.get(document),
      ...document,
      cozyMetadata: writtenMetadata(context, document.cozyMetadata),
    })),
  )
  for (const [index, document] of toWrite.entries()) {
    const { _id, _rev } = written[index] as Stored
    Object.assign(document, { _id, _rev })
  }
  return written
}
