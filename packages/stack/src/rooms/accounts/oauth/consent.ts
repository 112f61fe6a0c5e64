import { createHash, randomBytes } from 'node:crypto'
import type { Clock } from '#ground/clock'
import type { Body } from '#ground/documents/contract'
import { badRequest, HttpError, notFound } from '#ground/http/errors'
import type { Log } from '#ground/log'
import type { Tenant } from '#ground/tenant'
import { isObject } from '../account.ts'
import type { AccountStore } from '../account-store.ts'
import type { AccountWriting } from '../account-writing.ts'
import type { AccountType } from '../types/account-type.ts'
import type { AccountTypes } from '../types/service.ts'
import { appUrl, isAppSlug } from './app-url.ts'
import { authorizeUrl, connectionUrl, type StartQuery } from './authorize-url.ts'
import type { Flow, Flows } from './flows.ts'
import { readTokenAnswer } from './token-answer.ts'
import { askTokenEndpoint, TokenEndpointError, type TokenRequestOptions } from './token-endpoint.ts'

export interface ConsentDeps {
  types: AccountTypes
  flows: Flows
  writing: AccountWriting
  store: AccountStore
  clock: Clock
  log: Log
  subdomains: 'nested' | 'flat'
  tokenRequest?: TokenRequestOptions | undefined
}

/** Who is at the browser, and for which account type. */
export interface Visit {
  tenant: Tenant
  type: string
  sessionId: string | undefined
}

/** Sends browsers to vendors and takes them back. Everything returned is a URL to send the browser to. */
export interface Consent {
  /** @throws 404 for an unknown type, 400 for one that no browser can start, 403 without session */
  start(visit: Visit, query: StartQuery & { state?: string; nonce?: string; slug?: string }): Promise<string>
  /** @throws 400 `bad state` */
  finish(visit: Visit, query: URLSearchParams): Promise<string>
  /** @throws 404 for an unknown account or a type without that page */
  connection(
    visit: Visit,
    kind: 'manage' | 'reconnect',
    accountId: string,
    query: { state?: string; slug?: string; token?: string; connection_id?: string },
  ): Promise<string>
}

export const badState = () => new HttpError(400, 'bad state')

export function createConsent({
  types,
  flows,
  writing,
  store,
  clock,
  log,
  subdomains,
  tokenRequest,
}: ConsentDeps): Consent {
  const typeOf = async ({ tenant, type }: Visit): Promise<AccountType> => {
    const found = await types.forInstance(tenant, type)
    if (!found) throw notFound('There is no such account type')
    return found
  }
  const redirectUriOf = ({ tenant, type }: Visit, { redirect_uri }: AccountType) =>
    redirect_uri ?? `${tenant.url}accounts/${type}/redirect`

  /** The account's `oauth` and what comes with it, from what the vendor sent the browser back with. */
  async function credentialsFrom(visit: Visit, type: AccountType, flow: Flow, query: URLSearchParams): Promise<Body> {
    const accessToken = query.get('access_token')
    if (accessToken) return { oauth: implicit(accessToken, query, clock.now()) }
    if (!type.token_endpoint) {
      const { client_id, client_secret } = type
      return {
        oauth: { ...(client_id && { client_id }), ...(client_secret && { client_secret }), query: listsOf(query) },
      }
    }
    const code = query.get('code')
    if (!code) throw new TokenEndpointError('invalid_request', 'The vendor sent the browser back without a code')
    const answer = await askTokenEndpoint(
      { ...type, token_endpoint: type.token_endpoint },
      {
        grant_type: 'authorization_code',
        code,
        redirect_uri: redirectUriOf(visit, type),
        state: type.skip_state_on_token ? undefined : (query.get('state') ?? undefined),
        nonce: flow.nonce,
        code_verifier: flow.verifier,
      },
      tokenRequest,
    )
    const read = readTokenAnswer(answer, clock.now())
    const connectionId = query.get('connection_id')
    // Kept, so that the next consent for the same connection finds this account.
    return connectionId ? { ...read, oauth: { ...read.oauth, query: { connection_id: [connectionId] } } } : { ...read }
  }

  async function keep({ tenant, type }: Visit, credentials: Body, connectionId: string | null): Promise<string> {
    const known = connectionId ? await store.withConnection(tenant.id, type, connectionId) : undefined
    const merged = (body: Body): Body => ({
      ...body,
      ...credentials,
      oauth: { ...(isObject(body.oauth) && body.oauth), ...(credentials.oauth as Body) },
    })
    const changed = known === undefined ? undefined : await writing.change(tenant, known, merged)
    return (changed ?? (await writing.create(tenant, { account_type: type, ...credentials }))).id
  }

  return {
    async start(visit, { state: clientState, nonce, slug, ...query }) {
      const type = await typeOf(visit)
      const sessionId = signedIn(visit)
      assertSlug(slug)
      const verifier = type.pkce ? randomBytes(32).toString('base64url') : undefined
      const challenge = verifier && createHash('sha256').update(verifier).digest('base64url')
      const urlWith = (state: string) =>
        authorizeUrl(type, { query, redirectUri: redirectUriOf(visit, type), state, challenge })
      if (urlWith('') === undefined) throw badRequest('Wrong account type')
      const flow: Flow = { kind: 'start', clientState, nonce, slug, verifier }
      return urlWith(await flows.begin(visit.tenant, visit.type, sessionId, flow)) as string
    },

    async finish(visit, query) {
      const { tenant } = visit
      const state = query.get('state')
      const flow = state ? await flows.end(tenant, visit.type, visit.sessionId, state) : undefined
      if (!flow) throw badState()
      const type = await typeOf(visit)
      const connectionId = query.get('connection_id')
      const back = (parameters: { account?: string | undefined; error?: string }) =>
        appUrl(tenant, flow.slug, subdomains, {
          account: parameters.account,
          state: flow.clientState,
          connection_id: connectionId,
          connection_deleted: query.get('connection_deleted'),
          error: parameters.error?.slice(0, 200),
        })
      const refused = query.get('error')
      if (refused) return back({ error: refused })
      if (flow.kind !== 'start') return back({ account: flow.accountId })
      try {
        const credentials = await credentialsFrom(visit, type, flow, query)
        return back({ account: await keep(visit, credentials, connectionId) })
      } catch (error) {
        if (!(error instanceof TokenEndpointError)) throw error
        // The person is in a pop-up of an app, and only the app can tell them; the reason is for the operator.
        log.warn('a vendor gave no token', { instance: tenant.domain, type: visit.type, code: error.code, error })
        return back({ error: error.code })
      }
    },

    async connection(visit, kind, accountId, { state: clientState, slug, token, connection_id: given }) {
      const type = await typeOf(visit)
      const sessionId = signedIn(visit)
      assertSlug(slug)
      const endpoint = kind === 'manage' ? type.manage_endpoint : type.reconnect_endpoint
      if (!endpoint) throw notFound(`Accounts of this type have no page to ${kind} them`)
      const account = await writing.change(visit.tenant, accountId, () => undefined)
      if (!account) throw notFound('There is no such account')
      const connectionId = given ?? connectionOf(account.body)
      if (connectionId === undefined) throw badRequest('This account has no connection')
      const state = await flows.begin(visit.tenant, visit.type, sessionId, { kind, clientState, slug, accountId })
      return connectionUrl(endpoint, type, { token, connectionId, redirectUri: redirectUriOf(visit, type), state })
    },
  }
}

function signedIn({ sessionId }: Visit): string {
  if (sessionId === undefined) throw new HttpError(403, 'You are not signed in')
  return sessionId
}

function assertSlug(slug: string | undefined): void {
  if (slug !== undefined && !isAppSlug(slug)) throw badRequest('slug is not the name of an app')
}

/** Of the implicit grant, relayed by a page (`protocol/accounts-oauth.md` §4). */
function implicit(accessToken: string, query: URLSearchParams, now: Date): Body {
  const { token_type, expires_in } = Object.fromEntries(query)
  return readTokenAnswer({ access_token: accessToken, token_type, expires_in }, now).oauth
}

/** `{param: [values]}`, without our state. */
function listsOf(query: URLSearchParams): Body {
  const names = [...new Set(query.keys())].filter(name => name !== 'state')
  return Object.fromEntries(names.map(name => [name, query.getAll(name)]))
}

/** Id of an account's connection at an aggregator, as the redirect or the konnector have left it. */
function connectionOf({ oauth, data }: Body): string | undefined {
  const inQuery = isObject(oauth) && isObject(oauth.query) ? oauth.query.connection_id : undefined
  const first: unknown = Array.isArray(inQuery) ? inQuery[0] : inQuery
  const auth = isObject(data) ? data.auth : undefined
  const bi = isObject(auth) && isObject(auth.bi) ? auth.bi.connId : undefined
  const found = first ?? bi
  return typeof found === 'string' || typeof found === 'number' ? String(found) : undefined
}
