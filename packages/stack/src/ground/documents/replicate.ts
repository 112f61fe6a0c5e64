import type { Body, Change, DocumentTransaction, Edit, EditResult, StoredDocument } from './contract.ts'
import { writeRows } from './document-sql.ts'
import { lockFeed } from './feed-sql.ts'
import { assertId } from './identifiers.ts'
import { type Leaf, readLeaves, writeLosers } from './replicate-sql.ts'
import { nextHistory, nextRevision, parseRevision } from './revision.ts'
import { type Branch, mergeBranch, winnerOf } from './revision-tree.ts'
import { inTransaction } from './sql.ts'
import { makeDocument } from './stored.ts'
import type { OpenTransaction } from './transaction.ts'

/** A revision made elsewhere, to be taken over with its name (`new_edits: false`). */
export interface ForeignRevision extends Branch {
  id: string
  body: Body
}

/** What became of a document that replication touched. */
export interface Settled {
  id: string
  /** The winner now. */
  document: StoredDocument
  /** The winner before; undefined when there was no document. */
  before: StoredDocument | undefined
}

/**
 * Takes revisions over as they are: what is known already changes nothing, what stands beside the current one is kept as a
 * conflict, and the winner is the same on every replica.
 * @returns the documents that changed, each once
 */
export async function replicate(
  writer: DocumentTransaction,
  doctype: string,
  revisions: ForeignRevision[],
): Promise<Settled[]> {
  for (const { id } of revisions) assertId(id)
  return changeTrees(writer, doctype, [...new Set(revisions.map(({ id }) => id))], trees => {
    for (const { id, body, ...branch } of revisions) {
      trees.set(id, mergeBranch(trees.get(id) ?? [], leafOf(doctype, id, branch, body)))
    }
  })
}

/**
 * `writer.write` for documents that may have conflicts: a losing revision can be edited too (that is how conflicts are ended),
 * and when the winner is deleted the best of the others takes its place.
 * @returns results in the order of the edits, as the edits left the documents
 */
export async function writeWithConflicts(
  writer: DocumentTransaction,
  doctype: string,
  edits: Edit[],
): Promise<EditResult[]> {
  const results: EditResult[] = []
  // One after the other only where it matters: plain batches go as they are.
  for (const [index, result] of (await writer.write(doctype, edits)).entries()) {
    const edit = edits[index]!
    results.push(result.ok || edit.rev === undefined ? result : ((await editLoser(writer, doctype, edit)) ?? result))
  }
  const deleted = results.flatMap(result => (result.ok && result.document.deleted ? [result.document.id] : []))
  if (deleted.length > 0) await promote(writer, doctype, deleted)
  return results
}

/** An edit of a revision that lost. @returns undefined when there is no such revision */
async function editLoser(writer: DocumentTransaction, doctype: string, edit: Edit): Promise<EditResult | undefined> {
  const { id, rev, body, deleted = false } = edit
  if (id === undefined || rev === undefined) return undefined
  const tree = (await readLeaves(inTransaction(writer.query), writer.tenant.id, doctype, [id])).get(id)
  const loser = tree?.slice(1).find(({ document }) => document.rev === rev)
  if (!loser) return undefined
  const next = nextRevision(rev, deleted, JSON.stringify(body))
  const generation = parseRevision(next)!.generation
  const history = nextHistory(next, loser.history)
  await replicate(writer, doctype, [{ id, generation, history, deleted, body }])
  const document = leafOf(doctype, id, { generation, history, deleted }, body).document
  return { ok: true, document, before: loser.document }
}

/** Where a deleted document has a living conflict, that one is the document now. */
async function promote(writer: DocumentTransaction, doctype: string, ids: string[]): Promise<void> {
  await changeTrees(writer, doctype, [...new Set(ids)], trees => {
    for (const [id, tree] of trees) if (winnerOf(tree) !== tree[0]) trees.set(id, [...tree])
  })
}

type Trees = Map<string, Leaf[]>

/** Reads trees under the feed's lock, has them changed, and writes those that are other arrays afterwards. */
async function changeTrees(
  writer: DocumentTransaction,
  doctype: string,
  ids: string[],
  change: (trees: Trees) => void,
): Promise<Settled[]> {
  const run = inTransaction(writer.query)
  const { id: tenantId } = writer.tenant
  const feed = await lockFeed(run, tenantId, doctype)
  const before = await readLeaves(run, tenantId, doctype, ids)
  const after: Trees = new Map(before)
  change(after)
  const changed = [...after].filter(([id, tree]) => tree !== before.get(id) && tree.length > 0)
  if (changed.length === 0) return []

  let { seq } = feed
  const step = { changes: changed.length, documents: 0, tombstones: 0 }
  const lost: Leaf[] = []
  const gone: Leaf[] = []
  const rows: Leaf[] = []
  const settled: Settled[] = []
  for (const [id, tree] of changed) {
    const winner = winnerOf(tree)!
    seq += 1
    const document = makeDocument({ ...winner.document, text: winner.document.text, seq }, winner.document.body)
    rows.push({ ...winner, document })
    // Only what changes is written: a document may have thousands of conflicts.
    const were = new Set(before.get(id)?.slice(1))
    const are = new Set(tree.filter(leaf => leaf !== winner))
    for (const leaf of are) if (!were.has(leaf)) lost.push(leaf)
    for (const leaf of were) if (!are.has(leaf)) gone.push(leaf)
    const old = before.get(id)?.[0].document
    step.documents += Number(!document.deleted) - Number(old !== undefined && !old.deleted)
    step.tombstones += Number(document.deleted) - Number(old?.deleted ?? false)
    settled.push({ id, document, before: old })
  }
  await writeRows(run, tenantId, doctype, rows, step)
  await writeLosers(run, tenantId, doctype, { gone, lost })
  // The ground's own transactions have it; the rooms' contract does not, so that no room makes up changes.
  await (writer as OpenTransaction).changed(settled.map(change => changeOf(writer, feed.epoch, change)))
  return settled
}

function changeOf({ tenant }: DocumentTransaction, epoch: string, { document, before }: Settled): Change {
  const old = before?.deleted ? undefined : before
  return { tenant, verb: document.deleted ? 'DELETED' : old ? 'UPDATED' : 'CREATED', document, before: old, epoch }
}

function leafOf(doctype: string, id: string, { generation, history, deleted }: Branch, body: Body): Leaf {
  const rev = `${generation}-${history[0]}`
  const document = makeDocument({ doctype, id, rev, deleted, seq: 0, text: JSON.stringify(body) }, body)
  return { generation, history, deleted, document }
}
