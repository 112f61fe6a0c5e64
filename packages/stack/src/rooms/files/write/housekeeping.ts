import { collectOrphanBlobs } from '#ground/blobs/collect-orphans'
import type { Tenant } from '#ground/tenant'
import { TRASH_ID } from '../record.ts'
import type { WriteContext } from './context.ts'
import { destroyEntry } from './destroy.ts'
import { namedBlobs, trashedBefore } from './tree-sql.ts'

/**
 * Removes contents that no file or version names, of one instance.
 * @param olderThan must be before any upload that may still be under way
 * @returns how many
 */
export function collectOrphansOf(
  { ground, run }: Pick<WriteContext, 'ground' | 'run'>,
  tenant: Tenant,
  olderThan: Date,
): Promise<number> {
  return collectOrphanBlobs(ground.blobs, tenant.id, {
    olderThan,
    named: keys => namedBlobs(run, tenant.id, keys),
  })
}

/**
 * Destroys what is in the trash, item by item: each is gone whole or not at all.
 * @param before only what went there earlier than this
 * @returns how many items
 */
export async function purgeTrashOf(
  { inTree, run }: Pick<WriteContext, 'inTree' | 'run'>,
  tenant: Tenant,
  before?: Date,
): Promise<number> {
  let destroyed = 0
  for (;;) {
    const ids = await trashedBefore(run, tenant.id, TRASH_ID, before?.toISOString(), 100)
    if (ids.length === 0) return destroyed
    for (const id of ids) {
      await inTree(tenant, async tree => {
        const entry = await tree.get(id)
        // Somebody may have restored or destroyed it in the meantime.
        if (entry?.dir_id === TRASH_ID) await destroyEntry(tree, entry)
      })
      destroyed += 1
    }
  }
}
