import { z } from 'zod'
import { json, jsonText } from '#ground/http/answer'
import { badRequest } from '#ground/http/errors'
import { type Permission, type Route, route } from '#ground/http/route'
import { type DesignDocument, designDocumentJson, type Mango } from '../mango/index.ts'
import { raw } from '../raw.ts'
import type { MangoRouteRules } from './find.ts'

type Whole = { doctype: string }
type One = Whole & { id: string }
const params = z.object({ doctype: z.string() })
const paramsWithId = z.object({ doctype: z.string(), id: z.string() })
const permission: Permission<unknown> = {
  inside: 'GET on the whole doctype, once the doctype is known to be readable',
}

/** A key as CouchDB takes it: JSON, of which only texts stand for ids. */
const key = z
  .string()
  .transform((text, context): unknown => {
    try {
      return JSON.parse(text)
    } catch {
      context.addIssue({ code: 'custom', message: 'is not JSON' })
      return z.NEVER
    }
  })
  .pipe(z.string('must be a JSON string'))
  .optional()
const count = z
  .string()
  .regex(/^\d{1,9}$/, 'must be a whole number')
  .transform(Number)
  .optional()
const flag = z
  .enum(['true', 'false'], 'must be true or false')
  .transform(text => text === 'true')
  .optional()

const listQuery = z.object({
  include_docs: flag,
  descending: flag,
  limit: count,
  skip: count,
  key,
  startkey: key,
  endkey: key,
})

type ListQuery = z.infer<typeof listQuery>

const revQuery = z.object({ rev: z.string().optional() })
type RevQuery = z.infer<typeof revQuery>

/** Design documents (`protocol/data.md` §5): all of them are Mango indexes. */
export function designDocRoutes({ designDocuments }: Mango, { assertReadable }: MangoRouteRules): Route[] {
  return [
    route<Whole, ListQuery>({
      method: 'GET',
      path: '/data/:doctype/_design_docs',
      summary: 'Definitions of the Mango indexes of a doctype',
      family: 'data',
      permission,
      params,
      query: listQuery,
      handle: raw(async ({ tenant, params: { doctype }, query, allow }) => {
        assertReadable(doctype)
        allow.whole('GET', doctype)
        return jsonText(rowsJson(await designDocuments.list(tenant, doctype), query))
      }),
    }),
    route<One>({
      method: 'GET',
      path: '/data/:doctype/_design/:id',
      summary: 'Definition of a Mango index',
      family: 'data',
      permission,
      params: paramsWithId,
      handle: raw(async ({ tenant, params: { doctype, id }, allow }) => {
        assertReadable(doctype)
        allow.whole('GET', doctype)
        return jsonText(designDocumentJson(await designDocuments.get(tenant, doctype, id)))
      }),
    }),
    route<One, RevQuery>({
      method: 'POST',
      path: '/data/:doctype/_design/:id/copy',
      summary: 'Copies the definition of a Mango index',
      family: 'data',
      permission,
      params: paramsWithId,
      query: revQuery,
      async handle({ tenant, params: { doctype, id }, query, headers, allow }) {
        assertReadable(doctype)
        allow.whole('GET', doctype)
        const { to, toRev } = parseDestination(headers.destination)
        const { rev } = query
        const copied = await designDocuments.copy(tenant, doctype, { from: id, rev: rev || undefined, to, toRev })
        return json({ ok: true, ...copied }, 201)
      },
    }),
    route<One, RevQuery>({
      method: 'DELETE',
      path: '/data/:doctype/_design/:id',
      summary: 'Deletes the definition of a Mango index',
      family: 'data',
      permission,
      params: paramsWithId,
      query: revQuery,
      handle: raw(async ({ tenant, params: { doctype, id }, query: { rev }, allow }) => {
        assertReadable(doctype)
        allow.whole('GET', doctype)
        if (!rev) throw badRequest('rev is missing')
        return json({ ok: true, ...(await designDocuments.remove(tenant, doctype, id, rev)) })
      }),
    }),
  ]
}

/** `_design/<new>`, as CouchDB's COPY takes it: perhaps with `?rev=` of the one to replace. */
function parseDestination(header: string | string[] | undefined): { to: string; toRev: string | undefined } {
  const [, to, toRev] = /^_design(?:\/|%2F)([^?]+)(?:\?rev=([^&]+))?$/i.exec(String(header ?? '')) ?? []
  try {
    if (to) return { to: decodeURIComponent(to), toRev }
  } catch {
    // Said below.
  }
  throw badRequest('the header Destination must be _design/<name>')
}

function rowsJson(all: DesignDocument[], query: ListQuery): string {
  const { include_docs, descending, limit, skip = 0 } = query
  const [low, high] = descending ? [query.endkey, query.startkey] : [query.startkey, query.endkey]
  const selected = all.filter(
    ({ id }) =>
      (query.key === undefined || id === query.key) &&
      (low === undefined || id >= low) &&
      (high === undefined || id <= high),
  )
  if (descending) selected.reverse()
  const rows = selected.slice(skip, limit === undefined ? undefined : skip + limit).map(document => {
    const id = JSON.stringify(document.id)
    const doc = include_docs ? `,"doc":${designDocumentJson(document)}` : ''
    return `{"id":${id},"key":${id},"value":{"rev":${JSON.stringify(document.rev)}}${doc}}`
  })
  return `{"total_rows":${all.length},"offset":${Math.min(skip, all.length)},"rows":[${rows.join(',')}]}`
}
