import type { Tenant } from '#ground/tenant'
import type { WriteContext } from './context.ts'
import { overMaximum, overQuota } from './errors.ts'
import type { Tree } from './tree.ts'
import { leastVersions } from './tree-sql.ts'
import { readUsage } from './usage-store.ts'

/** Bytes that an upload may have at most, and the refusal for more. */
export interface Room {
  /** Of the instance; undefined: unlimited. */
  quotaBytes: number | undefined
  check(bytes: number): void
}

/**
 * How much may come in, asked before a byte is read. Old versions do not count: they can go (`protocol/files.md` §3).
 * @param replaced bytes of the content that the new one takes the place of
 */
export async function roomFor(context: WriteContext, tenant: Tenant, replaced = 0): Promise<Room> {
  const { quotaBytes } = await context.ownerOf(tenant)
  const used = quotaBytes === undefined ? 0 : (await readUsage(context.run, tenant.id)).files - replaced
  return {
    quotaBytes,
    check(bytes) {
      if (context.maxFileBytes !== undefined && bytes > context.maxFileBytes) throw overMaximum()
      // What does not grow is taken though the quota was lowered below what is there.
      if (quotaBytes !== undefined && bytes > replaced && used + bytes > quotaBytes) throw overQuota()
    },
  }
}

/**
 * After a change, in its transaction: gives up old versions until all fits, untagged and oldest first.
 * @param quotaBytes read before the transaction: no second connection is waited for while this one holds the tree
 * @param grew whether files have more bytes than before; only then not fitting is a reason to refuse
 * @throws JsonApiError 413 when the files alone do not fit
 */
export async function makeRoom(tree: Tree, quotaBytes: number | undefined, grew = true): Promise<void> {
  if (quotaBytes === undefined) return
  const usage = await readUsage(tree.run, tree.tenant.id)
  if (usage.files > quotaBytes && grew) throw overQuota()
  let excess = usage.files + usage.versions - quotaBytes
  while (excess > 0) {
    const versions = await leastVersions(tree.run, tree.tenant.id, 100)
    const going = []
    for (const version of versions) {
      if (excess <= 0) break
      going.push(version)
      excess -= Number(version.size)
    }
    if (going.length === 0) return
    await tree.removeVersions(going)
  }
}
