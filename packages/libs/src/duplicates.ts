import type { AnyDocument } from './cozy-client/data-path.ts'
import { fetchAll, queryAll } from './whole-doctype.ts'

export interface DuplicatesOptions {
  /** Documents with the same values of these are the same; `date` is compared as a date. */
  keys?: string[]
  /** Documents for which this gives the same text are the same. */
  hash?: (doc: AnyDocument) => unknown
  /** Mango selector; default all documents. */
  selector?: Record<string, unknown>
}

/**
 * @returns one document of each group of equals in `toKeep` (of bills the one with most bank operations), the others in
 *   `toRemove`, each with the id of the kept one in `original`
 * @throws Error without `keys` or `hash`
 */
export async function findDuplicates(
  doctype: string,
  options: DuplicatesOptions,
): Promise<{ toKeep: AnyDocument[]; toRemove: (AnyDocument & { original: string })[] }> {
  const { keys } = options
  const hash = keys
    ? (doc: AnyDocument) => keys.map(key => (key === 'date' ? new Date(doc[key]) : doc[key])).join(',')
    : options.hash
  if (!hash) throw new Error('findDuplicates: you must specify keys or hash option')

  let documents = await queryAll(doctype, options.selector)
  if (doctype === 'io.cozy.bills') {
    documents = sortBillsByLinkedOperationNumber(documents, await fetchAll('io.cozy.bank.operations'))
  }
  const groups = new Map<string, AnyDocument[]>()
  for (const doc of documents) {
    const key = String(hash(doc))
    groups.set(key, [...(groups.get(key) ?? []), doc])
  }
  const toKeep: AnyDocument[] = []
  const toRemove: (AnyDocument & { original: string })[] = []
  for (const [kept, ...others] of groups.values()) {
    if (!kept) continue
    toKeep.push(kept)
    toRemove.push(...others.map(doc => ({ ...doc, original: kept._id })))
  }
  return { toKeep, toRemove }
}

interface Operation {
  /** Ids of bills, as stored: `io.cozy.bills:<id>`. */
  bills?: string[] | undefined
  [attribute: string]: unknown
}

type CountedBill = AnyDocument & { opNb?: number }

/**
 * @param bills get `opNb`, how many operations are linked to each
 * @returns them with the most linked first; of equals the last one first
 */
export function sortBillsByLinkedOperationNumber<B extends { _id: string }>(
  bills: B[],
  operations: Operation[] | undefined,
): (B & { opNb: number })[] {
  const byId = new Map<string, CountedBill>()
  for (const bill of bills as unknown as CountedBill[]) {
    bill.opNb = 0
    byId.set(bill._id, bill)
  }
  for (const id of (operations ?? []).flatMap(({ bills: ids }) => ids ?? [])) {
    // Stored links carry the doctype; upstream compared them raw, so none ever matched (FIX-20).
    const bill = byId.get(id) ?? byId.get(id.replace(/^io\.cozy\.bills:/, ''))
    if (bill) bill.opNb = (bill.opNb ?? 0) + 1
  }
  const sorted = [...byId.values()].sort((a, b) => (a.opNb ?? 0) - (b.opNb ?? 0)).reverse()
  return sorted as unknown as (B & { opNb: number })[]
}
