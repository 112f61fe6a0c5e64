import type { Document, Stored } from '@konnectory/protocol'
import { updateOrCreate as sdkUpdateOrCreate } from '@konnectory/sdk/save'
import { type AccountOptions, createSaveContext } from './save-context.ts'

/**
 * Updates the stored documents with the same values of `matchingAttributes`, creates the others (`sdk/exports.md`
 * section 12). Documents that would stay as they are are not written.
 * @param matchingAttributes names or paths; with none everything is created
 * @returns the stored document of each entry, in order
 */
export async function updateOrCreate(
  entries: readonly object[] = [],
  doctype: string,
  matchingAttributes: readonly string[] = [],
  options: AccountOptions = {},
): Promise<Stored[]> {
  const context = createSaveContext(options, 'updateOrCreate')
  return sdkUpdateOrCreate(context, entries as readonly Document[], doctype, matchingAttributes)
}
