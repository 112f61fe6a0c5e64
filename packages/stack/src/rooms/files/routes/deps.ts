import type { Ground } from '#ground/ground'
import type { Tenant } from '#ground/tenant'
import type { Found } from '#rooms/data'
import type { Access } from '../access.ts'
import type { Links } from '../read/link-store.ts'
import type { Reader } from '../read/reader.ts'
import type { ReferenceStore } from '../read/reference-store.ts'

/** The `_find` of the data room, which checks the body. Throws its `no_index` errors. */
export type Find = (tenant: Tenant, doctype: string, body: unknown) => Promise<Found>

export interface ReadRouteDeps {
  ground: Ground
  access: Access
  reader: Reader
  links: Links
  references: ReferenceStore
  find: Find
}
