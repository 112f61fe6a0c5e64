import type { Transaction } from 'kysely'
import type { GroundTables } from '../database/index.ts'
import { conflict, missing } from '../http/errors.ts'
import type { Tenant } from '../tenant.ts'
import { type Applied, applyEdits, type RowToWrite } from './apply-edits.ts'
import type { Change, DocumentTransaction, DocumentWriter, Edit, EditResult, StoredDocument } from './contract.ts'
import { type FeedStep, readCurrent, writeRows } from './document-sql.ts'
import { lockExistingFeed, lockFeed } from './feed-sql.ts'
import { assertId } from './identifiers.ts'
import type { Ticket } from './in-order.ts'
import { createReader } from './reader.ts'
import { inTransaction } from './sql.ts'

/** A listener of `Documents.onChange`. */
export type ChangeListener = (changes: Change[], writer: DocumentTransaction) => Promise<void>

export interface OpenTransaction extends DocumentTransaction {
  /** All changes so far, in their order. */
  recorded: Change[]
  callbacks: (() => void)[]
}

/** A writer in a transaction that somebody else begins and ends. */
export function openTransaction(
  query: Transaction<GroundTables>,
  tenant: Tenant,
  { listenersOf, now, ticket }: { listenersOf(doctype: string): ChangeListener[]; now(): number; ticket: Ticket },
): OpenTransaction {
  const run = inTransaction(query)
  const recorded: Change[] = []
  const callbacks: (() => void)[] = []

  const changed = async (fresh: Change[]) => {
    recorded.push(...fresh)
    const [first] = fresh
    if (!first) return
    // Before the commit, under the feed's lock.
    ticket.place(tenant, first.document.doctype, { first: first.document.seq, epoch: first.epoch })
    for (const listener of listenersOf(first.document.doctype)) await listener(fresh, writer)
  }

  const write = async (doctype: string, edits: Edit[]): Promise<EditResult[]> => {
    if (edits.length === 0) return []
    const ids = edits.flatMap(({ id }) => (id === undefined ? [] : [id]))
    for (const id of ids) assertId(id)
    // Only a creation makes a database; updates of what is not there leave none behind.
    const creates = edits.some(({ rev }) => rev === undefined)
    const feed = await (creates ? lockFeed : lockExistingFeed)(run, tenant.id, doctype)
    if (!feed) return edits.map(({ id = '' }) => ({ ok: false, id, error: 'missing' }))
    const current = await readCurrent(run, tenant.id, doctype, [...new Set(ids)])
    const applied = applyEdits(doctype, edits, current, feed.seq, now())
    const rows = lastOfEach(applied)
    if (rows.length > 0) await writeRows(run, tenant.id, doctype, rows, stepOf(applied))
    await changed(applied.flatMap(result => (result.ok ? [changeOf(tenant, feed.epoch, result)] : [])))
    return applied.map(toResult)
  }

  const writer: OpenTransaction = {
    ...createReader(run, tenant),
    ...conveniences(write),
    write,
    tenant,
    query,
    recorded,
    callbacks,
    changed,
    afterCommit: work => void callbacks.push(work),
  }
  return writer
}

/** The single forms of `write`, throwing what it only tells. */
export function conveniences(write: DocumentWriter['write']): Pick<DocumentWriter, 'create' | 'update' | 'remove'> {
  const one = async (doctype: string, edit: Edit): Promise<StoredDocument> => {
    const [result] = await write(doctype, [edit])
    if (result?.ok) return result.document
    throw result?.error === 'missing' ? missing() : conflict()
  }
  return {
    create: (doctype, body, id) => one(doctype, { id, body }),
    update: (doctype, id, rev, body) => one(doctype, { id, rev, body }),
    remove: (doctype, id, rev) => one(doctype, { id, rev, body: {}, deleted: true }),
  }
}

type Success = Extract<Applied, { ok: true }>

export function changeOf(tenant: Tenant, epoch: string, { row: { document }, before }: Success): Change {
  const old = before?.deleted ? undefined : before
  return { tenant, verb: document.deleted ? 'DELETED' : old ? 'UPDATED' : 'CREATED', document, before: old, epoch }
}

export function toResult(applied: Applied): EditResult {
  return applied.ok ? { ok: true, document: applied.row.document, before: applied.before } : applied
}

/** Only the last state of a document is written; the states between were never visible to anybody. */
function lastOfEach(applied: Applied[]): RowToWrite[] {
  const rows = new Map(applied.flatMap(result => (result.ok ? [[result.row.document.id, result.row] as const] : [])))
  return [...rows.values()]
}

export function stepOf(applied: Applied[]): FeedStep {
  const step = { changes: 0, documents: 0, tombstones: 0 }
  for (const result of applied) {
    if (!result.ok) continue
    step.changes += 1
    const lived = result.before !== undefined && !result.before.deleted
    const lives = !result.row.document.deleted
    step.documents += Number(lives) - Number(lived)
    step.tombstones += Number(!lives) - Number(result.before?.deleted ?? false)
  }
  return step
}
