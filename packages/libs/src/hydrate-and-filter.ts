import { type HydrateOptions, hydrate } from '@konnectory/sdk/save'
import { getStackClient } from './stack-client.ts'

export interface HydrateAndFilterOptions extends Omit<HydrateOptions, 'index'> {
  /** What `cozyClient.data.defineIndex` returned. */
  index?: { name?: string; id?: string } | undefined
}

/**
 * Compares documents with the stored ones and keeps those to write (`sdk/exports.md` section 10).
 * @param documents mutated: those that are stored already get `_id`, `_rev` and, when they have none, `cozyMetadata`
 * @param options keys (default `_id`), selector, shouldSave, shouldUpdate. A function with fewer parameters than it is
 *   given arguments is called as a method of the document: `shouldUpdate(existing)`, `shouldSave()`
 * @returns new documents and those to update, each once
 * @throws Error without doctype
 */
export async function hydrateAndFilter<T extends object>(
  documents: readonly T[] = [],
  doctype?: string,
  options: HydrateAndFilterOptions = {},
): Promise<T[]> {
  if (!doctype) throw new Error('Doctype is mandatory to filter the connector data.')
  const { index, ...rest } = options
  const id = index?.name ?? index?.id
  const { toWrite } = await hydrate(getStackClient(), documents, doctype, { ...rest, ...(id ? { index: { id } } : {}) })
  return toWrite
}
