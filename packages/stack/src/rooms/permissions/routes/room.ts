import type { Actor } from '#ground/http/grant'
import type { Tenant } from '#ground/tenant'
import type { Patch } from '../patch.ts'
import type { PermissionRecord } from '../record.ts'
import type { createSharedByLink } from '../shared-by-link.ts'
import type { Shares } from '../shares.ts'

/** What the routes need of the room. */
export interface PermissionRoom {
  find(tenant: Tenant, id: string): Promise<PermissionRecord | undefined>
  patch(tenant: Tenant, actor: Actor, id: string, patch: Patch): Promise<PermissionRecord>
  shares: Shares
  shared: ReturnType<typeof createSharedByLink>
}
