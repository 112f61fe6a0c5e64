import type { Document, Stored } from '@konnectory/protocol'
import { ACCOUNTS } from '../documents/account-secrets.ts'
import { checkMembers, checkReadable, checkWritable } from '../documents/doctypes.ts'
import { isObject } from '../documents/selector.ts'
import { toDocument } from '../files/file-json.ts'
import { FILES, type FileRecord } from '../files/file-record.ts'
import { badRequest, CouchError } from '../http/errors.ts'
import { jsonAnswer, parameter, readJsonObject } from '../http/exchange.ts'
import type { Route } from '../http/router.ts'
import type { StackContext } from './context.ts'

/** One document at a time (`protocol/data.md` section 3). */
export function documentRoutes({ documents, files, now, slug }: StackContext): Route[] {
  const written = (status: number, doctype: string, doc: Stored) =>
    jsonAnswer(status, { ok: true, id: doc._id, rev: doc._rev, type: doctype, data: { ...doc, _type: doctype } })

  return [
    ['GET', '/data', () => jsonAnswer(200, { message: 'welcome to a cozy API' })],
    [
      'GET',
      '/data/:doctype/:id',
      (_request, { doctype = '', id = '' }) => {
        checkReadable(doctype)
        if (doctype === FILES) files.alive(id)
        const doc = documents.get(doctype, id)
        return jsonAnswer(200, { ...(doctype === FILES ? toDocument(doc as FileRecord) : doc), _type: doctype })
      },
    ],
    [
      'POST',
      '/data/:doctype',
      async (request, { doctype = '' }) => {
        const body = await readJsonObject(request)
        checkWritable(doctype)
        if (body._id !== undefined)
          throw new CouchError(400, 'defined_id', 'a document to create should not have an _id')
        const content: Document = checkMembers(body, [])
        const doc = documents.create(
          doctype,
          doctype === ACCOUNTS ? newAccount(content, now().toISOString(), slug) : content,
        )
        return written(201, doctype, doc)
      },
    ],
    [
      'PUT',
      '/data/:doctype/:id',
      async (request, { doctype = '', id = '' }) => {
        const body = await readJsonObject(request)
        checkWritable(doctype)
        const { _id, _rev, ...content } = checkMembers(body, ['_id', '_rev'])
        if ((_id === undefined) !== (_rev === undefined)) {
          throw badRequest(
            'You must either provide an _id and _rev in document (update) or neither (create with fixed id).',
          )
        }
        if (_id === undefined) {
          const doc = documents.create(
            doctype,
            doctype === ACCOUNTS ? newAccount(content, now().toISOString(), slug) : content,
            id,
          )
          return written(200, doctype, doc)
        }
        if (_id !== id) throw badRequest('document _id doesnt match url')
        return written(200, doctype, documents.update(doctype, id, String(_rev), content))
      },
    ],
    [
      'DELETE',
      '/data/:doctype/:id',
      (request, { doctype = '', id = '' }) => {
        checkWritable(doctype)
        const header = request.header('if-match') || undefined
        const query = parameter(request, 'rev')
        if (header !== undefined && query !== undefined && header !== query)
          throw badRequest('If-Match Header and rev query parameters mismatch')
        const rev = header ?? query
        if (rev === undefined) throw badRequest('delete without revision')
        return jsonAnswer(200, { ok: true, id, rev: documents.delete(doctype, id, rev), type: doctype, deleted: true })
      },
    ],
  ]
}

/** The server names a new account after its identifier and says itself who made it (`protocol/data.md` section 8). */
function newAccount(content: Document, now: string, slug: string | undefined): Document {
  const auth = isObject(content.auth) ? content.auth : {}
  const name = typeof content.identifier === 'string' ? auth[content.identifier] : auth.login
  return {
    ...content,
    ...(typeof name === 'string' ? { name } : {}),
    cozyMetadata: {
      metadataVersion: 1,
      createdAt: now,
      updatedAt: now,
      ...(slug === undefined ? {} : { createdByApp: slug, updatedByApps: [{ slug, date: now }] }),
    },
  }
}
