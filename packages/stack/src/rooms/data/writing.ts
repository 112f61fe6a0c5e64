import { LRUCache } from 'lru-cache'
import type { DocumentTransaction, Edit, EditResult, StoredDocument } from '#ground/documents/contract'
import { newId } from '#ground/documents/index'
import { type ForeignRevision, replicate, writeWithConflicts } from '#ground/documents/replicate'
import { readLosers } from '#ground/documents/replicate-sql'
import { onPool } from '#ground/documents/sql'
import type { Ground } from '#ground/ground'
import { CouchError, WireError } from '#ground/http/errors'
import type { Actor } from '#ground/http/grant'
import type { Tenant } from '#ground/tenant'
import type { DoctypeBehaviour } from './behaviour.ts'
import type { Behaviours } from './behaviours.ts'

/** Who writes what. */
export interface Write {
  tenant: Tenant
  actor: Actor
  doctype: string
}

export type WriteResult =
  | EditResult
  /** The doctype's behaviour refused it. */
  | { ok: false; id: string; error: 'refused'; cause: WireError }

/** Writes of clients, with what their doctypes do. */
export interface Writing {
  /** Each edit by itself, in its order; losing revisions may be edited too. */
  write(by: Write, edits: Edit[]): Promise<WriteResult[]>
  /** Revisions made elsewhere. @returns by id, why some were refused */
  replicate(by: Write, revisions: ForeignRevision[]): Promise<Map<string, WireError>>
  /** Ends a doctype with all its documents. @returns whether there was any */
  drop(tenant: Tenant, doctype: string): Promise<boolean>
}

/** Documents in one transaction: longer ones hold up other writers of the doctype. */
const CHUNK = 500

export function createWriting(
  { documents, database, clock }: Pick<Ground, 'documents' | 'database' | 'clock'>,
  behaviours: Behaviours,
): Writing {
  const run = onPool(database.driver)

  /** Databases that were there: an update must not make one. One dropped by another process is forgotten here too late, no harm. */
  const seen = new LRUCache<string, true>({ max: 10_000 })
  const exists = async (tenant: Tenant, doctype: string): Promise<boolean> => {
    const key = `${tenant.id} ${doctype}`
    if (seen.has(key)) return true
    const found = (await documents.of(tenant).feed(doctype)) !== undefined
    if (found) seen.set(key, true)
    return found
  }

  const inChunks = async <T, R>(items: T[], work: (chunk: T[]) => Promise<R>): Promise<R[]> => {
    const results: R[] = []
    for (let at = 0; at < items.length; at += CHUNK) results.push(await work(items.slice(at, at + CHUNK)))
    return results
  }

  /** Without any behaviour or deletion, writes join those of other requests in one commit. */
  const writePlain = async ({ tenant, doctype }: Write, edits: Edit[]): Promise<WriteResult[]> => {
    const results = await documents.of(tenant).write(doctype, edits)
    const refused = edits.filter((edit, index) => edit.rev !== undefined && !results[index]!.ok)
    if (refused.length === 0) return results
    const ids = refused.flatMap(({ id }) => id ?? [])
    const losers = await readLosers(run, tenant.id, doctype, ids)
    const again = refused.filter(({ id, rev }) => losers.get(id!)?.some(loser => loser.rev === rev))
    if (again.length === 0) return results
    const second = await documents.transaction(tenant, writer => writeWithConflicts(writer, doctype, again))
    return results.map((result, index) => second[again.indexOf(edits[index]!)] ?? result)
  }

  const writeWithBehaviour = (by: Write, edits: Edit[]): Promise<WriteResult[]> =>
    documents.transaction(by.tenant, async writer => {
      const behaviour = behaviours.of(by.doctype)
      const ready = await prepare(writer, by, behaviour, edits)
      const accepted = ready.filter(item => 'body' in item)
      const written = await writeWithConflicts(writer, by.doctype, accepted)
      await tellDeletions(writer, by.doctype, behaviour, written)
      return ready.map(item => ('body' in item ? written[accepted.indexOf(item)]! : item))
    })

  /** Contents as the behaviour wants them. Its refusals are results, not the end of the others. */
  const prepare = async (
    writer: DocumentTransaction,
    { tenant, actor, doctype }: Write,
    behaviour: DoctypeBehaviour | undefined,
    edits: Edit[],
  ): Promise<(Edit | Extract<WriteResult, { error: 'refused' }>)[]> => {
    if (!behaviour?.beforeWrite) return edits
    const stored = await livingOf(writer, doctype, edits)
    return eachInTurn(edits, async edit => {
      // Made here, so that the behaviour can bind the content to its document.
      const id = edit.id ?? newId(clock.now().getTime())
      // A tombstone keeps nothing of a doctype whose content is not simply stored.
      if (edit.deleted) return { ...edit, id, body: {} }
      try {
        const named = edit.id !== undefined
        const write = { tenant, actor, id, named, body: edit.body, stored: stored.get(id) }
        return { ...edit, id, body: await behaviour.beforeWrite!(write) }
      } catch (cause) {
        if (cause instanceof WireError) return { ok: false as const, id, error: 'refused' as const, cause }
        throw cause
      }
    })
  }

  const replicateChunk = (by: Write, revisions: ForeignRevision[]): Promise<Map<string, WireError>> =>
    documents.transaction(by.tenant, async writer => {
      const behaviour = behaviours.of(by.doctype)
      const refused = new Map<string, WireError>()
      const ready = await prepare(writer, by, behaviour, revisions)
      const accepted = ready.flatMap((item, index) => {
        if ('body' in item) return [{ ...revisions[index]!, body: item.body }]
        refused.set(item.id, item.cause)
        return []
      })
      for (const { document, before } of await replicate(writer, by.doctype, accepted)) {
        if (document.deleted && before && !before.deleted)
          await behaviour?.afterDelete?.(writer, { tombstone: document, before })
      }
      return refused
    })

  return {
    async write(by, edits) {
      const behaviour = behaviours.of(by.doctype)
      const creates = edits.some(({ rev }) => rev === undefined)
      if (!creates && !(await exists(by.tenant, by.doctype)))
        return edits.map(({ id = '' }) => ({ ok: false, id, error: 'missing' }))
      const plain = !behaviour?.beforeWrite && !edits.some(({ deleted }) => deleted)
      return (await inChunks(edits, chunk => (plain ? writePlain(by, chunk) : writeWithBehaviour(by, chunk)))).flat()
    },
    async replicate(by, revisions) {
      const refused = await inChunks(revisions, chunk => replicateChunk(by, chunk))
      return new Map(refused.flatMap(part => [...part]))
    },
    async drop(tenant, doctype) {
      const behaviour = behaviours.of(doctype)
      if (behaviour?.afterDelete && (await documents.of(tenant).feed(doctype)))
        await deleteAll(tenant, doctype, behaviour)
      seen.delete(`${tenant.id} ${doctype}`)
      return documents.dropFeed(tenant, doctype)
    },
  }

  /** Deletes document by document, for a doctype that does something then. */
  async function deleteAll(tenant: Tenant, doctype: string, behaviour: DoctypeBehaviour): Promise<void> {
    for (;;) {
      const left = await documents.transaction(tenant, async writer => {
        const living = await writer.list(doctype, { limit: CHUNK })
        const edits = living.map(({ id, rev }) => ({ id, rev, body: {}, deleted: true }))
        await tellDeletions(writer, doctype, behaviour, await writeWithConflicts(writer, doctype, edits))
        return living.length
      })
      // A conflict takes the place of a deleted document, and is met in the next round.
      if (left === 0) return
    }
  }
}

/** Runs the hooks of documents that live no more; one whose conflict took its place still does. */
async function tellDeletions(
  writer: DocumentTransaction,
  doctype: string,
  behaviour: DoctypeBehaviour | undefined,
  results: EditResult[],
): Promise<void> {
  if (!behaviour?.afterDelete) return
  const deleted = results.flatMap(result =>
    result.ok && result.document.deleted && result.before && !result.before.deleted ? [result] : [],
  )
  const now = await writer.getMany(
    doctype,
    deleted.map(({ document }) => document.id),
  )
  for (const [index, { before }] of deleted.entries()) {
    const tombstone = now[index]
    if (tombstone?.deleted) await behaviour.afterDelete(writer, { tombstone, before: before! })
  }
}

async function livingOf(
  writer: DocumentTransaction,
  doctype: string,
  edits: Edit[],
): Promise<Map<string, StoredDocument>> {
  const ids = edits.flatMap(({ id }) => id ?? [])
  const found = await writer.getMany(doctype, ids)
  return new Map(found.flatMap(document => (document && !document.deleted ? [[document.id, document] as const] : [])))
}

async function eachInTurn<T, R>(items: T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  for (const item of items) results.push(await work(item))
  return results
}

/** What a refused write of a single document throws. @throws always, unless it was done */
export function documentOf(result: WriteResult): StoredDocument {
  if (result.ok) return result.document
  if (result.error === 'refused') throw result.cause
  if (result.error === 'missing') throw new CouchError(404, 'not_found', 'missing')
  throw new CouchError(409, 'conflict', 'Document update conflict.')
}
