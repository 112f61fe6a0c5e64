import type { Document, Stored } from '@konnectory/protocol'
import { writeDocuments } from '@konnectory/sdk/save'
import type Bluebird from 'bluebird'
import heavy from './heavy.cjs'
import { type CozyMetadataDraft, getCozyMetadata } from './manifest.ts'
import type { AccountOptions } from './save-context.ts'
import { getStackClient } from './stack-client.ts'

/**
 * Writes documents: those with an `_id` are updated, the others created (`sdk/exports.md` section 11). One request per
 * 1,000 documents. A document without `cozyMetadata` gets it; one that has it keeps its own.
 * @param options the account the documents come from
 * @returns a Bluebird promise of the stored documents, in order
 * @throws Error `Missing _rev field in passed document` for an `_id` without `_rev`: the documents before it are written
 */
export function addData(
  entries: readonly object[],
  doctype: string,
  options: AccountOptions = {},
): Bluebird<Stored<Document>[]> {
  return heavy.bluebird().resolve(add(entries as readonly Document[], doctype, options))
}

async function add(entries: readonly Document[], doctype: string, options: AccountOptions): Promise<Stored[]> {
  const { sourceAccount, sourceAccountIdentifier } = options
  const documents = entries.map(entry => ({
    cozyMetadata: getCozyMetadata({
      ...(entry.cozyMetadata as CozyMetadataDraft | undefined),
      sourceAccount,
      sourceAccountIdentifier,
    }),
    ...entry,
  })) as Document[]
  // Checked first, thrown last: what comes before the mistake is saved, as it was one by one.
  const mistake = documents.findIndex(({ _id, _rev }) => _id && !_rev)
  const stored = await writeDocuments(
    getStackClient(),
    doctype,
    mistake === -1 ? documents : documents.slice(0, mistake),
  )
  if (mistake !== -1) throw new Error('Missing _rev field in passed document')
  return stored
}
