import type { Body } from '#ground/documents/contract'
import { onPool } from '#ground/documents/sql'
import { type Answer, json } from '#ground/http/answer'
import { CouchError } from '#ground/http/errors'
import { type Route, type RouteRequest, route } from '#ground/http/route'
import { readAllDocsRequest } from '../all-docs-request.ts'
import { assertReadable, isReadable } from '../doctypes.ts'
import { jsonObject } from '../given-document.ts'
import { allDocsRows, bookmarkOf, keyRows, normalRows, offsetOf, type Place, placeOf, sequenceOf } from '../listing.ts'
import { flag, type Query, text } from '../parameters.ts'
import { noDatabase, raw } from '../raw.ts'
import type { Room } from '../room.ts'
import { streamedRows } from '../streamed.ts'

type Whole = { doctype: string }

/** Lists of documents (`protocol/data.md` §4). */
export function listingRoutes({ documents, database, designs }: Room): Route[] {
  const run = onPool(database.driver)

  const allDocs = async (
    { tenant, allow, params: { doctype }, query }: RouteRequest<Whole, Query, unknown>,
    body: Body,
  ): Promise<Answer> => {
    assertReadable(doctype)
    allow.whole('GET', doctype)
    const asked = readAllDocsRequest(query, body)
    const [feed, designDocs] = await Promise.all([documents.of(tenant).feed(doctype), designs(tenant, doctype)])
    if (!feed) throw noDatabase()
    const total = feed.documents + designDocs.length
    const sequence = asked.updateSeq ? `,"update_seq":${JSON.stringify(sequenceOf(feed, feed.seq))}` : ''
    if (asked.keys) {
      const { skip, limit, descending } = asked
      const ordered = descending ? asked.keys.toReversed() : asked.keys
      const some = ordered.slice(skip, limit === undefined ? undefined : skip + limit)
      const rows = keyRows(documents, tenant, doctype, designDocs, some, asked.includeDocs)
      return streamedRows(`{"total_rows":${total},"offset":0${sequence},"rows":[`, rows, ']}')
    }
    const { range } = asked
    if (!range) return streamedRows(`{"total_rows":${total},"offset":${total}${sequence},"rows":[`, nothing(), ']}')
    const options = { ...asked, range }
    const offset = await offsetOf(run, tenant.id, doctype, designDocs, options)
    const rows = allDocsRows(run, tenant.id, doctype, designDocs, options)
    const totals = `"total_rows":${total},"offset":${offset}`
    // Filtered by the stack, the totals follow the rows.
    return asked.filtered
      ? streamedRows('{"rows":[', rows, `],${totals}}`)
      : streamedRows(`{${totals}${sequence},"rows":[`, rows, ']}')
  }

  return [
    route<Record<string, string>, Query>({
      method: 'GET',
      path: '/data',
      summary: 'Says that this is the data API',
      family: 'data',
      permission: { public: 'PouchDB asks it before it has read any token; it says nothing about anybody' },
      handle: () => json({ message: 'welcome to a cozy API' }),
    }),
    route({
      method: 'GET',
      path: '/data/_all_doctypes',
      summary: 'Doctypes that have a database and may be read',
      family: 'data',
      permission: { whole: 'GET', of: 'io.cozy.doctypes' },
      handle: async ({ tenant }) => json((await documents.of(tenant).doctypes()).filter(isReadable)),
    }),
    route<Whole, Query>({
      method: 'GET',
      path: '/data/:doctype/_all_docs',
      summary: 'Lists documents by id',
      family: 'data',
      permission: { inside: 'GET on the whole doctype' },
      handle: raw(request => allDocs(request, {})),
    }),
    route<Whole, Query, Body>({
      method: 'POST',
      path: '/data/:doctype/_all_docs',
      summary: 'Lists documents by id, or those of given ids',
      family: 'data',
      permission: { inside: 'GET on the whole doctype' },
      body: { json: jsonObject, optional: true },
      handle: raw(request => allDocs(request, request.body ?? {})),
    }),
    route<Whole, Query>({
      method: 'GET',
      path: '/data/:doctype/_normal_docs',
      summary: 'Lists documents without design documents, page by page',
      family: 'data',
      permission: { inside: 'GET on the whole doctype' },
      async handle({ tenant, allow, params: { doctype }, query }) {
        assertReadable(doctype)
        allow.whole('GET', doctype)
        const started = performance.now()
        const feed = await documents.of(tenant).feed(doctype)
        if (!feed) throw noDatabase()
        const limit = normalLimit(text(query, 'limit'))
        const bookmark = text(query, 'bookmark') || undefined
        const after = bookmark && placeOf(bookmark)
        if (bookmark && after === undefined) throw new CouchError(400, 'invalid_bookmark', 'Invalid bookmark value')
        const skip = bookmark ? 0 : normalSkip(text(query, 'skip'))
        const place: Place = { id: after, count: 0 }
        const rows = normalRows(run, tenant.id, doctype, place, { skip, limit })
        const statistics = flag(query, 'execution_stats')
        const tail = () => {
          const stats = statistics && {
            execution_stats: {
              total_keys_examined: 0,
              total_docs_examined: place.count,
              total_quorum_docs_examined: 0,
              results_returned: place.count,
              execution_time_ms: Math.round((performance.now() - started) * 1000) / 1000,
            },
          }
          const rest = { bookmark: place.id === undefined ? '' : bookmarkOf(place.id), ...stats }
          return `],${JSON.stringify(rest).slice(1)}`
        }
        return streamedRows(`{"total_rows":${feed.documents},"rows":[`, rows, tail)
      },
    }),
  ]
}

async function* nothing(): AsyncGenerator<string[]> {}

/** More than 1,000, negative or no number: 100, not clamped; clients count on it. */
function normalLimit(value: string | undefined): number {
  const limit = /^\d{1,6}$/.test(value ?? '') ? Number(value) : 100
  return limit > 1000 ? 100 : limit
}

const normalSkip = (value: string | undefined): number => (/^\d{1,15}$/.test(value ?? '') ? Number(value) : 0)
