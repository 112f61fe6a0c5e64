import { z } from 'zod'
import { jsonApi } from '#ground/http/answer'
import { badRequest, JsonApiError, missing } from '#ground/http/errors'
import { type Route, route } from '#ground/http/route'
import { assertDoctype } from '../doctype-access.ts'
import { mayRead, maySeeCodes, sourceOf } from '../ownership.ts'
import { presentGrant, presentRecord } from '../present.ts'
import { LARGEST_PAGE, MOST_ASKED, PAGE } from '../shared-by-link.ts'
import { canBeStored } from '../store.ts'
import type { PermissionRoom } from './room.ts'

/** What tells of permissions. */
export function readRoutes(room: PermissionRoom): Route[] {
  return [
    route({
      method: 'GET',
      path: '/permissions/self',
      summary: 'What the token of this request allows',
      family: 'json-api',
      permission: { token: 'anybody may know what it may do itself' },
      async handle({ tenant, actor }) {
        if (actor.permissionId === undefined) return jsonApi({ data: presentGrant(actor, sourceOf(actor)) })
        const record = await room.find(tenant, actor.permissionId)
        if (!record) throw missing()
        return jsonApi({ data: presentRecord(record, { codes: false }) })
      },
    }),
    route({
      method: 'GET',
      path: '/permissions/:id',
      summary: 'A permission document',
      family: 'json-api',
      permission: { inside: 'its own document, or one of the same source' },
      params: z.object({ id: z.string() }),
      async handle({ tenant, actor, params, allow }) {
        const record = await room.find(tenant, params.id)
        if (!record) throw missing()
        allow.check(mayRead(actor, record))
        return jsonApi({ data: presentRecord(record, { codes: maySeeCodes(actor, record) }) })
      },
    }),
    route({
      method: 'GET',
      path: '/permissions/doctype/:doctype/shared-by-link',
      summary: 'What of a doctype is shared by a link',
      family: 'json-api',
      permission: { inside: 'GET on the whole doctype; a refusal is a JSON:API error' },
      params: z.object({ doctype: z.string() }),
      query: z.object({ 'page[limit]': z.string().optional(), 'page[cursor]': z.string().optional() }),
      async handle({ tenant, actor, params: { doctype }, query, allow }) {
        if (!allow.maybe().allowsWholeType('GET', doctype)) throw new JsonApiError(403, 'Forbidden', 'Forbidden')
        assertDoctype(doctype)
        const limit = readLimit(query['page[limit]'])
        const after = readCursor(query['page[cursor]'])
        const { records, last } = await room.shared.page(tenant, doctype, { limit, after })
        const data = records.map(record => presentRecord(record, { codes: maySeeCodes(actor, record) }))
        const links = last ? { next: nextPage(doctype, limit, last.id) } : {}
        return jsonApi({ data, meta: { count: data.length }, links })
      },
    }),
    route({
      method: 'POST',
      path: '/permissions/exists',
      summary: 'Which of some documents are shared by a link, and what may be done with them',
      family: 'json-api',
      permission: { token: 'it asks about documents whose ids the caller knows, and tells nothing of what is in them' },
      bodyLimit: 1024 * 1024,
      body: {
        json: z.object({ data: z.array(z.object({ type: z.string(), id: z.string() })).max(MOST_ASKED) }),
      },
      handle: async ({ tenant, body }) => jsonApi({ data: await room.shared.verbsOf(tenant, body.data) }),
    }),
  ]
}

function readLimit(text: string | undefined): number {
  if (text === undefined || text === '') return PAGE
  if (!/^\d{1,9}$/.test(text) || Number(text) === 0) throw badRequest('page[limit] is a number of documents')
  return Math.min(Number(text), LARGEST_PAGE)
}

/** `["<doctype>","<id>"]`, as we wrote it. */
function readCursor(text: string | undefined): string {
  if (text === undefined || text === '') return ''
  const refuse = () => badRequest('page[cursor] is none that came in links.next')
  let cursor: unknown
  try {
    cursor = JSON.parse(text)
  } catch {
    throw refuse()
  }
  const id: unknown = Array.isArray(cursor) ? cursor.at(-1) : undefined
  if (typeof id !== 'string' || !canBeStored(id)) throw refuse()
  return id
}

function nextPage(doctype: string, limit: number, id: string): string {
  const query = new URLSearchParams({ 'page[limit]': String(limit), 'page[cursor]': JSON.stringify([doctype, id]) })
  return `/permissions/doctype/${doctype}/shared-by-link?${query}`
}
