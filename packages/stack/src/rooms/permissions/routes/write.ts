import { z } from 'zod'
import { jsonApi, noContent } from '#ground/http/answer'
import { badRequest } from '#ground/http/errors'
import { type Route, type RouteRequest, route } from '#ground/http/route'
import { maySeeCodes } from '../ownership.ts'
import { presentRecord } from '../present.ts'
import { type PermissionType, sourceIdOf } from '../record.ts'
import { parseTtl } from '../share-life.ts'
import type { PermissionRoom } from './room.ts'

const BODY_LIMIT = 1024 * 1024

const patchBody = z.looseObject({ data: z.unknown() })
const slugParams = z.object({ slug: z.string() })
const idParams = z.object({ id: z.string() })

/** What makes, changes and ends permission documents. Who may is decided with the document, in the service. */
export function writeRoutes(room: PermissionRoom): Route[] {
  type PatchRequest = Pick<RouteRequest<unknown, unknown, { data: unknown }>, 'tenant' | 'actor' | 'allow' | 'body'>
  const patch = async ({ tenant, actor, allow, body }: PatchRequest, id: string) => {
    const attributes = readAttributes(body)
    const record = await room.patch(tenant, actor, id, attributes)
    allow.check(true)
    return jsonApi({ data: presentRecord(record, { codes: actor.kind === 'cli' || maySeeCodes(actor, record) }) })
  }
  const patchOf = (type: Extract<PermissionType, 'app' | 'konnector'>, folder: string) =>
    route({
      method: 'PATCH',
      path: `/permissions/${folder}/:slug`,
      summary: `Adds rules to ${type === 'app' ? 'an app' : 'a konnector'}, or takes some away`,
      family: 'json-api',
      permission: { inside: 'the owner, or who manages it; no rule that the caller does not have itself' },
      bodyLimit: BODY_LIMIT,
      params: slugParams,
      body: { json: patchBody },
      handle: request => patch(request, sourceIdOf(type, request.params.slug)),
    })

  return [
    route({
      method: 'POST',
      path: '/permissions',
      summary: 'Shares something by a link: makes a set of rules with codes that open it',
      family: 'json-api',
      permission: {
        inside: 'apps, konnectors, OAuth clients and administrators; no rule that the caller does not have',
      },
      bodyLimit: BODY_LIMIT,
      query: z.object({ codes: z.string().optional(), ttl: z.string().optional(), tiny: z.string().optional() }),
      body: { json: z.looseObject({ data: z.unknown() }) },
      async handle({ tenant, actor, query: { codes = '', ttl, tiny }, body, allow }) {
        const { permissions, source_id, password, expires_at, cozyMetadata } = readAttributes(body)
        const record = await room.shares.create(tenant, actor, {
          permissions,
          names: codes.split(',').filter(Boolean),
          ttlMs: ttl ? parseTtl(ttl) : undefined,
          tiny: tiny === 'true',
          sourceId: typeof source_id === 'string' && source_id !== '' ? source_id : undefined,
          password,
          expiresAt: expires_at,
          cozyMetadata: isObject(cozyMetadata) ? cozyMetadata : undefined,
        })
        allow.check(true)
        return jsonApi({ data: presentRecord(record) })
      },
    }),
    patchOf('app', 'apps'),
    patchOf('konnector', 'konnectors'),
    route({
      method: 'PATCH',
      path: '/permissions/:id',
      summary: 'Changes the rules of a permission document, or codes, password and end of a share',
      family: 'json-api',
      permission: { inside: 'the owner, or who manages it; no rule that the caller does not have itself' },
      bodyLimit: BODY_LIMIT,
      params: idParams,
      body: { json: patchBody },
      handle: request => patch(request, request.params.id),
    }),
    route({
      method: 'DELETE',
      path: '/permissions/:id',
      summary: 'Ends a share',
      family: 'json-api',
      permission: { inside: 'apps and OAuth clients that made it, or that have all it allows' },
      params: idParams,
      async handle({ tenant, actor, params, allow }) {
        await room.shares.remove(tenant, actor, params.id)
        allow.check(true)
        return noContent()
      },
    }),
  ]
}

/** @throws JsonApiError 400 */
function readAttributes({ data }: { data: unknown }): Record<string, unknown> {
  const attributes = isObject(data) ? data.attributes : undefined
  if (!isObject(attributes)) throw badRequest('JSON input is malformed or is missing mandatory fields')
  return attributes
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
