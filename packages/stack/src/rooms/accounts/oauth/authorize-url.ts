import type { AccountType, GrantMode } from '../types/account-type.ts'

/** What the client asked for in the query of `/accounts/:type/start`. */
export interface StartQuery {
  scope?: string | undefined
  token?: string | undefined
  id_connector?: string | undefined
  connector_uuids?: string | undefined
  id_connection?: string | undefined
  source?: string | undefined
}

export interface AuthorizeParts {
  query: StartQuery
  redirectUri: string
  /** Ours, not the client's. */
  state: string
  /** PKCE challenge, S256. */
  challenge?: string | undefined
}

type Parameters = Record<string, string | undefined>

/** One row per grant mode of `protocol/accounts-oauth.md` §3; `redirect_uri` and `state` are added to all of them. */
const PARAMETERS: Record<
  Exclude<GrantMode, `${string}+secret` | 'secret'>,
  (type: AccountType, query: StartQuery) => Parameters
> = {
  authorization_code: ({ client_id }, { scope }) => ({ response_type: 'code', client_id, scope }),
  token: ({ client_id }, { scope }) => ({ response_type: 'token', client_id, scope }),
  token_redirect_url: (_type, { scope }) => ({ response_type: 'token', scope }),
  bi_webview: ({ client_id }, { token, id_connector, connector_uuids }) => ({
    client_id,
    code: token,
    connector_ids: id_connector,
    connector_uuids,
  }),
  bi_webauth: ({ client_id }, { token, id_connector, id_connection, source }) => ({
    client_id,
    token,
    id_connector,
    id_connection,
    source,
  }),
}

/**
 * Where a browser is sent to give its consent.
 * @returns undefined for a type that no browser can start (`secret`, or without `auth_endpoint`)
 */
export function authorizeUrl(
  type: AccountType,
  { query, redirectUri, state, challenge }: AuthorizeParts,
): string | undefined {
  const mode = type.grant_mode.replace(/\+secret$/, '') as keyof typeof PARAMETERS | 'secret'
  if (mode === 'secret' || !type.auth_endpoint) return undefined
  const redirectName = mode === 'token_redirect_url' ? 'redirect_url' : 'redirect_uri'
  return withParameters(
    type.auth_endpoint,
    {
      ...PARAMETERS[mode](type, query),
      ...(!type.skip_redirect_uri_on_authorize && { [redirectName]: redirectUri }),
      state,
      ...(challenge && { code_challenge: challenge, code_challenge_method: 'S256' }),
    },
    type.extras,
  )
}

/** Where a browser is sent to manage or mend a connection at an aggregator (§5). */
export function connectionUrl(
  endpoint: string,
  type: AccountType,
  {
    token,
    connectionId,
    redirectUri,
    state,
  }: { token?: string | undefined; connectionId: string; redirectUri: string; state: string },
): string {
  const { client_id } = type
  return withParameters(endpoint, {
    client_id,
    code: token,
    connection_id: connectionId,
    redirect_uri: redirectUri,
    state,
  })
}

/** Extras come last and never take the place of a parameter of the flow. */
function withParameters(endpoint: string, parameters: Parameters, extras: Record<string, string> = {}): string {
  const url = new URL(endpoint)
  for (const [name, value] of Object.entries(parameters)) if (value) url.searchParams.set(name, value)
  for (const [name, value] of Object.entries(extras)) {
    if (!(name in parameters)) url.searchParams.append(name, value)
  }
  return url.href
}
