/** Doctype of the clients' documents. */
export const CLIENTS = 'io.cozy.oauth.clients'

/** What a client says about itself. */
export interface ClientMetadata {
  redirect_uris: string[]
  client_name: string
  software_id: string
  client_kind?: string
  client_uri?: string
  logo_uri?: string
  policy_uri?: string
  software_version?: string
  notification_platform?: string
  notification_device_token?: string
}

/** Content of a client's document. Its secret is not in it: documents go out to listeners and to the settings. */
export interface ClientRecord extends ClientMetadata {
  grant_types: string[]
  response_types: string[]
  /** Was never given a code. */
  pending?: true
  /** May ask for the scope `login`: tokens that allow nothing. Only an administrator makes such clients. */
  allow_login_scope?: true
  /** RFC 3339. */
  last_refreshed_at?: string
  synchronized_at?: string
  cozyMetadata: Record<string, unknown>
}

/** A client as stored, with its id and revision. */
export interface Client extends ClientRecord {
  id: string
  rev: string
}

/** Names of the optional texts of `ClientMetadata`. */
export const OPTIONAL_TEXTS = [
  'client_kind',
  'client_uri',
  'logo_uri',
  'policy_uri',
  'software_version',
  'notification_platform',
  'notification_device_token',
] as const

/** A client as it is told about itself (`protocol/auth.md` §3). */
export function clientAnswer(
  { id, rev: _, ...record }: Client,
  secrets: { client_secret?: string; registration_access_token?: string },
): Record<string, unknown> {
  const { client_secret, registration_access_token } = secrets
  return {
    client_id: id,
    ...(client_secret !== undefined && { client_secret, client_secret_expires_at: 0 }),
    ...(registration_access_token !== undefined && { registration_access_token }),
    ...record,
  }
}
