import { json } from '#ground/http/answer'
import { missing } from '#ground/http/errors'
import { type Route, route } from '#ground/http/route'
import { changeRow, changesRequest, countChangesAfter, positionOf, sequenceText } from '../read/changes.ts'
import type { Query } from '../read/page-query.ts'
import { toEntry } from '../read/tree-store.ts'
import { FILES } from '../record.ts'
import type { ReadRouteDeps } from './deps.ts'

/** `GET /files/_changes`: the feed of files with what a synchronising client wants besides (`protocol/files.md` §4). */
export function changesRoutes({ ground, reader }: ReadRouteDeps): Route[] {
  return [
    route<unknown, Query>({
      method: 'GET',
      path: '/files/_changes',
      summary: 'Changes of files and directories after a position',
      family: 'json-api',
      permission: { whole: 'GET', of: FILES },
      async handle({ tenant, actor, query }) {
        const request = changesRequest(query)
        const documents = ground.documents.of(tenant)
        const feed = await documents.feed(FILES)
        if (!feed) throw missing('Database does not exist.')
        const since = positionOf(request.since, feed)
        const changes = await documents.changes(FILES, { since, limit: request.limit })
        const live = changes.filter(({ deleted }) => !deleted)
        const paths = request.includeFilePath ? await reader.pathsOf(tenant, live.map(toEntry)) : undefined
        const rows = changes.flatMap(
          change =>
            changeRow(change, feed, request, {
              clientId: actor.client?.id,
              pathOf: ({ _id }) => paths?.get(_id),
            }) ?? [],
        )
        const last = changes.at(-1)?.seq ?? Math.max(since, feed.seq)
        // Those left out count as seen: the next question starts after them.
        const pending = changes.length < request.limit ? 0 : await countChangesAfter(reader.run, tenant.id, last)
        return json({ last_seq: sequenceText(last, feed), pending, results: rows })
      },
    }),
  ]
}
