import type { Body } from '#ground/documents/contract'
import { assertId } from '#ground/documents/index'
import { type Answer, jsonText } from '#ground/http/answer'
import { badRequest, CouchError } from '#ground/http/errors'
import { type Route, type RouteRequest, route } from '#ground/http/route'
import { assertReadable, assertWritable } from '../doctypes.ts'
import type { documentText } from '../document-text.ts'
import { notFoundReason } from '../errors.ts'
import { assertRevision, jsonObject, readDocument, refuseAttachments } from '../given-document.ts'
import { flag, jsonValue, text, texts, unreadable } from '../parameters.ts'
import { allowOn, type Read, type Reading } from '../reading.ts'
import type { Room } from '../room.ts'
import { documentOf } from '../writing.ts'

type Single = { doctype: string; docid: string }
type Request<B = undefined> = RouteRequest<Single, Record<string, unknown>, B>

const readOf = ({ tenant, actor, allow, params, query }: Request<unknown>): Read => ({
  tenant,
  actor,
  allow,
  doctype: params.doctype,
  id: params.docid,
  query: texts(query),
})

/** One document at a time (`protocol/data.md` §3). */
export function documentRoutes({ documents, reading, writing }: Room): Route[] {
  const post = async (request: RouteRequest<{ doctype: string }, Record<string, unknown>, Body>): Promise<Answer> => {
    const { tenant, actor, allow, params, body } = request
    const { doctype } = params
    assertWritable(doctype)
    if (body._id !== undefined && body._id !== '')
      throw new CouchError(400, 'defined_id', 'A document to create must not have an _id')
    const given = readDocument(body, ['_id'])
    refuseAttachments(given)
    allowOn(allow, 'POST', doctype, undefined, { body: given.content })
    const [result] = await writing.write({ tenant, actor, doctype }, [{ body: given.content }])
    const document = documentOf(result!)
    const read = readOf({ ...request, actor, allow, params: { doctype, docid: document.id } })
    return written(reading, read, document, 'POST', 201)
  }

  const create = async (request: Request<Body>, content: Body): Promise<Answer> => {
    const { tenant, actor, allow, params } = request
    const { doctype, docid: id } = params
    allowOn(allow, 'POST', doctype, id, { body: content })
    const [result] = await writing.write({ tenant, actor, doctype }, [{ id, body: content }])
    return written(reading, readOf(request), documentOf(result!), 'PUT', 200)
  }

  const update = async (request: Request<Body>, content: Body, rev: string): Promise<Answer> => {
    const { tenant, actor, allow, params } = request
    const { doctype, docid: id } = params
    if (!allow.maybe().allowsWholeType('PUT', doctype)) {
      const { rev: current } = await reading.living(readOf(request), 'PUT')
      allow.document('PUT', doctype, id, content)
      // What was looked at is what gets replaced; losing revisions are for those who may everything.
      if (current !== rev) throw new CouchError(409, 'conflict', 'Document update conflict.')
    }
    const [result] = await writing.write({ tenant, actor, doctype }, [{ id, rev, body: content }])
    if (!result!.ok && result!.error === 'missing') await throwMissing(request)
    return written(reading, readOf(request), documentOf(result!), 'PUT', 200)
  }

  const throwMissing = async ({ tenant, params }: Request<unknown>): Promise<never> => {
    const reader = documents.of(tenant)
    throw await notFoundReason(reader, params.doctype, await reader.get(params.doctype, params.docid))
  }

  return [
    route<Single, Record<string, unknown>>({
      method: 'GET',
      path: '/data/:doctype/:docid',
      summary: 'Reads a document',
      family: 'data',
      permission: { inside: 'GET on the document' },
      async handle(request) {
        const { params, query } = request
        assertReadable(params.doctype)
        const read = readOf(request)
        const revs = flag(query, 'revs') ?? false
        if (text(query, 'open_revs') !== undefined) {
          const latest = flag(query, 'latest') ?? false
          return jsonText(await reading.openRevisions(read, wantedRevisions(query), { revs, latest }))
        }
        const rev = text(query, 'rev')
        if (rev && reading.keepsRevisions(params.doctype)) return jsonText(await reading.getRevision(read, rev))
        return jsonText(await reading.get(read, { revs, conflicts: flag(query, 'conflicts') }))
      },
    }),
    route<{ doctype: string }, Record<string, unknown>, Body>({
      method: 'POST',
      path: '/data/:doctype',
      summary: 'Creates a document, with an id of the server',
      family: 'data',
      permission: { inside: 'POST on the new document' },
      body: { json: jsonObject },
      handle: post,
    }),
    route<Single, Record<string, unknown>, Body>({
      method: 'PUT',
      path: '/data/:doctype/:docid',
      summary: 'Updates a document, or creates it with its id',
      family: 'data',
      permission: { inside: 'PUT on the stored and the new document; POST on a new one' },
      body: { json: jsonObject },
      handle(request) {
        const { doctype, docid } = request.params
        assertWritable(doctype)
        assertId(docid)
        const given = readDocument(request.body, ['_id', '_rev'])
        refuseAttachments(given)
        const id = given.id || undefined
        const rev = given.rev || undefined
        if ((id === undefined) !== (rev === undefined))
          throw badRequest(
            'either provide an _id and _rev in the document (update) or neither (create with a fixed id)',
          )
        if (id === undefined || rev === undefined) return create(request, given.content)
        if (id !== docid) throw badRequest('the _id of the document is not the one of the URL')
        assertRevision(rev)
        return update(request, given.content, rev)
      },
    }),
    route<Single, Record<string, unknown>>({
      method: 'DELETE',
      path: '/data/:doctype/:docid',
      summary: 'Deletes a document',
      family: 'data',
      permission: { inside: 'DELETE on the stored document' },
      async handle(request) {
        const { tenant, actor, allow, params, query, headers } = request
        const { doctype, docid: id } = params
        assertWritable(doctype)
        assertId(id)
        const rev = revisionToDelete(headers['if-match'], text(query, 'rev'))
        assertRevision(rev)
        const { rev: current } = await reading.living(readOf(request), 'DELETE')
        if (current !== rev && !allow.maybe().allowsWholeType('DELETE', doctype))
          throw new CouchError(409, 'conflict', 'Document update conflict.')
        const [result] = await writing.write({ tenant, actor, doctype }, [{ id, rev, body: {}, deleted: true }])
        if (!result!.ok && result!.error === 'missing') await throwMissing(request)
        const tombstone = documentOf(result!)
        const answer = { ok: true, id, rev: tombstone.rev, type: doctype, deleted: true }
        return jsonText(JSON.stringify(answer))
      },
    }),
  ]
}

async function written(
  reading: Reading,
  read: Read,
  document: Parameters<typeof documentText>[0] & Parameters<Reading['show']>[1],
  method: 'PUT' | 'POST',
  status: number,
): Promise<Answer> {
  const { id, rev, doctype } = document
  const data = await reading.show(read, document, method, { type: true })
  const head = `{"ok":true,"id":${JSON.stringify(id)},"rev":${JSON.stringify(rev)},"type":${JSON.stringify(doctype)}`
  return jsonText(`${head},"data":${data}}`, status)
}

/** An entity tag is a quoted text; CouchDB's clients send it either way. */
function revisionToDelete(header: string | undefined, query: string | undefined): string {
  const matched = header?.replace(/^"(.*)"$/, '$1') || undefined
  if (matched !== undefined && query && matched !== query)
    throw badRequest('the If-Match header and the rev parameter differ')
  const rev = matched ?? query
  if (!rev) throw badRequest('delete without revision')
  return rev
}

function wantedRevisions(query: Record<string, unknown>): 'all' | string[] {
  if (text(query, 'open_revs') === 'all') return 'all'
  const list = jsonValue(query, 'open_revs')
  if (!Array.isArray(list) || !list.every(rev => typeof rev === 'string'))
    throw unreadable('open_revs must be "all" or a JSON list of revisions')
  return list
}
