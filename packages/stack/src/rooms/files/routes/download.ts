import type { Answer } from '#ground/http/answer'
import { JsonApiError } from '#ground/http/errors'
import { type Route, type RouteRequest, route } from '#ground/http/route'
import type { VersionEntry } from '../present.ts'
import { type Content, downloadAnswer } from '../read/download.ts'
import { parameter, type Query } from '../read/page-query.ts'
import { noSuchEntry } from '../read/reader.ts'
import type { Entry, FileEntry } from '../record.ts'
import type { ReadRouteDeps } from './deps.ts'

/** What a download answers with, for routes that found the file in their own way. */
export interface Downloads {
  file(request: AnyRequest, file: FileEntry, filename?: string): Promise<Answer>
  version(request: AnyRequest, file: FileEntry, version: VersionEntry, filename?: string): Promise<Answer>
}

type AnyRequest = Pick<RouteRequest<unknown, Query, undefined>, 'tenant' | 'query' | 'headers' | 'method'>

/** A directory has no bytes of its own. @throws JsonApiError 404 */
export function assertFile(entry: Entry): asserts entry is FileEntry {
  if (entry.type !== 'file') throw noSuchEntry()
}

/** We have no reader of PDFs; saying so is better than sending the whole as if it were a page. @throws JsonApiError 501 */
export function assertNoPage(query: Query): void {
  if (parameter(query, 'Page') === undefined) return
  throw new JsonApiError(501, 'Not Implemented', 'this server does not take single pages out of PDF files', {
    parameter: 'Page',
  })
}

export function createDownloads({ ground, reader }: Pick<ReadRouteDeps, 'ground' | 'reader'>): Downloads {
  const contentOf = (file: FileEntry, filename = file.name): Content => ({ ...file, name: filename })
  const versionContent = (file: FileEntry, version: VersionEntry, filename = file.name): Content => ({
    ...version,
    name: filename,
    mime: file.mime,
  })
  const send = (request: AnyRequest, content: Content, again: () => Promise<Content>) => {
    assertNoPage(request.query)
    const attachment = parameter(request.query, 'Dl') === '1'
    const { tenant, method, headers } = request
    return downloadAnswer(ground.blobs, tenant, content, { method, headers, attachment }, again)
  }
  return {
    file: (request, file, filename) =>
      send(request, contentOf(file, filename), async () => {
        const now = await reader.mustById(request.tenant, file._id)
        assertFile(now)
        return contentOf(now, filename)
      }),
    version: (request, file, version, filename) =>
      send(request, versionContent(file, version, filename), async () =>
        versionContent(
          file,
          await reader.mustVersion(request.tenant, file, version._id.slice(file._id.length + 1)),
          filename,
        ),
      ),
  }
}

/** Downloads with a token (`protocol/files.md` §7). HEAD comes with each GET. */
export function downloadRoutes(deps: ReadRouteDeps): Route[] {
  const { access, reader } = deps
  const downloads = createDownloads(deps)
  const permission = { inside: 'GET on the file' }
  return [
    route<unknown, Query>({
      method: 'GET',
      path: '/files/download',
      summary: 'The content of a file, by path',
      family: 'json-api',
      permission,
      async handle(request) {
        access.assertSome(request, 'GET')
        const entry = await reader.mustByPath(request.tenant, parameter(request.query, 'Path') ?? '')
        await access.assertMay(request, 'GET', entry)
        assertFile(entry)
        return downloads.file(request, entry)
      },
    }),
    route<{ id: string }, Query>({
      method: 'GET',
      path: '/files/download/:id',
      summary: 'The content of a file',
      family: 'json-api',
      permission,
      async handle(request) {
        access.assertSome(request, 'GET')
        const entry = await reader.mustById(request.tenant, request.params.id)
        await access.assertMay(request, 'GET', entry)
        assertFile(entry)
        return downloads.file(request, entry)
      },
    }),
    route<{ id: string; version: string }, Query>({
      method: 'GET',
      path: '/files/download/:id/:version',
      summary: 'An old content of a file',
      family: 'json-api',
      permission,
      async handle(request) {
        const { tenant, params } = request
        access.assertSome(request, 'GET')
        const entry = await reader.mustById(tenant, params.id)
        await access.assertMay(request, 'GET', entry)
        assertFile(entry)
        return downloads.version(request, entry, await reader.mustVersion(tenant, entry, params.version))
      },
    }),
  ]
}
