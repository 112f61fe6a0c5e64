import { checkReadable } from '../documents/doctypes.ts'
import { defineIndex, designDocument } from '../documents/mango-index.ts'
import { badRequest, CouchError } from '../http/errors.ts'
import { jsonAnswer, parameter, readJsonObject } from '../http/exchange.ts'
import type { Route } from '../http/router.ts'
import type { StackContext } from './context.ts'

/** Mango indexes and their design documents (`protocol/data.md` section 5). */
export function indexRoutes({ documents }: StackContext): Route[] {
  const indexOf = (doctype: string, name: string) => {
    checkReadable(doctype)
    const index = documents.collection(doctype).indexes.get(`_design/${name}`)
    if (!index) throw new CouchError(404, 'not_found', 'missing')
    return index
  }
  return [
    [
      'POST',
      '/data/:doctype/_index',
      async (request, { doctype = '' }) => {
        const body = await readJsonObject(request)
        checkReadable(doctype)
        return jsonAnswer(200, defineIndex(documents.ensure(doctype), body))
      },
    ],
    [
      'GET',
      '/data/:doctype/_design_docs',
      (request, { doctype = '' }) => {
        checkReadable(doctype)
        const docs = Array.from(documents.collection(doctype).indexes.values(), designDocument)
        const withDocs = parameter(request, 'include_docs') === 'true'
        const rows = docs.map(doc => ({
          id: doc._id,
          key: doc._id,
          value: { rev: doc._rev },
          ...(withDocs ? { doc } : {}),
        }))
        return jsonAnswer(200, { total_rows: rows.length, offset: 0, rows })
      },
    ],
    [
      'GET',
      '/data/:doctype/_design/:name',
      (_request, { doctype = '', name = '' }) => jsonAnswer(200, designDocument(indexOf(doctype, name))),
    ],
    [
      'POST',
      '/data/:doctype/_design/:name/copy',
      (request, { doctype = '', name = '' }) => {
        const index = indexOf(doctype, name)
        const destination = request.header('destination')
        if (!destination?.startsWith('_design/'))
          throw badRequest('the Destination header should name a design document')
        documents.ensure(doctype).indexes.set(destination, { ...index, id: destination })
        return jsonAnswer(201, { ok: true, id: destination, rev: index.rev })
      },
    ],
    [
      'DELETE',
      '/data/:doctype/_design/:name',
      (request, { doctype = '', name = '' }) => {
        if (parameter(request, 'rev') === undefined) throw badRequest('delete without revision')
        const index = indexOf(doctype, name)
        documents.ensure(doctype).indexes.delete(index.id)
        return jsonAnswer(200, { ok: true, id: index.id, rev: index.rev })
      },
    ],
  ]
}
