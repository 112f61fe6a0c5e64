import { z } from 'zod'
import { jsonApi, noContent } from '#ground/http/answer'
import { badRequest } from '#ground/http/errors'
import { type Route, route } from '#ground/http/route'
import type { Instance } from '#rooms/instances'
import { CLIENTS, type Client, invalidToken, type OAuth } from '#rooms/oauth'
import type { Contexts } from '../contexts.ts'
import { SETTINGS } from '../document.ts'

export interface ClientsDeps {
  oauth: Pick<OAuth, 'clients' | 'clientsLimit'>
  contexts: Contexts
}

const PAGE = 100
const MOST = 1000

const query = z.looseObject({
  'page[limit]': z.coerce.number().int().min(1).optional(),
  'page[cursor]': z.string().max(2000).optional(),
})

/** Connected devices and programs (`protocol/settings.md` §7). */
export function clientRoutes({ oauth: { clients, clientsLimit } }: ClientsDeps): Route[] {
  return [
    route({
      method: 'GET',
      path: '/settings/clients',
      summary: 'Programs that are connected, without their secrets',
      family: 'json-api',
      permission: { whole: 'GET', of: CLIENTS },
      evenWhenBlocked: true,
      query,
      async handle({ tenant, query: asked }) {
        const limit = Math.min(asked['page[limit]'] ?? PAGE, MOST)
        const startKey = asked['page[cursor]'] === undefined ? undefined : startOf(asked['page[cursor]'])
        const found = await clients.list(tenant, { limit: limit + 1, startKey })
        const next = found[limit]
        const data = found.slice(0, limit).map(asResource)
        const cursor = next && encodeURIComponent(JSON.stringify([next.id, next.id]))
        return jsonApi({
          data,
          meta: { count: data.length },
          ...(cursor && { links: { next: `/settings/clients?page%5Blimit%5D=${limit}&page%5Bcursor%5D=${cursor}` } }),
        })
      },
    }),
    route({
      method: 'DELETE',
      path: '/settings/clients/:id',
      summary: 'Disconnects a program: its tokens are no longer good',
      family: 'json-api',
      permission: { whole: 'DELETE', of: CLIENTS },
      evenWhenBlocked: true,
      async handle({ tenant, params }) {
        await clients.remove(tenant, params.id ?? '')
        return noContent()
      },
    }),
    route({
      method: 'GET',
      path: '/settings/clients-usage',
      summary: 'How many programs are connected, and how many may be',
      family: 'json-api',
      permission: { whole: 'GET', of: CLIENTS },
      evenWhenBlocked: true,
      async handle({ tenant }) {
        const limit = await clientsLimit(tenant as Instance)
        const count = await clients.count(tenant)
        return jsonApi({
          data: {
            type: SETTINGS,
            id: `${SETTINGS}.clients-usage`,
            attributes: {
              ...(limit !== undefined && { limit }),
              count,
              limitReached: limit !== undefined && count >= limit,
              limitExceeded: limit !== undefined && count > limit,
            },
            meta: {},
            links: { self: '/settings/clients-usage' },
          },
        })
      },
    }),
    route({
      method: 'POST',
      path: '/settings/synchronized',
      summary: 'A program says that it is up to date',
      family: 'json-api',
      permission: { token: 'the access token of the program itself' },
      evenWhenBlocked: true,
      async handle({ tenant, actor }) {
        if (actor.kind !== 'oauth') throw invalidToken()
        await clients.synchronized(tenant, actor.subject)
        return noContent()
      },
    }),
  ]
}

function startOf(cursor: string): string {
  try {
    const [key] = z.tuple([z.string(), z.string()]).parse(JSON.parse(cursor))
    return key
  } catch {
    throw badRequest('page[cursor] is malformed')
  }
}

function asResource({ id, rev, ...record }: Client) {
  return {
    type: CLIENTS,
    id,
    attributes: { client_id: id, ...record },
    meta: { rev },
    links: { self: `/settings/clients/${id}` },
  }
}
