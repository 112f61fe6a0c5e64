import { jsonApi, noContent } from '#ground/http/answer'
import { invalidAttribute } from '#ground/http/errors'
import { type Route, route } from '#ground/http/route'
import { presentVersion } from '../present.ts'
import type { Query } from '../read/page-query.ts'
import { FILES } from '../record.ts'
import { isObject, patchOf, revisionOf } from '../write/parameters.ts'
import { createAnswers, type DataBody, dataBody, dataOf, type WriteRouteDeps } from './write-deps.ts'

type OfVersion = { id: string; version: string }

/** Old contents (`protocol/files.md` §9). */
export function versionRoutes(deps: WriteRouteDeps): Route[] {
  const { writer } = deps
  const answers = createAnswers(deps)
  return [
    route<OfVersion, Query>({
      method: 'POST',
      path: '/files/revert/:id/:version',
      summary: 'Makes an old content of a file the current one; the two change places',
      family: 'json-api',
      permission: { inside: 'POST on the file' },
      async handle(request) {
        const { tenant, params, query, headers } = request
        const rev = revisionOf(query, headers)
        const file = await writer.revert(tenant, answers.caller(request, 'POST'), params.id, params.version, rev)
        return answers.entry(request, file)
      },
    }),
    route<OfVersion, Query, DataBody>({
      method: 'PATCH',
      path: '/files/:id/:version',
      summary: 'Tags an old content',
      family: 'json-api',
      permission: { inside: 'PATCH on the file' },
      body: { json: dataBody },
      async handle(request) {
        const data = dataOf(request.body)
        const { tags } = patchOf({
          attributes: { tags: isObject(data) && isObject(data.attributes) ? data.attributes.tags : undefined },
        })
        if (!tags) throw invalidAttribute('tags', 'tags are missing')
        const { tenant, params } = request
        const version = await writer.tagVersion(
          tenant,
          answers.caller(request, 'PATCH'),
          params.id,
          params.version,
          tags,
        )
        return jsonApi({ data: presentVersion(version) })
      },
    }),
    route<OfVersion, Query>({
      method: 'DELETE',
      path: '/files/:id/:version',
      summary: 'Removes an old content',
      family: 'json-api',
      permission: { inside: 'DELETE on the file' },
      async handle(request) {
        await writer.removeVersion(
          request.tenant,
          answers.caller(request, 'DELETE'),
          request.params.id,
          request.params.version,
        )
        return noContent()
      },
    }),
    route({
      method: 'DELETE',
      path: '/files/versions',
      summary: 'Removes all old contents of all files',
      family: 'json-api',
      permission: { whole: 'DELETE', of: FILES },
      async handle({ tenant }) {
        await writer.removeAllVersions(tenant)
        return noContent()
      },
    }),
  ]
}
