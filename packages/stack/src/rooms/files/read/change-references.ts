import type { Reference } from '@konnectory/protocol'
import type { Documents, DocumentTransaction } from '#ground/documents/contract'
import { lockFeed } from '#ground/documents/feed-sql'
import { inTransaction } from '#ground/documents/sql'
import { conflict } from '#ground/http/errors'
import type { Tenant } from '#ground/tenant'
import { type Entry, FILES } from '../record.ts'
import { noSuchEntry } from './reader.ts'
import type { Relation } from './reference-store.ts'
import { cannotBe, toEntry } from './tree-store.ts'

/** What becomes of the references of entries: those to add, and those to remove. */
export interface ReferenceChange {
  relation: Relation
  add?: Reference[]
  remove?: Reference[]
}

/**
 * Changes references of several entries, all or none; each reference stands once. An entry that has them already is not
 * written, so that doing it twice makes one revision.
 * @param check is asked with the entries as they are in the transaction; what it throws undoes all
 * @returns the entries as they are now, in the order of `ids`
 * @throws JsonApiError 404 for an unknown entry
 */
export async function changeReferences(
  documents: Documents,
  tenant: Tenant,
  ids: string[],
  change: ReferenceChange,
  check: (entries: Entry[], writer: DocumentTransaction) => Promise<void>,
): Promise<Entry[]> {
  return documents.transaction(tenant, async writer => {
    // What is read after this is what is written to: nobody else changes files of this tenant until the end.
    await lockFeed(inTransaction(writer.query), tenant.id, FILES)
    const entries = await readAll(writer, [...new Set(ids)])
    await check(entries, writer)
    const edits = entries.flatMap(entry => {
      const references = changed(listOf(entry, change.relation), change)
      if (!references) return []
      const { _id: id, _rev: rev, ...body } = entry
      const { [change.relation]: _before, ...rest } = body as Record<string, unknown>
      return [{ id, rev, body: references.length > 0 ? { ...rest, [change.relation]: references } : rest }]
    })
    const results = await writer.write(FILES, edits)
    const written = new Map<string, Entry>(entries.map(entry => [entry._id, entry]))
    for (const result of results) {
      if (!result.ok) throw conflict()
      written.set(result.document.id, toEntry(result.document))
    }
    return ids.map(id => written.get(id) as Entry)
  })
}

async function readAll(writer: DocumentTransaction, ids: string[]): Promise<Entry[]> {
  if (ids.some(cannotBe)) throw noSuchEntry()
  const found = await writer.getMany(FILES, ids)
  return found.map(document => {
    if (!document || document.deleted) throw noSuchEntry()
    return toEntry(document)
  })
}

const listOf = (entry: Entry, relation: Relation): Reference[] =>
  (entry as unknown as Partial<Record<Relation, Reference[]>>)[relation] ?? []

/** @returns undefined when nothing changes */
function changed(before: Reference[], { add = [], remove = [] }: ReferenceChange): Reference[] | undefined {
  const unwanted = new Set(remove.map(keyOf))
  const after = new Map(
    [...before, ...add].filter(reference => !unwanted.has(keyOf(reference))).map(item => [keyOf(item), item]),
  )
  const isSame = after.size === before.length && before.every(reference => after.has(keyOf(reference)))
  return isSame ? undefined : [...after.values()]
}

const keyOf = ({ type, id }: Reference) => JSON.stringify([type, id])
