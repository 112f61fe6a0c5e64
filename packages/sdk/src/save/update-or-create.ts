import type { CozyMetadata, Document, Stored } from '@konnectory/protocol'
import type { SaveContext } from './context.ts'
import { accountMetadata } from './cozy-metadata.ts'
import { getPath } from './get-path.ts'
import { asJson, sameJson } from './qualification.ts'
import { writeDocuments } from './write-documents.ts'

/**
 * Updates the stored document that has the same values of `matchingAttributes`, or creates one (`sdk/exports.md`
 * section 12). One query and one write per 1,000 documents; a document that would stay as it is is not written.
 * @param matchingAttributes names or dotted paths, all of which must be equal; with none every entry is created (FIX-18)
 * @returns the stored document of each entry, in order. Documents made in this call are not seen by later entries
 * @throws WriteError when some could not be written
 */
export async function updateOrCreate(
  context: SaveContext,
  entries: readonly Document[],
  doctype: string,
  matchingAttributes: readonly string[],
): Promise<Stored[]> {
  const stored = matchingAttributes.length === 0 || entries.length === 0 ? [] : await context.client.data.all(doctype)
  /** What is to be written, and what each entry ends up as: an index in it, or a document that stays. */
  const writes: Document[] = []
  const writeOf = new Map<string, number>()
  const ends = entries.map(entry => {
    const wanted = { ...entry, cozyMetadata: accountMetadata(context, entry.cozyMetadata) }
    const found = stored.find(doc => matchingAttributes.every(path => getPath(doc, path) === getPath(wanted, path)))
    if (!found) return writes.push(wanted) - 1
    // Two entries for one document: the second goes over the first.
    const planned = writeOf.get(found._id)
    const before = planned === undefined ? found : (writes[planned] as Document)
    const createdAt = found.cozyMetadata?.createdAt
    const after = { ...before, ...wanted, _id: found._id, _rev: found._rev }
    after.cozyMetadata = { ...wanted.cozyMetadata, ...(createdAt === undefined ? {} : { createdAt }) }
    if (planned !== undefined) {
      writes[planned] = after
      return planned
    }
    if (isUnchanged(after, found)) return found
    writeOf.set(found._id, writes.length)
    return writes.push(after) - 1
  })
  const written = await writeDocuments(context.client, doctype, writes)
  return ends.map(end => (typeof end === 'number' ? (written[end] as Stored) : end))
}

function isUnchanged(after: Document, before: Document): boolean {
  return sameJson(withoutDates(asJson(after)), withoutDates(before))
}

/** A document without what every write changes. */
function withoutDates({ _type, cozyMetadata, ...rest }: Document): object {
  const { updatedAt, createdAt, updatedByApps, ...metadata } = (cozyMetadata ?? {}) as CozyMetadata
  return {
    ...rest,
    ...metadata,
    writers: updatedByApps?.map(({ slug, version }) => ({ slug, version: version ?? null })) ?? [],
  }
}
