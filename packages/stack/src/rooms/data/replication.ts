import type { Body } from '#ground/documents/contract'
import { assertId } from '#ground/documents/index'
import type { ForeignRevision } from '#ground/documents/replicate'
import { type Leaf, readLeaves } from '#ground/documents/replicate-sql'
import type { RunSql } from '#ground/documents/sql'
import { CouchError } from '#ground/http/errors'
import { type GivenDocument, invalid, isObject } from './given-document.ts'
import { leafText, leavesAt } from './reading.ts'

/** A revision asked for; without one, the current. */
export interface WantedRevision {
  id: string
  rev: string | undefined
}

const MOST_DOCUMENTS = 10_000

/** The list `docs` of a body. @throws CouchError 400 */
export function readDocs(body: Body): Body[] {
  const { docs } = body
  if (!Array.isArray(docs) || !docs.every(isObject))
    throw new CouchError(400, 'bad_request', '`docs` must be a list of objects')
  if (docs.length > MOST_DOCUMENTS)
    throw new CouchError(400, 'bad_request', `at most ${MOST_DOCUMENTS} documents at a time`)
  return docs
}

/** Body of `_bulk_get`. @throws CouchError 400 */
export function readWanted(body: Body): WantedRevision[] {
  return readDocs(body).map(({ id, rev }) => {
    if (typeof id !== 'string') throw new CouchError(400, 'bad_request', 'document id missed')
    if (rev !== undefined && rev !== null && typeof rev !== 'string')
      throw new CouchError(400, 'bad_request', 'Invalid rev format')
    return { id, rev: rev ?? undefined }
  })
}

/** Body of `_revs_diff`. @throws CouchError 400 */
export function readRevisionLists(body: Body): Map<string, string[]> {
  const lists = Object.entries(body)
  if (lists.length > MOST_DOCUMENTS)
    throw new CouchError(400, 'bad_request', `at most ${MOST_DOCUMENTS} documents at a time`)
  return new Map(
    lists.map(([id, revs]) => {
      if (!Array.isArray(revs) || !revs.every(rev => typeof rev === 'string'))
        throw new CouchError(400, 'bad_request', 'revisions must be lists of texts')
      return [id, revs]
    }),
  )
}

const REVISION = /^([1-9]\d{0,8})-([\w.+=~-]{1,128})$/
const HASH = /^[\w.+=~-]{1,128}$/

/** A document of `_bulk_docs` with `new_edits: false` as the revision it stands for. @throws CouchError 400 */
export function foreignRevision({ id, rev, deleted, revisions, content }: GivenDocument): ForeignRevision {
  if (!id) throw invalid('a replicated document needs an _id')
  assertId(id)
  const match = REVISION.exec(rev ?? '')
  if (!match) throw new CouchError(400, 'bad_request', 'Invalid rev format')
  const generation = Number(match[1])
  return { id, generation, deleted, body: content, history: historyOf(generation, match[2]!, revisions) }
}

function historyOf(generation: number, hash: string, revisions: unknown): string[] {
  if (revisions === undefined) return [hash]
  const { start, ids } = isObject(revisions) ? revisions : {}
  const whole = Array.isArray(ids) && ids.every(one => typeof one === 'string' && HASH.test(one))
  if (!whole || start !== generation || ids.length > generation || ids[0] !== hash)
    throw invalid('_revisions does not belong to _rev')
  return ids
}

/** Documents looked up at a time: with their contents, so few. */
const AT_ONCE = 50

/** Rows of `_bulk_get`, as texts. */
export async function* bulkGetRows(
  run: RunSql,
  tenantId: string,
  doctype: string,
  wanted: WantedRevision[],
  options: { revs: boolean; latest: boolean },
): AsyncGenerator<string[]> {
  for (let at = 0; at < wanted.length; at += AT_ONCE) {
    const some = wanted.slice(at, at + AT_ONCE)
    const ids = some.flatMap(({ id }) => (id.includes('\0') ? [] : id))
    const trees = await readLeaves(run, tenantId, doctype, [...new Set(ids)])
    yield some.map(one => bulkGetRow(one, trees.get(one.id) ?? [], options))
  }
}

function bulkGetRow({ id, rev }: WantedRevision, tree: Leaf[], { revs, latest }: { revs: boolean; latest: boolean }) {
  const found = rev === undefined ? tree.slice(0, 1) : leavesAt(tree, rev, latest)
  const docs =
    found.length > 0
      ? found.map(leaf => `{"ok":${leafText(leaf, revs)}}`)
      : [JSON.stringify({ error: { id, rev: rev ?? 'undefined', error: 'not_found', reason: 'missing' } })]
  return `{"id":${JSON.stringify(id)},"docs":[${docs.join(',')}]}`
}
