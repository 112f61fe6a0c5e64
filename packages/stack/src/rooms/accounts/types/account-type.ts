import { z } from 'zod'

/** How an account comes about (`protocol/accounts-oauth.md` §2). */
export const GRANT_MODES = [
  'authorization_code',
  'authorization_code+secret',
  'token',
  'token_redirect_url',
  'bi_webauth',
  'bi_webauth+secret',
  'bi_webview',
  'bi_webview+secret',
  'secret',
] as const
export type GrantMode = (typeof GRANT_MODES)[number]

export const TOKEN_MODES = ['form', 'basic', 'get'] as const

/** What the operator says about a vendor. */
export interface AccountType {
  /** The type's name in URLs, or `<context>/<name>`. */
  id: string
  slug?: string | undefined
  grant_mode: GrantMode
  client_id?: string | undefined
  client_secret?: string | undefined
  auth_endpoint?: string | undefined
  token_endpoint?: string | undefined
  manage_endpoint?: string | undefined
  reconnect_endpoint?: string | undefined
  token_mode?: (typeof TOKEN_MODES)[number] | undefined
  /** One for all instances; default `<instance>/accounts/<type>/redirect`. */
  redirect_uri?: string | undefined
  /** More parameters of the authorize URL. */
  extras?: Record<string, string> | undefined
  skip_redirect_uri_on_authorize?: boolean | undefined
  skip_state_on_token?: boolean | undefined
  /** Ours: send a PKCE challenge (RFC 7636, S256). */
  pkce?: boolean | undefined
  /** Any JSON, given to the konnector as `COZY_PARAMETERS.secret`. */
  secret?: unknown
}

/** Members kept sealed and never told again. */
export const SECRET_MEMBERS = ['client_secret', 'secret'] as const

const endpoint = z.url({ protocol: /^https?$/, error: 'must be an http or https URL' })
const parameter = z.union([z.string(), z.number(), z.boolean()]).transform(String)

/**
 * A definition as the operator gives it. A secret that is left out keeps its value, `null` takes it away: what was listed
 * can be sent back.
 */
export const givenTypeSchema = z.strictObject({
  slug: z.string().min(1).optional(),
  grant_mode: z.enum(GRANT_MODES),
  client_id: z.string().optional(),
  client_secret: z.string().nullable().optional(),
  auth_endpoint: endpoint.optional(),
  token_endpoint: endpoint.optional(),
  manage_endpoint: endpoint.optional(),
  reconnect_endpoint: endpoint.optional(),
  token_mode: z.enum(TOKEN_MODES).optional(),
  redirect_uri: endpoint.optional(),
  extras: z.record(z.string(), parameter).optional(),
  skip_redirect_uri_on_authorize: z.boolean().optional(),
  skip_state_on_token: z.boolean().optional(),
  pkce: z.boolean().optional(),
  secret: z.json().optional(),
})
export type GivenType = z.infer<typeof givenTypeSchema>

/** `name` or `context/name`; letters, digits, `.`, `-` and `_`. */
export const TYPE_ID = /^[\w.-]+(\/[\w.-]+)?$/
/** As an instance's routes take it: never with a context, which is the instance's. */
export const TYPE_NAME = /^[\w.-]+$/

export const hasSecretMode = ({ grant_mode: mode }: Pick<AccountType, 'grant_mode'>): boolean => mode.includes('secret')
