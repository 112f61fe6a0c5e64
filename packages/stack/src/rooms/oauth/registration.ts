import type { Tenant } from '#ground/tenant'
import { type ClientMetadata, OPTIONAL_TEXTS } from './client-record.ts'
import { registrationError } from './oauth-errors.ts'
import { assertRedirectUri } from './redirect-uri.ts'

const LONGEST_TEXT = 1024
const MOST_REDIRECT_URIS = 20

/** Tells whether an application of the registry exists; without a registry there is none. */
export type LinkedApps = (slug: string) => Promise<boolean>

/**
 * Reads what a client says about itself. Members that only the server sets are ignored, as are unknown ones; an empty
 * optional text is an absent one (clients send empty ones).
 * @throws ShapedError 400 with a code of RFC 7591
 */
export function readMetadata(input: unknown, tenant: Tenant): ClientMetadata {
  if (typeof input !== 'object' || input === null || Array.isArray(input))
    throw invalid('The body is not a JSON object.')
  const given = input as Record<string, unknown>
  const uris = given.redirect_uris
  if (!Array.isArray(uris) || uris.length === 0) {
    throw registrationError('invalid_redirect_uri', 'redirect_uris is mandatory, a list of at least one URI.')
  }
  if (uris.length > MOST_REDIRECT_URIS) {
    throw registrationError('invalid_redirect_uri', `redirect_uris has more than ${MOST_REDIRECT_URIS} members.`)
  }
  const redirect_uris = uris.map(uri => {
    assertRedirectUri(uri, tenant)
    return uri
  })
  const metadata: ClientMetadata = {
    redirect_uris,
    client_name: mandatory(given, 'client_name'),
    software_id: mandatory(given, 'software_id'),
  }
  for (const name of OPTIONAL_TEXTS) {
    const value = optional(given, name)
    if (value !== undefined) metadata[name] = value
  }
  return metadata
}

const REGISTRY = 'registry://'
/** Applications that could give themselves anything: no device may act in their name. */
const NEVER_LINKED = new Set(['store', 'settings'])

/**
 * Checks a `software_id` that asks to act as an application of the registry.
 * @throws ShapedError `unapproved_software_id`
 */
export async function assertLinkedApp(softwareId: string, exists: LinkedApps | undefined): Promise<void> {
  if (!softwareId.startsWith(REGISTRY)) return
  const refuse = (why: string) => registrationError('unapproved_software_id', `${softwareId}: ${why}.`)
  const slug = softwareId.slice(REGISTRY.length).replace(/\/.*$/, '')
  if (!/^[a-z0-9][a-z0-9_-]*$/.test(slug)) throw refuse('this is not the name of an application')
  if (NEVER_LINKED.has(slug)) throw refuse('no client may act as this application')
  if (!exists) throw refuse('this server has no registry of applications, so no client can be linked to one')
  if (!(await exists(slug))) throw refuse('the registry has no such application')
}

const invalid = (description: string) => registrationError('invalid_client_metadata', description)

function mandatory(given: Record<string, unknown>, name: string): string {
  const value = optional(given, name)
  if (value === undefined) throw invalid(`${name} is mandatory.`)
  return value
}

function optional(given: Record<string, unknown>, name: string): string | undefined {
  const value = given[name]
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'string') throw invalid(`${name} is not a text.`)
  if (value.length > LONGEST_TEXT) throw invalid(`${name} is longer than ${LONGEST_TEXT} characters.`)
  if (/\p{Cc}|\p{Surrogate}/u.test(value)) throw invalid(`${name} has characters that cannot be shown.`)
  return value.trim() || undefined
}
