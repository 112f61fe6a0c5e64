import type { Stored } from '@konnectory/protocol'
import { checkReadable } from '../documents/doctypes.ts'
import { compileSelector, isObject } from '../documents/selector.ts'
import { FILES } from '../files/file-record.ts'
import { badRequest } from '../http/errors.ts'
import { jsonAnswer, parameter, readJson, type StackRequest } from '../http/exchange.ts'
import type { Route } from '../http/router.ts'
import type { StackContext } from './context.ts'
import { shown } from './data-lists.ts'

const PARAMETERS = new Set(
  'feed style since limit timeout include_docs heartbeat _nonce seq_interval descending'.split(' '),
)

/**
 * `_changes` (`protocol/data.md` section 6): the last change of each document, in order. Sequences are those of this start of the stack;
 * one of an earlier start counts as the beginning, so that a reader may see a change twice and never misses one.
 */
export function changeRoutes({ documents, files }: StackContext): Route[] {
  const start = documents.ids.next('changes').slice(0, 8)

  const changes = (request: StackRequest, doctype: string, body: unknown) => {
    checkReadable(doctype)
    for (const name of request.query.keys())
      if (!PARAMETERS.has(name) && !(name === 'filter' && request.method === 'POST'))
        throw badRequest(`Unsupported query parameter '${name}'`)
    if ((parameter(request, 'feed') ?? 'normal') !== 'normal') throw badRequest('only the feed "normal" is supported')
    const collection = documents.collection(doctype)
    const wanted = filter(parameter(request, 'filter'), body)
    const since = sequenceOf(parameter(request, 'since'), start, collection.sequence)
    const results: object[] = []
    for (const [id, sequence] of collection.changes()) {
      if (sequence <= since) continue
      const doc = doctype === FILES ? files.alive(id) : collection.get(id)
      const tombstone = doc ? undefined : collection.tombstones.get(id)
      // Loaded once and forgotten before anybody could see it.
      if (!doc && !tombstone) continue
      const state: Stored = doc ? shown(doctype, doc) : { _id: id, _rev: tombstone!, _deleted: true }
      if (!wanted(state)) continue
      const deleted = tombstone ? { deleted: true } : {}
      const included = parameter(request, 'include_docs') === 'true' ? { doc: state } : {}
      results.push({ id, seq: `${sequence}-${start}`, ...deleted, changes: [{ rev: state._rev }], ...included })
    }
    if (parameter(request, 'descending') === 'true') results.reverse()
    const limit = Number(parameter(request, 'limit')) || results.length
    const page = results.slice(0, limit) as { seq: string }[]
    const pending = results.length - page.length
    const last = pending > 0 ? page.at(-1)!.seq : `${collection.sequence}-${start}`
    return jsonAnswer(200, { last_seq: last, pending, results: page })
  }

  return [
    ['GET', '/data/:doctype/_changes', (request, { doctype = '' }) => changes(request, doctype, undefined)],
    [
      'POST',
      '/data/:doctype/_changes',
      async (request, { doctype = '' }) => changes(request, doctype, await readJson(request)),
    ],
  ]
}

function sequenceOf(since: string | undefined, start: string, now: number): number {
  if (since === 'now') return now
  const [, sequence, of] = /^(\d+)-(\w+)$/.exec(since ?? '') ?? []
  return of === start ? Number(sequence) : 0
}

function filter(name: string | undefined, body: unknown): (doc: Stored) => boolean {
  const given = isObject(body) ? body : {}
  if (name === undefined) return () => true
  if (name === '_selector') return compileSelector(given.selector)
  if (name !== '_doc_ids' || !Array.isArray(given.doc_ids)) throw badRequest(`Unsupported filter '${name}'`)
  const ids = new Set<unknown>(given.doc_ids)
  return doc => ids.has(doc._id)
}
