import type { Document, Stored } from '@konnectory/protocol'
import { ACCOUNTS, withoutSecretMembers } from '../documents/account-secrets.ts'
import { compareIds } from '../documents/collation.ts'
import { checkMembers, checkReadable, checkWritable } from '../documents/doctypes.ts'
import { projectFields } from '../documents/field-path.ts'
import { find } from '../documents/find.ts'
import { designDocument } from '../documents/mango-index.ts'
import { isObject } from '../documents/selector.ts'
import { toDocument } from '../files/file-json.ts'
import { FILES, type FileRecord } from '../files/file-record.ts'
import { findFiles } from '../files/find-files.ts'
import { badRequest, PlainError } from '../http/errors.ts'
import { jsonAnswer, jsonParameter, parameter, readJson, readJsonObject, type StackRequest } from '../http/exchange.ts'
import type { Route } from '../http/router.ts'
import type { StackContext } from './context.ts'

/** Many documents at a time (`protocol/data.md` sections 4, 5 and 6). */
export function listRoutes({ documents, files }: StackContext): Route[] {
  /** Documents as lists show them, those whose file is gone left out. */
  const listed = (doctype: string): Stored[] => {
    const all = [...documents.collection(doctype).values()]
    return (doctype === FILES ? all.filter(doc => files.alive(doc._id)) : all).map(doc => shown(doctype, doc))
  }

  const allDocs = (request: StackRequest, doctype: string, body: unknown) => {
    checkReadable(doctype)
    const collection = documents.collection(doctype)
    const keys = isObject(body) && Array.isArray(body.keys) ? body.keys : jsonParameter(request, 'keys')
    const projection = parameter(request, 'Fields')?.split(',')
    const withDesign = parameter(request, 'DesignDocs') !== 'false' && !projection
    const docs = listed(doctype)
    const design = withDesign ? Array.from(collection.indexes.values(), designDocument) : []
    const byId = new Map([...docs, ...design].map(doc => [doc._id, doc]))
    const includeDocs = parameter(request, 'include_docs') === 'true' || projection !== undefined || !withDesign
    const row = (doc: Stored) => ({
      id: doc._id,
      ...(projection ? {} : { key: doc._id }),
      value: { rev: doc._rev },
      ...(includeDocs ? { doc: projection ? projectFields(doc, projection) : doc } : {}),
    })
    if (Array.isArray(keys)) {
      const rows = keys.map(key => {
        const doc = byId.get(String(key))
        if (doc) return row(doc)
        const tombstone = collection.tombstones.get(String(key))
        if (!tombstone) return { key, error: 'not_found' }
        return { id: key, key, value: { rev: tombstone, deleted: true }, ...(includeDocs ? { doc: null } : {}) }
      })
      return jsonAnswer(200, { total_rows: byId.size, offset: 0, rows })
    }
    const { selected, offset } = range(request, [...byId.keys()].sort(compareIds))
    return jsonAnswer(200, { total_rows: byId.size, offset, rows: selected.map(id => row(byId.get(id)!)) })
  }

  return [
    ['GET', '/data/_all_doctypes', () => jsonAnswer(200, [...documents.collections.keys()].sort(compareIds))],
    ['GET', '/data/:doctype/_all_docs', (request, { doctype = '' }) => allDocs(request, doctype, undefined)],
    [
      'POST',
      '/data/:doctype/_all_docs',
      async (request, { doctype = '' }) => allDocs(request, doctype, await readJson(request)),
    ],
    [
      'GET',
      '/data/:doctype/_normal_docs',
      (request, { doctype = '' }) => {
        checkReadable(doctype)
        documents.collection(doctype)
        const docs = listed(doctype).sort((a, b) => compareIds(a._id, b._id))
        const limit = normalLimit(parameter(request, 'limit'))
        const bookmark = parameter(request, 'bookmark')
        const after = bookmark === undefined ? undefined : Buffer.from(bookmark, 'base64url').toString()
        const start =
          after === undefined
            ? Number(parameter(request, 'skip') ?? 0) || 0
            : docs.filter(doc => doc._id <= after).length
        const rows = docs.slice(start, start + limit)
        return jsonAnswer(200, {
          total_rows: docs.length,
          rows,
          bookmark: rows.length > 0 ? Buffer.from(rows.at(-1)!._id).toString('base64url') : (bookmark ?? ''),
          ...(parameter(request, 'execution_stats') === 'true'
            ? { execution_stats: { total_docs_examined: docs.length } }
            : {}),
        })
      },
    ],
    [
      'POST',
      '/data/:doctype/_find',
      async (request, { doctype = '' }) => {
        const body = await readJsonObject(request)
        checkReadable(doctype)
        const { stored, skip, ...page } =
          doctype === FILES ? findFiles(files, body) : find(documents.collection(doctype), body)
        return jsonAnswer(200, { ...page, docs: page.docs.map(doc => shown(doctype, doc as Stored)) })
      },
    ],
    [
      'POST',
      '/data/:doctype/_bulk_docs',
      async (request, { doctype = '' }) => {
        const body = await readJsonObject(request)
        checkWritable(doctype)
        if (body.new_edits === false)
          throw new PlainError(404, 'replication (new_edits: false) is not available in standalone mode')
        if (!Array.isArray(body.docs) || !body.docs.every(isObject))
          throw badRequest('docs should be an array of documents')
        const docs: Document[] = body.docs.map(doc => checkMembers(doc, ['_id', '_rev', '_deleted']))
        return jsonAnswer(201, documents.bulk(doctype, docs))
      },
    ],
    [
      'GET',
      '/data/:doctype',
      (_request, { doctype = '' }) => {
        checkReadable(doctype)
        const { size, tombstones } = documents.collection(doctype)
        return jsonAnswer(200, { db_name: doctype, doc_count: size, doc_del_count: tombstones.size })
      },
    ],
    [
      'PUT',
      '/data/:doctype',
      (_request, { doctype = '' }) => {
        checkWritable(doctype)
        if (documents.collections.has(doctype)) throw new PlainError(412, 'file_exists')
        documents.ensure(doctype)
        return jsonAnswer(201, { ok: true })
      },
    ],
  ]
}

/** A document as lists show it. */
export function shown(doctype: string, doc: Stored): Stored {
  if (doctype === ACCOUNTS) return withoutSecretMembers(doc)
  return doctype === FILES ? toDocument(doc as FileRecord) : doc
}

/** More than 1,000, negative or not a number: 100, not clamped, as the stack does. */
function normalLimit(text: string | undefined): number {
  const limit = Number(text ?? 100)
  return Number.isInteger(limit) && limit >= 0 && limit <= 1000 ? limit : 100
}

/** The ids that `key`, `startkey`, `endkey`, `descending`, `skip` and `limit` leave, of ids in order. */
function range(request: StackRequest, ids: string[]): { selected: string[]; offset: number } {
  const descending = parameter(request, 'descending') === 'true'
  const key = jsonParameter(request, 'key')
  const start = key ?? jsonParameter(request, 'startkey') ?? jsonParameter(request, 'start_key')
  const end = key ?? jsonParameter(request, 'endkey') ?? jsonParameter(request, 'end_key')
  const [low, high] = descending ? [end, start] : [start, end]
  const within = ids.filter(id => (typeof low !== 'string' || id >= low) && (typeof high !== 'string' || id <= high))
  if (descending) within.reverse()
  const skip = Number(parameter(request, 'skip') ?? 0) || 0
  const limit = parameter(request, 'limit')
  return { selected: within.slice(skip, limit === undefined ? undefined : skip + Number(limit)), offset: skip }
}
