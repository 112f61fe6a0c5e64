import { jsonApi } from '#ground/http/answer'
import { badRequest } from '#ground/http/errors'
import { type Route, type RouteRequest, route } from '#ground/http/route'
import { presentEntry } from '../present.ts'
import { nextQuery, pageCursor, pageLimit, parameter, type Query } from '../read/page-query.ts'
import type { ReferenceCursor, ReferenceSort, Relation } from '../read/reference-store.ts'
import { toEntry } from '../read/tree-store.ts'
import { FILES } from '../record.ts'
import type { ReadRouteDeps } from './deps.ts'
import { legacyForm } from './references.ts'

const PAGE = { standard: 100, most: 1000 }
const SORTS: readonly string[] = ['id', '-id', 'datetime', '-datetime'] satisfies ReferenceSort[]

type ListRequest = RouteRequest<{ doctype: string; docid: string }, Query, undefined>

/** Files that refer to a document (`protocol/data.md` §7). The document need not exist. */
export function listReferenceRoutes({ ground, reader, references }: ReadRouteDeps): Route[] {
  const list = (name: string, relation: Relation): Route =>
    route<{ doctype: string; docid: string }, Query>({
      method: 'GET',
      path: `/data/:doctype/:docid/relationships/${name}`,
      summary: `A page of the files and directories that refer to a document (${relation})`,
      family: 'json-api',
      permission: { inside: 'GET on the document, or on all files' },
      async handle({ tenant, allow, params: { doctype, docid }, query }: ListRequest) {
        const grant = allow.maybe()
        allow.check(grant.allowsId('GET', doctype, docid) || grant.allowsWholeType('GET', FILES))
        const sort = sortOf(query)
        const limit = pageLimit(query, PAGE)
        const options = { sort, limit, after: cursorOf(query) }
        const reference = { type: doctype, id: docid }
        let page = await references.page(tenant.id, relation, reference, options)
        if (page.total === 0 && docid.includes('/')) {
          page = await references.page(tenant.id, relation, legacyForm(reference), options)
        }
        const include = parameter(query, 'include')
        const self = `/data/${encodeURIComponent(doctype)}/${encodeURIComponent(docid)}/relationships/${name}`
        const next =
          page.next &&
          `${self}?${nextQuery({
            'page[cursor]': JSON.stringify(page.next),
            'page[limit]': limit,
            ...(parameter(query, 'sort') && { sort }),
            ...(include && { include }),
          })}`
        return jsonApi({
          data: page.ids.map(id => ({ id, type: FILES })),
          meta: { count: page.total },
          links: next ? { next } : {},
          ...(include === 'files' && { included: await objectsOf(tenant, page.ids) }),
        })
      },
    })

  async function objectsOf(tenant: ListRequest['tenant'], ids: string[]): Promise<object[]> {
    const [found, sign] = await Promise.all([
      ground.documents.of(tenant).getMany(FILES, ids),
      reader.secrets.signer(tenant),
    ])
    return found.flatMap(document => (document && !document.deleted ? [presentEntry(toEntry(document), { sign })] : []))
  }

  return [list('references', 'referenced_by'), list('not_synchronizing', 'not_synchronized_on')]
}

/** @throws JsonApiError 400 */
function sortOf(query: Query): ReferenceSort {
  const sort = parameter(query, 'sort') ?? 'id'
  if (!SORTS.includes(sort)) throw badRequest('sort must be id, -id, datetime or -datetime')
  return sort as ReferenceSort
}

/** @throws JsonApiError 400 */
function cursorOf(query: Query): ReferenceCursor | undefined {
  const cursor = pageCursor(query)
  if (!cursor) return undefined
  const [key, id] = cursor
  if (typeof key !== 'string' || key.includes('\0')) throw badRequest('page[cursor] is malformed')
  return [key, id]
}
