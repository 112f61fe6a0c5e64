import { isSlug } from '@konnectory/protocol'
import type { Body, StoredDocument } from '#ground/documents/contract'
import { invalidParameter } from '#ground/http/errors'

export const KONNECTORS = 'io.cozy.konnectors'
export const MANIFEST_FILE = 'manifest.konnector'

export const idOf = (slug: string): string => `${KONNECTORS}/${slug}`

/** States of the document, and those that are only told. */
export type StoredState = 'ready' | 'installed'
export type State = StoredState | 'installing' | 'upgrading' | 'errored'

/** An installed konnector. */
export interface Konnector {
  slug: string
  rev: string
  source: string
  state: StoredState
  version: string
  availableVersion: string | undefined
  updatedAt: string
  /** The document. */
  body: Body
  /** Name of its code's folder; undefined when only the document is there (brought from elsewhere). */
  bundle: string | undefined
  mark: string
  /** The manifest as its author wrote it. */
  manifest: Record<string, unknown>
}

/** What is not the manifest's, whatever it says. */
export const SERVER_MEMBERS = [
  'slug',
  'source',
  'state',
  'version',
  'checksum',
  'available_version',
  'parameters',
  'created_at',
  'updated_at',
  'error',
] as const

/** @throws 422 */
export function assertSlug(slug: string): void {
  if (!isSlug(slug) || slug.length > 100)
    throw invalidParameter('slug', `${slug.slice(0, 100)} is no slug: a-z, 0-9 and "-" only`)
}

/** What a document and its row say together. */
export function konnectorOf(
  { rev, body }: StoredDocument,
  row: { bundle: string; mark: string; manifest: string } | undefined,
): Konnector {
  const text = (name: string) => (typeof body[name] === 'string' ? body[name] : '')
  return {
    slug: text('slug'),
    rev,
    source: text('source'),
    state: body.state === 'installed' ? 'installed' : 'ready',
    version: text('version'),
    availableVersion: text('available_version') || undefined,
    updatedAt: text('updated_at'),
    body,
    bundle: row?.bundle,
    mark: row?.mark ?? '',
    manifest: row ? (JSON.parse(row.manifest) as Record<string, unknown>) : body,
  }
}

/** The whole manifest with the server's members, in the author's order (`protocol/konnectors-api.md` §1). */
export function bodyWith(
  manifest: Record<string, unknown>,
  members: Partial<Record<(typeof SERVER_MEMBERS)[number], unknown>>,
): Body {
  const ours = new Set<string>(SERVER_MEMBERS)
  const kept = Object.entries(manifest).filter(([name]) => !ours.has(name) && !name.startsWith('_'))
  const given = Object.entries(members).filter(([, value]) => value !== undefined && value !== null)
  return Object.fromEntries([...kept, ...given])
}
