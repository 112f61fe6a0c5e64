import { jsonApi } from '#ground/http/answer'
import { invalidAttribute } from '#ground/http/errors'
import { type Route, route } from '#ground/http/route'
import { parameter, type Query } from '../read/page-query.ts'
import { FILES, ROOT_ID } from '../record.ts'
import { aboutOf, contentOf, fileAboutOf, isObject } from '../write/parameters.ts'
import {
  ABOUT_LIMIT,
  createAnswers,
  type DataBody,
  dataBody,
  dataOf,
  type WriteRequest,
  type WriteRouteDeps,
} from './write-deps.ts'

/** Making files and directories, and copies of them (`protocol/files.md` §3). */
export function createRoutes(deps: WriteRouteDeps): Route[] {
  const { writer } = deps
  const answers = createAnswers(deps)

  async function create(request: WriteRequest, directoryId: string) {
    const { tenant, query, headers } = request
    const caller = answers.caller(request, 'POST', 'GET')
    const type = parameter(query, 'Type')
    if (type === 'file') {
      const file = await writer.createFile(tenant, caller, directoryId, {
        name: parameter(query, 'Name') ?? '',
        stream: request.stream,
        signal: request.signal,
        ...contentOf(query, headers),
        ...fileAboutOf(query, headers),
        metadata: await answers.metadata(request),
      })
      return answers.entry(request, file, 201)
    }
    if (type !== 'directory') throw invalidAttribute('type', 'Type should be file or directory')
    const about = { ...aboutOf(query, headers), metadata: await answers.metadata(request) }
    const path = parameter(query, 'Path')
    const recursive = parameter(query, 'Recursive') === 'true'
    const directory =
      path === undefined
        ? await writer.createDirectory(tenant, caller, directoryId, parameter(query, 'Name') ?? '', about)
        : await writer.createDirectoryAt(tenant, caller, path, { recursive, about })
    return answers.entry(request, directory, 201)
  }

  const creation = {
    method: 'POST' as const,
    family: 'json-api' as const,
    permission: { inside: 'POST on the new file, or on the first directory to create' },
    body: { stream: true as const },
  }
  return [
    route<unknown, Query>({
      ...creation,
      path: '/files',
      summary: 'Creates a file or directory in the root, or directories by path',
      handle: request => create(request, ROOT_ID),
    }),
    route<{ id: string }, Query>({
      ...creation,
      path: '/files/:id',
      summary: 'Creates a file from the bytes of the body, or a directory',
      handle: request => create(request, request.params.id),
    }),
    route<{ id: string }, Query>({
      method: 'POST',
      path: '/files/:id/copy',
      summary: 'Copies a file',
      family: 'json-api',
      permission: { inside: 'GET on the source, POST on the copy' },
      async handle(request) {
        const { tenant, params, query } = request
        const copy = await writer.copyFile(tenant, answers.caller(request, 'POST'), params.id, {
          name: parameter(query, 'Name') ?? parameter(query, 'name'),
          directoryId: parameter(query, 'DirID') ?? parameter(query, 'dirID') ?? parameter(query, 'dirid'),
        })
        return answers.entry(request, copy, 201)
      },
    }),
    route<unknown, unknown, DataBody>({
      method: 'POST',
      path: '/files/upload/metadata',
      summary: 'Keeps metadata for an upload within the next ten minutes',
      family: 'json-api',
      permission: { whole: 'POST', of: FILES },
      body: { json: dataBody },
      bodyLimit: ABOUT_LIMIT,
      async handle({ tenant, body }) {
        const data = dataOf(body)
        const attributes = isObject(data) && isObject(data.attributes) ? data.attributes : {}
        const id = await writer.shelf.put(tenant, attributes)
        return jsonApi({ data: { type: 'io.cozy.files.metadata', id, attributes, meta: {} } }, 201)
      },
    }),
    route<unknown, Query>({
      method: 'POST',
      path: '/files/shared-drives',
      summary: 'The directory of shared drives, made when there is none',
      family: 'json-api',
      permission: { inside: 'POST in the root' },
      handle: async request =>
        answers.entry(request, await writer.sharedDrives(request.tenant, answers.caller(request, 'POST'))),
    }),
  ]
}
