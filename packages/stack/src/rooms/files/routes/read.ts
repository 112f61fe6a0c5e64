import { jsonApi } from '#ground/http/answer'
import { type Route, type RouteRequest, route } from '#ground/http/route'
import { checkTree } from '../read/check-tree.ts'
import { parameter, type Query } from '../read/page-query.ts'
import { type Entry, FILES, TRASH_ID } from '../record.ts'
import type { ReadRouteDeps } from './deps.ts'

/** Looking at files and directories one by one (`protocol/files.md` §4, §6 listing). HEAD comes with each GET. */
export function entryRoutes({ ground, access, reader }: ReadRouteDeps): Route[] {
  const permission = { inside: 'GET on the entry' }
  const show = async (request: RouteRequest<unknown, Query, undefined>, lookUp: () => Promise<Entry>) => {
    access.assertSome(request, 'GET')
    const entry = await lookUp()
    await access.assertMay(request, 'GET', entry)
    return jsonApi(await reader.show(request.tenant, entry, request.query))
  }
  return [
    route<unknown, Query>({
      method: 'GET',
      path: '/files/metadata',
      summary: 'A file, or a directory with a page of its contents, by path',
      family: 'json-api',
      permission,
      handle: request => show(request, () => reader.mustByPath(request.tenant, parameter(request.query, 'Path') ?? '')),
    }),
    route<unknown, Query>({
      method: 'GET',
      path: '/files/trash',
      summary: 'A page of the trash',
      family: 'json-api',
      permission: { inside: 'GET on the trash' },
      async handle(request) {
        const trash = await reader.mustById(request.tenant, TRASH_ID)
        await access.assertMay(request, 'GET', trash)
        return jsonApi(await reader.listContents(request.tenant, trash, request.query, '/files/trash'))
      },
    }),
    route({
      method: 'GET',
      path: '/files/fsck',
      summary: 'What in the tree does not fit together, and contents that are not as recorded',
      family: 'plain',
      permission: { whole: 'GET', of: FILES },
      handle: ({ tenant, signal }) => checkTree(ground, reader, tenant, signal),
    }),
    route<{ id: string }, Query>({
      method: 'GET',
      path: '/files/:id',
      summary: 'A file, or a directory with a page of its contents',
      family: 'json-api',
      permission,
      handle: request => show(request, () => reader.mustById(request.tenant, request.params.id)),
    }),
    route<{ id: string }, Query>({
      method: 'GET',
      path: '/files/:id/relationships/contents',
      summary: 'A page of what a directory holds: directories first, then by name',
      family: 'json-api',
      permission,
      async handle(request) {
        access.assertSome(request, 'GET')
        const entry = await reader.mustById(request.tenant, request.params.id)
        await access.assertMay(request, 'GET', entry)
        const path = `/files/${encodeURIComponent(entry._id)}/relationships/contents`
        return jsonApi(await reader.listContents(request.tenant, entry, request.query, path))
      },
    }),
    route<{ id: string }>({
      method: 'GET',
      path: '/files/:id/size',
      summary: 'Bytes of a file, or of all files below a directory',
      family: 'json-api',
      permission,
      async handle(request) {
        access.assertSome(request, 'GET')
        const entry = await reader.mustById(request.tenant, request.params.id)
        await access.assertMay(request, 'GET', entry)
        const size = String(await reader.sizeOf(request.tenant, entry))
        return jsonApi({ data: { type: 'io.cozy.files.sizes', id: entry._id, attributes: { size }, meta: {} } })
      },
    }),
  ]
}
