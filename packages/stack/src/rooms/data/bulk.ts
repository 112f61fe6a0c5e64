import type { Body, Edit } from '#ground/documents/contract'
import { assertId } from '#ground/documents/index'
import type { ForeignRevision } from '#ground/documents/replicate'
import { CouchError, type WireError } from '#ground/http/errors'
import {
  assertRevision,
  type GivenDocument,
  NO_ATTACHMENTS,
  readDocument,
  refuseAttachments,
} from './given-document.ts'
import { foreignRevision } from './replication.ts'
import type { Write, WriteResult, Writing } from './writing.ts'

/** What `_bulk_docs` answers for one document. */
export type BulkResult = { ok: true; id: string; rev: string } | { id: string; error: string; reason: string }

/** PouchDB goes on with its other documents after a `forbidden` one, and gives up after any other error. */
const forbidden = (id: string, reason: string): BulkResult => ({ id, error: 'forbidden', reason })

const NO_DESIGNS = 'Indexes are made with _index; design documents are not replicated'

/** Creates, updates and deletes. @throws CouchError 400, before anything was written, for documents that are none */
export async function bulkWrite(writing: Writing, by: Write, docs: Body[]): Promise<BulkResult[]> {
  const given = docs.map(doc => readDocument(doc, ['_id', '_rev', '_deleted', '_revisions']))
  const refused = given.map(document => {
    refuseAttachments(document)
    return designRefusal(document)
  })
  const edits = given.flatMap((document, index) => (refused[index] ? [] : [editOf(document)]))
  const results = (await writing.write(by, edits)).values()
  return refused.map(refusal => refusal ?? resultOf(results.next().value!))
}

/** Takes revisions of another replica over. @throws CouchError 400, before anything was written, for what is no revision */
export async function bulkReplicate(writing: Writing, by: Write, docs: Body[]): Promise<BulkResult[]> {
  const given = docs.map(doc => readDocument(doc, ['_id', '_rev', '_deleted', '_revisions']))
  const items = given.map((document): BulkResult | ForeignRevision => {
    if (document.attachments) return forbidden(document.id ?? '', NO_ATTACHMENTS)
    return designRefusal(document) ?? foreignRevision(document)
  })
  const causes = await writing.replicate(
    by,
    items.filter(item => 'history' in item),
  )
  return items.map(item => {
    if (!('history' in item)) return item
    const cause = causes.get(item.id)
    return cause ? refusedBy(item.id, cause) : { ok: true, id: item.id, rev: `${item.generation}-${item.history[0]}` }
  })
}

function designRefusal({ id }: GivenDocument): BulkResult | undefined {
  return id?.startsWith('_design/') ? forbidden(id, NO_DESIGNS) : undefined
}

function editOf({ id, rev, deleted, content }: GivenDocument): Edit {
  if (id !== undefined) assertId(id)
  if (rev) assertRevision(rev)
  return { id, rev: rev || undefined, body: content, deleted }
}

function resultOf(result: WriteResult): BulkResult {
  if (result.ok) return { ok: true, id: result.document.id, rev: result.document.rev }
  if (result.error === 'refused') return refusedBy(result.id, result.cause)
  return { id: result.id, error: 'conflict', reason: 'Document update conflict.' }
}

function refusedBy(id: string, cause: WireError): BulkResult {
  return cause instanceof CouchError
    ? { id, error: cause.error, reason: cause.reason }
    : { id, error: cause.status === 403 ? 'forbidden' : 'bad_request', reason: cause.message }
}
