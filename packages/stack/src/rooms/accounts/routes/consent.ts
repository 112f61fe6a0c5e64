import { z } from 'zod'
import { redirect } from '#ground/http/answer'
import { type Route, type RouteRequest, route } from '#ground/http/route'
import type { Consent, Visit } from '../oauth/consent.ts'
import { relayPage } from '../oauth/relay-page.ts'
import type { AccountTypes } from '../types/service.ts'

const start = z.object({
  state: z.string().optional(),
  nonce: z.string().optional(),
  scope: z.string().optional(),
  slug: z.string().optional(),
  token: z.string().optional(),
  id_connector: z.string().optional(),
  connector_uuids: z.string().optional(),
  id_connection: z.string().optional(),
  source: z.string().optional(),
})
const connection = z.object({
  state: z.string().optional(),
  slug: z.string().optional(),
  token: z.string().optional(),
  connection_id: z.string().optional(),
})
type TypeParams = { type: string }
type AccountParams = TypeParams & { id: string }

const NAVIGATION = 'a browser comes here by a link, with its cookie only; the handler asks for the session'
/** Where a browser goes next is nobody's to keep. */
const NO_STORE = { 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' }

const visitOf = async ({ tenant, params, session }: RouteRequest<TypeParams, unknown, unknown>): Promise<Visit> => ({
  tenant,
  type: params.type,
  sessionId: (await session())?.id,
})

/** Browsers on their way to a vendor and back (`protocol/accounts-oauth.md` §3–5). */
export function consentRoutes({ consent, types }: { consent: Consent; types: AccountTypes }): Route[] {
  const connectionRoute = (kind: 'manage' | 'reconnect') =>
    route<AccountParams, z.infer<typeof connection>>({
      method: 'GET',
      path: `/accounts/:type/:id/${kind}`,
      summary: `Sends the browser to the vendor's page to ${kind} a connection`,
      family: 'page',
      permission: { public: NAVIGATION },
      evenWhenBlocked: true,
      query: connection as z.ZodType<z.infer<typeof connection>>,
      handle: async request =>
        redirect(
          await consent.connection(await visitOf(request), kind, request.params.id, withoutAbsent(request.query)),
          303,
          NO_STORE,
        ),
    })
  return [
    route<TypeParams, z.infer<typeof start>>({
      method: 'GET',
      path: '/accounts/:type/start',
      summary: "Sends the browser to the vendor's consent page",
      family: 'page',
      permission: { public: NAVIGATION },
      evenWhenBlocked: true,
      query: start as z.ZodType<z.infer<typeof start>>,
      handle: async request =>
        redirect(await consent.start(await visitOf(request), withoutAbsent(request.query)), 303, NO_STORE),
    }),
    route<TypeParams>({
      method: 'GET',
      path: '/accounts/:type/redirect',
      summary: 'Takes the browser back from the vendor, makes the account, and sends it on to the app',
      family: 'page',
      permission: { public: 'the vendor sends the browser here; the single-use state and the session are checked' },
      evenWhenBlocked: true,
      handle: async request => {
        const query = new URL(request.url, request.tenant.url).searchParams
        const isBare = !['state', 'error', 'code', 'access_token'].some(name => query.has(name))
        if (isBare && (await types.forInstance(request.tenant, request.params.type))?.grant_mode.startsWith('token'))
          return relayPage()
        return redirect(await consent.finish(await visitOf(request), query), 303, NO_STORE)
      },
    }),
    connectionRoute('manage'),
    connectionRoute('reconnect'),
  ]
}

function withoutAbsent<T extends object>(query: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(query).filter(([, value]) => value !== undefined)) as never
}
