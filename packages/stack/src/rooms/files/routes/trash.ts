import { noContent } from '#ground/http/answer'
import { type Route, route } from '#ground/http/route'
import type { Query } from '../read/page-query.ts'
import { revisionOf } from '../write/parameters.ts'
import { createAnswers, type WriteRouteDeps } from './write-deps.ts'

/** Into the trash, out of it, and gone (`protocol/files.md` §6). */
export function trashRoutes(deps: WriteRouteDeps): Route[] {
  const { writer } = deps
  const answers = createAnswers(deps)
  return [
    route<{ id: string }, Query>({
      method: 'DELETE',
      path: '/files/:id',
      summary: 'Moves a file or directory to the trash',
      family: 'json-api',
      permission: { inside: 'PATCH on the entry' },
      async handle(request) {
        const { tenant, params, query, headers } = request
        const rev = revisionOf(query, headers)
        return answers.entry(request, await writer.trash(tenant, answers.caller(request, 'PATCH'), params.id, rev))
      },
    }),
    route<{ id: string }, Query>({
      method: 'POST',
      path: '/files/trash/:id',
      summary: 'Restores a file or directory from the trash',
      family: 'json-api',
      permission: { inside: 'PATCH on the entry' },
      async handle(request) {
        const { tenant, params } = request
        return answers.entry(request, await writer.restore(tenant, answers.caller(request, 'PATCH'), params.id))
      },
    }),
    route<{ id: string }, Query>({
      method: 'DELETE',
      path: '/files/trash/:id',
      summary: 'Destroys a file or directory that is in the trash',
      family: 'json-api',
      permission: { inside: 'DELETE on the entry' },
      async handle(request) {
        await writer.destroyTrashed(request.tenant, answers.caller(request, 'DELETE'), request.params.id)
        return noContent()
      },
    }),
    route<unknown, Query>({
      method: 'DELETE',
      path: '/files/trash',
      summary: 'Destroys all that is in the trash',
      family: 'json-api',
      permission: { inside: 'DELETE on the trash' },
      async handle(request) {
        await writer.emptyTrash(request.tenant, answers.caller(request, 'DELETE'))
        return noContent()
      },
    }),
  ]
}
