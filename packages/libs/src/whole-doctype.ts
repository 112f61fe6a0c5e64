import type { AnyDocument } from './cozy-client/data-path.ts'
import type { IndexReference } from './cozy-client/data-query.ts'
import { cozyClient } from './cozy-client/index.ts'

/** Every document of a doctype. */
export function fetchAll(doctype: string): Promise<AnyDocument[]> {
  return cozyClient.data.findAll(doctype)
}

/**
 * Every document a selector finds, page after page.
 * @param selector Mango; without one, every document of the doctype
 * @param index from `cozyClient.data.defineIndex`; default one on the selector's names
 */
export async function queryAll(
  doctype: string,
  selector?: Record<string, unknown> | undefined,
  index?: IndexReference,
): Promise<AnyDocument[]> {
  if (!selector) return fetchAll(doctype)
  const used = index ?? (await cozyClient.data.defineIndex(doctype, Object.keys(selector)))
  const found: AnyDocument[] = []
  let next = true
  while (next) {
    const page = await cozyClient.data.query(used, { selector, wholeResponse: true, skip: found.length })
    found.push(...page.docs)
    next = page.next && page.docs.length > 0
  }
  return found
}

/** Updates documents one after the other. @param attributes merged into each @returns the stored documents */
export async function batchUpdateAttributes(
  doctype: string,
  ids: string[],
  attributes: object,
): Promise<AnyDocument[]> {
  const updated: AnyDocument[] = []
  for (const id of ids) updated.push(await cozyClient.data.updateAttributes(doctype, id, attributes))
  return updated
}

/** Deletes documents (`_id` and `_rev` needed) one after the other. @returns the stack's answers */
export async function batchDelete(doctype: string, documents: { _id: string; _rev: string }[]) {
  const answers: Awaited<ReturnType<typeof cozyClient.data.delete>>[] = []
  for (const doc of documents) answers.push(await cozyClient.data.delete(doctype, doc))
  return answers
}
