import { z } from 'zod'
import { bytes, json } from '#ground/http/answer'
import { forbidden, HttpError, notFound } from '#ground/http/errors'
import type { Actor } from '#ground/http/grant'
import { type Route, type RouteRequest, route } from '#ground/http/route'
import type { ListQuery } from '../client.ts'
import type { RegistryObject } from '../documents.ts'
import { presentMaintenance } from '../maintenance/maintenance.ts'
import { Unreachable } from '../net/resolve-host.ts'
import { pictureHeaders } from '../picture.ts'
import type { Registries } from '../registry.ts'

/** Of the proxy; a registry itself has 50 (`protocol/konnectors-api.md` §7). Clients ask for 500 to have all. */
const USUAL_LIMIT = 100
const MOST = 500

const CACHED = {
  /** A published version never changes. */
  version: { 'cache-control': 'max-age=31536000, immutable' },
  /** Its picture may change with the next version. */
  picture: { 'cache-control': 'max-age=86400' },
}

const ANY_APP = { token: 'an app or an OAuth client may look at what there is to install' }

/** The registries of an instance, for apps: the paths of a registry, below the instance. */
export function proxyRoutes(registries: Registries): Route[] {
  const get = <Q = Record<string, string>>(
    path: string,
    summary: string,
    handle: (request: RouteRequest<Record<string, string>, Q, undefined>) => Promise<ReturnType<typeof json>>,
    query?: z.ZodType<Q>,
  ): Route =>
    route<Record<string, string>, Q>({
      method: 'GET',
      path,
      summary,
      family: 'plain',
      permission: ANY_APP,
      ...(query && { query }),
      async handle(request) {
        assertApp(request.actor)
        assertPlain(request.params)
        return reachable(() => handle(request))
      },
    })

  return [
    get<ListQuery>(
      '/registry',
      'Applications of the registries',
      async ({ tenant, query }) => {
        const { data, nextCursor } = await registries.list(tenant, query)
        const shown = data.map(application => withAddress(application, tenant.url))
        return json({
          data: shown,
          meta: { count: data.length, ...(nextCursor !== undefined && { next_cursor: nextCursor }) },
        })
      },
      listQuerySchema,
    ),
    get('/registry/slugs', 'Slugs of all applications of the registries', async ({ tenant }) =>
      json(await registries.slugs(tenant)),
    ),
    get('/registry/maintenance', 'Applications in maintenance', async ({ tenant }) =>
      json((await registries.inMaintenance(tenant)).map(presentMaintenance)),
    ),
    get('/registry/:app', 'One application', async ({ tenant, params: { app = '' } }) => {
      const application = await registries.application(tenant, app)
      if (!application) throw unknown()
      return json(withAddress(application, tenant.url))
    }),
    get(
      '/registry/:app/versions',
      'Versions of an application, by channel',
      async ({ tenant, params: { app = '' } }) => {
        const versions = await registries.versions(tenant, app)
        if (!versions) throw unknown()
        return json(versions)
      },
    ),
    get('/registry/:app/:version', 'One version', async ({ tenant, params: { app = '', version = '' } }) => {
      const found = await registries.version(tenant, app, version)
      if (!found) throw unknown()
      return json(absolute(found.json, tenant.url), 200, CACHED.version)
    }),
    get('/registry/:app/:channel/latest', 'The latest version of a channel', async ({ tenant, params }) => {
      const { app = '', channel = '' } = params
      const found = await registries.latest(tenant, app, channel)
      if (!found) throw unknown()
      return json(absolute(found.json, tenant.url))
    }),
    get('/registry/:app/:version/tarball/:file', 'The archive of a version', async ({ tenant, params }) => {
      const { app = '', version = '' } = params
      const archive = await registries.archive(tenant, app, version)
      if (!archive) throw unknown()
      return bytes(archive, {
        'content-type': 'application/gzip',
        'content-length': String(archive.length),
        'content-disposition': 'attachment',
        ...CACHED.version,
      })
    }),
    ...pictureRoutes(registries),
  ]
}

function pictureRoutes(registries: Registries): Route[] {
  const picture = (place: string, file: string, headers: Record<string, string>): Route =>
    route<Record<string, string>>({
      method: 'GET',
      path: `/registry/:app/${place}${file}`,
      summary: 'A picture of an application',
      family: 'plain',
      permission: { public: 'for whoever is signed in or may read all apps, which is checked inside' },
      async handle(request) {
        const { tenant, params } = request
        await assertMaySee(request)
        assertPlain(params)
        const { app = '', version = '', channel = '', '*': rest = '' } = params
        const where = place.replace(':version', version).replace(':channel', channel)
        const found = await reachable(() => registries.asset(tenant, app, where + file.replace('*', rest)))
        if (!found) throw unknown()
        const { bytes: content, type } = found
        return bytes(content, {
          ...pictureHeaders(rest || '.svg', type),
          'content-length': String(content.length),
          ...headers,
        })
      },
    })
  return ['icon', 'partnership_icon', 'screenshots/*'].flatMap(file => [
    picture('', file, CACHED.picture),
    picture(':version/', file, CACHED.version),
    picture(':channel/latest/', file, {}),
  ])
}

async function assertMaySee({
  actorIfAny,
  session,
}: RouteRequest<Record<string, string>, unknown, unknown>): Promise<void> {
  const actor = await actorIfAny()
  if (actor?.grant.allowsWholeType('GET', 'io.cozy.apps')) return
  if (await session()) return
  throw actor ? forbidden() : new HttpError(401, 'No token in request', { 'www-authenticate': 'Bearer' })
}

/** `protocol/konnectors-api.md` §7: any permission, but these kinds of tokens. */
function assertApp({ kind }: Actor): void {
  if (kind !== 'app' && kind !== 'oauth') throw forbidden()
}

/** Names are put into addresses of registries, where dots lead elsewhere. @throws HttpError 404 */
function assertPlain(params: Record<string, string>): void {
  const segments = Object.values(params).flatMap(value => value.split('/'))
  if (segments.some(segment => segment === '' || segment === '.' || segment === '..')) throw unknown()
}

/** Registries that do not answer are no fault of who asks, nor of ours. */
async function reachable<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    if (error instanceof Unreachable) throw new HttpError(502, error.message)
    throw error
  }
}

const unknown = () => notFound('The registries have no such application or version')

/** Archives of the folder are below the instance itself. */
function absolute(version: RegistryObject, base: string): RegistryObject {
  const { url } = version
  return typeof url === 'string' && !URL.canParse(url) ? { ...version, url: new URL(url, base).href } : version
}

function withAddress(application: RegistryObject, base: string): RegistryObject {
  const { latest_version: latest } = application
  if (typeof latest !== 'object' || latest === null) return application
  return { ...application, latest_version: absolute(latest as RegistryObject, base) }
}

const listQuerySchema = z
  .object({
    cursor: z.string().optional(),
    limit: z
      .string()
      .regex(/^\d{1,9}$/, 'must be a whole number')
      .transform(Number)
      .optional(),
    sort: z
      .string()
      .regex(/^-?(slug|type|editor|created_at)$/, 'must be slug, type, editor or created_at')
      .optional(),
    versionsChannel: z.string().optional(),
    latestChannelVersion: z.string().optional(),
  })
  .catchall(z.unknown())
  .transform(
    ({ cursor, limit = USUAL_LIMIT, sort, versionsChannel, latestChannelVersion, ...rest }): ListQuery => ({
      cursor,
      limit: Math.max(1, Math.min(limit, MOST)),
      sort,
      versionsChannel,
      latestChannelVersion,
      filter: Object.fromEntries(
        ['type', 'editor', 'select', 'reject'].flatMap(name => {
          const value = rest[`filter[${name}]`]
          return typeof value === 'string' ? [[name, value]] : []
        }),
      ),
    }),
  ) as unknown as z.ZodType<ListQuery>
