import type { Clock } from '#ground/clock'
import { newId } from '#ground/documents/identifiers'
import type { RunSql } from '#ground/documents/sql'
import { invalidParameter } from '#ground/http/errors'
import type { Grant } from '#ground/http/grant'
import type { Tenant } from '#ground/tenant'
import { clearShelf, readShelf, shelve } from './shelf-store.ts'

type Metadata = Record<string, unknown>

const VALID_MS = 10 * 60_000

/** Metadata sent ahead of an upload (`protocol/files.md` §3). */
export interface MetadataShelf {
  /** @returns the id to upload with, good for ten minutes; using it does not use it up: uploads are tried again */
  put(tenant: Tenant, metadata: Metadata): Promise<string>
  /** @throws JsonApiError 422 for an id that is unknown, expired, or of another instance */
  get(tenant: Tenant, id: string): Promise<Metadata>
  /** Drops what is expired, of all instances. */
  clear(): Promise<void>
}

export function createMetadataShelf(run: RunSql, clock: Clock): MetadataShelf {
  return {
    async put(tenant, metadata) {
      const now = clock.now().getTime()
      const id = newId(now)
      await shelve(run, tenant.id, id, metadata, new Date(now + VALID_MS))
      return id
    },
    async get(tenant, id) {
      // NUL is in no id and in no text of PostgreSQL's.
      const found = id.includes('\0') ? undefined : await readShelf(run, tenant.id, id, clock.now())
      if (!found) throw invalidParameter('MetadataID', 'MetadataID is invalid or expired')
      return found
    },
    clear: () => clearShelf(run, clock.now()),
  }
}

/** Marks that certify where a file comes from: only who may certify sets them, or takes them away. */
const CERTIFIED = {
  carbonCopy: 'io.cozy.certified.carbon_copy',
  electronicSafe: 'io.cozy.certified.electronic_safe',
} as const

/**
 * Metadata as a caller may set it: certifying marks only with the right to them; without, those already there stay.
 * @param grant undefined for the server itself
 */
export function permittedMetadata(metadata: Metadata, grant: Grant | undefined, before: Metadata = {}): Metadata {
  const result = { ...metadata }
  for (const [name, doctype] of Object.entries(CERTIFIED)) {
    if (!grant || grant.allowsWholeType('POST', doctype)) continue
    delete result[name]
    if (Object.hasOwn(before, name)) result[name] = before[name]
  }
  return result
}
