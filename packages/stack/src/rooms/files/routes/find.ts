import { z } from 'zod'
import { jsonApi } from '#ground/http/answer'
import { type Route, route } from '#ground/http/route'
import { projectFields } from '#rooms/data'
import { entryAttributes, presentEntry } from '../present.ts'
import { pageLimit, parameter, type Query, wholeNumber } from '../read/page-query.ts'
import { toEntry } from '../read/tree-store.ts'
import { FILES } from '../record.ts'
import type { ReadRouteDeps } from './deps.ts'

/** What stands in `meta.count` while more may follow. Clients page on as long as it is more than they have. */
const UNKNOWN_COUNT = 2_147_483_646
/** Given even when `fields` does not name them. */
const ALWAYS = [['type'], ['class'], ['size'], ['trashed']]
/** Upstream does not bound `page[limit]`. */
const MOST = 1000

/** The data room looks at the rest. */
const mango = z.record(z.string(), z.unknown())

/** `POST /files/_find`: Mango in the clothes of JSON:API (`protocol/files.md` §4). */
export function findRoutes({ reader, find }: ReadRouteDeps): Route[] {
  return [
    route<unknown, Query, z.infer<typeof mango>>({
      method: 'POST',
      path: '/files/_find',
      summary: 'Files and directories that a Mango selector matches',
      family: 'json-api',
      permission: { whole: 'GET', of: FILES },
      body: { json: mango },
      async handle({ tenant, query, body }) {
        const skip = wholeNumber(query, 'page[skip]')
        const bookmark = parameter(query, 'page[cursor]') ?? parameter(query, 'cursor')
        const hasLimit = parameter(query, 'page[limit]') !== undefined
        const found = await find(tenant, FILES, {
          ...body,
          ...(skip !== undefined && { skip }),
          ...(hasLimit && { limit: pageLimit(query, { standard: MOST, most: MOST }) }),
          ...(bookmark !== undefined && { bookmark }),
        })
        const entries = found.documents.map(toEntry)
        const wanted = found.fields && [...ALWAYS, ...found.fields]
        const [paths, sign] = await Promise.all([
          !wanted || wanted.some(([name]) => name === 'path') ? reader.pathsOf(tenant, entries) : new Map(),
          reader.secrets.signer(tenant),
        ])
        const isFull = found.next && entries.length > 0
        return jsonApi({
          data: entries.map(entry => {
            const attributes = entryAttributes(entry, paths.get(entry._id))
            return {
              ...presentEntry(entry, { sign }),
              attributes: wanted ? projectFields(attributes, wanted) : attributes,
            }
          }),
          // Bookmarks need no encoding, and clients expect none.
          links: isFull ? { next: `/files/_find?page[cursor]=${found.bookmark}` } : {},
          meta: {
            count: isFull ? UNKNOWN_COUNT : found.skip + entries.length,
            ...(found.warning && { warning: found.warning }),
            ...(found.executionStats && { execution_stats: found.executionStats }),
          },
        })
      },
    }),
  ]
}
