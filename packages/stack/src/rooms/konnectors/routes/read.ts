import { z } from 'zod'
import { type Answer, bytes, jsonApi, redirect } from '#ground/http/answer'
import { forbidden, HttpError, notThere, preconditionFailed } from '#ground/http/errors'
import { type Route, type RouteRequest, route } from '#ground/http/route'
import type { Tenant } from '#ground/tenant'
import { pictureHeaders } from '#rooms/registry'
import type { Code } from '../code.ts'
import { idOf, KONNECTORS, type Konnector } from '../konnector.ts'
import { nextPage, presentKonnector } from '../present.ts'

export interface ReadRoutesDeps {
  /** @throws JsonApiError 404 */
  get(tenant: Tenant, slug: string): Promise<Konnector>
  /** With the silent update before. @throws JsonApiError 404 */
  getCurrent(tenant: Tenant, slug: string): Promise<Konnector>
  list(tenant: Tenant, options: { limit: number; startKey?: string | undefined }): Promise<Konnector[]>
  code: Code
}

const USUAL_LIMIT = 100
const MOST = 1000

/** What is installed (`protocol/konnectors-api.md` §2). */
export function readRoutes({ get, getCurrent, list, code }: ReadRoutesDeps): Route[] {
  const icon = (versioned: boolean): Route =>
    route<{ slug: string; version?: string }>({
      method: 'GET',
      path: versioned ? '/konnectors/:slug/icon/:version' : '/konnectors/:slug/icon',
      summary: versioned ? 'Icon of an installed version; never changes' : 'Icon of a konnector',
      family: 'json-api',
      permission: { public: 'for whoever is signed in or may read the konnector, which is checked inside' },
      evenWhenBlocked: true,
      async handle(request) {
        const { tenant, params, headers } = request
        await assertMaySee(request, params.slug)
        const konnector = await get(tenant, params.slug)
        if (versioned && params.version !== konnector.version) throw notThere('This version is not installed')
        const found = await code.icon(konnector)
        if (!found) throw notThere('The konnector has no icon')
        const tag = `"${konnector.bundle}"`
        const lasting = versioned ? 'max-age=31536000, immutable' : 'private, no-cache'
        const common = { ...pictureHeaders(found.name), etag: tag, 'cache-control': lasting }
        if (headers['if-none-match']?.includes(tag)) return { status: 304, headers: common, body: undefined }
        return bytes(found.content, { ...common, 'content-length': String(found.content.length) })
      },
    })

  const download = (versioned: boolean): Route =>
    route<{ slug: string; version?: string }>({
      method: 'GET',
      path: versioned ? '/konnectors/:slug/download/:version' : '/konnectors/:slug/download',
      summary: 'The code of a konnector, as a gzip tar',
      family: 'json-api',
      permission: INSIDE,
      evenWhenBlocked: true,
      async handle({ tenant, params, allow }): Promise<Answer> {
        const konnector = await asked(get, tenant, params.slug, allow)
        if (versioned && params.version !== konnector.version)
          throw preconditionFailed('version', `Version ${konnector.version} is installed`)
        const elsewhere = await code.publishedAt(tenant, konnector)
        if (elsewhere !== undefined) return redirect(elsewhere)
        const archive = await code.pack(konnector)
        return bytes(archive, {
          'content-type': 'application/gzip',
          'content-length': String(archive.length),
          'content-disposition': `attachment; filename="${konnector.slug}.tar.gz"`,
        })
      },
    })

  return [
    route<Record<string, string>, z.infer<typeof listQuery>>({
      method: 'GET',
      path: '/konnectors',
      summary: 'The installed konnectors',
      family: 'json-api',
      permission: { whole: 'GET', of: KONNECTORS },
      evenWhenBlocked: true,
      query: listQuery,
      async handle({ tenant, query: { limit: wanted, start_key: startKey } }) {
        const limit = Math.min(wanted ?? USUAL_LIMIT, MOST)
        const found = await list(tenant, { limit: limit + 1, startKey })
        const more = found[limit]
        const shown = found.slice(0, limit)
        return jsonApi({
          data: shown.map(presentKonnector),
          meta: { count: shown.length },
          links: more ? { next: nextPage(tenant, limit, idOf(more.slug)) } : {},
        })
      },
    }),
    route<{ slug: string }>({
      method: 'GET',
      path: '/konnectors/:slug',
      summary: 'An installed konnector, updated first when it may be without asking',
      family: 'json-api',
      permission: INSIDE,
      evenWhenBlocked: true,
      async handle({ tenant, params: { slug }, allow }) {
        // Only who may see it sets an update off.
        await asked(get, tenant, slug, allow)
        return jsonApi({ data: presentKonnector(await getCurrent(tenant, slug)) })
      },
    }),
    icon(false),
    icon(true),
    download(false),
    download(true),
  ]
}

const INSIDE = { inside: 'GET on the konnector, by its id, slug or state' }

/** Who may not read it does not learn whether it is there. */
async function asked(
  get: (tenant: Tenant, slug: string) => Promise<Konnector>,
  tenant: Tenant,
  slug: string,
  allow: RouteRequest<unknown, unknown, unknown>['allow'],
): Promise<Konnector> {
  const all = allow.maybe()
  let konnector: Konnector
  try {
    konnector = await get(tenant, slug)
  } catch (error) {
    if (!all.allowsDocument('GET', KONNECTORS, idOf(slug), { slug })) throw forbidden()
    throw error
  }
  allow.document('GET', KONNECTORS, idOf(slug), { slug, state: konnector.state })
  return konnector
}

async function assertMaySee(
  { actorIfAny, session }: RouteRequest<unknown, unknown, unknown>,
  slug: string,
): Promise<void> {
  const actor = await actorIfAny()
  if (actor?.grant.allowsDocument('GET', KONNECTORS, idOf(slug), { slug })) return
  if (await session()) return
  throw new HttpError(401, 'No token in request', { 'www-authenticate': 'Bearer' })
}

const listQuery = z.object({
  limit: z
    .string()
    .regex(/^[1-9]\d{0,8}$/, 'must be a whole number')
    .transform(Number)
    .optional(),
  start_key: z.string().optional(),
})
