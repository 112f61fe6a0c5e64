import { jsonApi, noContent } from '#ground/http/answer'
import { badRequest, CouchError, HttpError, JsonApiError, WireError } from '#ground/http/errors'
import { type Route, route } from '#ground/http/route'
import { absolutePath, parameter, type Query } from '../read/page-query.ts'
import { childAt, directoryAt } from '../read/tree-store.ts'
import { contentOf, fileAboutOf, isObject, patchOf, revisionOf } from '../write/parameters.ts'
import { byId, type Finder } from '../write/service.ts'
import {
  ABOUT_LIMIT,
  BATCH_LIMIT,
  createAnswers,
  type DataBody,
  dataBody,
  dataOf,
  type WriteRequest,
  type WriteRouteDeps,
} from './write-deps.ts'

/** As many as one batch may change; each is a transaction of its own. */
const MOST_PATCHES = 10_000

/** Changing content and attributes (`protocol/files.md` §5). */
export function updateRoutes(deps: WriteRouteDeps): Route[] {
  const { reader, writer } = deps
  const answers = createAnswers(deps)

  async function patch(request: WriteRequest<unknown, DataBody>, find: Finder) {
    const { tenant, query, headers, body } = request
    const changes = patchOf(dataOf(body))
    const entry = await writer.patch(
      tenant,
      answers.caller(request, 'PATCH'),
      find,
      changes,
      revisionOf(query, headers),
    )
    return answers.entry(request, entry)
  }

  return [
    route<{ id: string }, Query>({
      method: 'PUT',
      path: '/files/:id',
      summary: 'Replaces the content of a file by the bytes of the body',
      family: 'json-api',
      permission: { inside: 'PUT on the file as it is and as it becomes' },
      body: { stream: true },
      async handle(request) {
        const { tenant, params, query, headers } = request
        const file = await writer.overwriteFile(tenant, answers.caller(request, 'PUT'), params.id, {
          stream: request.stream,
          signal: request.signal,
          ...contentOf(query, headers),
          ...fileAboutOf(query, headers),
          metadata: await answers.metadata(request),
          rev: revisionOf(query, headers),
        })
        return answers.entry(request, file)
      },
    }),
    route<unknown, Query, DataBody>({
      method: 'PATCH',
      path: '/files/metadata',
      summary: 'Renames, moves or describes a file or directory, by path',
      family: 'json-api',
      permission: { inside: 'PATCH on the entry, POST or PATCH on the destination' },
      body: { json: dataBody },
      bodyLimit: ABOUT_LIMIT,
      async handle(request) {
        const path = absolutePath(parameter(request.query, 'Path') ?? '')
        const at = path.lastIndexOf('/')
        return patch(request, ({ run, tenant }) =>
          path === '/'
            ? directoryAt(run, tenant.id, '/')
            : childAt(run, tenant.id, path.slice(0, at) || '/', path.slice(at + 1)),
        )
      },
    }),
    route<{ id: string }, Query, DataBody>({
      method: 'PATCH',
      path: '/files/:id',
      summary: 'Renames, moves, describes, trashes or destroys a file or directory',
      family: 'json-api',
      permission: { inside: 'PATCH on the entry, POST or PATCH on the destination' },
      body: { json: dataBody },
      bodyLimit: ABOUT_LIMIT,
      handle: request => patch(request, byId(request.params.id)),
    }),
    route<unknown, Query, DataBody>({
      method: 'PATCH',
      path: '/files',
      summary: 'Changes several files and directories, each by itself',
      family: 'json-api',
      permission: { inside: 'as for one' },
      body: { json: dataBody },
      bodyLimit: BATCH_LIMIT,
      async handle(request) {
        const data = dataOf(request.body)
        const items = Array.isArray(data) ? data : [data]
        if (items.length > MOST_PATCHES) throw badRequest(`More than ${MOST_PATCHES} changes`)
        // Nothing to do is nothing to ask about.
        if (items.length === 0) request.allow.check(true)
        const caller = answers.caller(request, 'PATCH')
        const errors: object[] = []
        let status = 0
        for (const item of items) {
          const id = isObject(item) && typeof item.id === 'string' ? item.id : ''
          try {
            await writer.patch(request.tenant, caller, byId(id), patchOf(item))
          } catch (error) {
            // A missing permission stops everything; what others bring to light about one item is told, and the rest goes on.
            if (!(error instanceof WireError) || (error instanceof HttpError && error.status === 403)) throw error
            status ||= error.status
            errors.push(errorOf(error, id))
          }
        }
        return errors.length === 0 ? noContent() : jsonApi({ errors }, status)
      },
    }),
    route<{ id: string }, Query, DataBody>({
      method: 'POST',
      path: '/files/:id/versions',
      summary: 'New metadata for the same content; what it was becomes a version',
      family: 'json-api',
      permission: { inside: 'PUT on the file' },
      body: { json: dataBody },
      bodyLimit: ABOUT_LIMIT,
      async handle(request) {
        const { tenant, params, query, headers, body } = request
        const data = dataOf(body)
        const file = await writer.describeAnew(tenant, answers.caller(request, 'PUT'), params.id, {
          rev: revisionOf(query, headers),
          tags: fileAboutOf(query, headers).tags,
          metadata: isObject(data) && isObject(data.attributes) ? data.attributes : {},
        })
        return jsonApi(await reader.show(tenant, file), 200)
      },
    }),
  ]
}

function errorOf(error: WireError, id: string): object {
  const source = { parameter: '_id', pointer: id }
  const status = String(error.status)
  if (error instanceof CouchError) return { status, title: error.error, detail: error.reason, source }
  const title = error instanceof JsonApiError ? error.title : error.message
  return { status, title, detail: error.message, source }
}
