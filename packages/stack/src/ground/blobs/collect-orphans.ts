import type { Blobs } from './contract.ts'

/** How many keys are asked about at a time. */
const PAGE = 500

/**
 * Removes blobs that nothing names: of uploads that were cut off between the blob and its row, and of rows that were deleted
 * by a process that was killed before it removed their blobs.
 * @param options.olderThan blobs changed since are left alone: the row of an upload under way is not there yet
 * @param options.named which of these keys some row names
 * @returns how many were removed
 */
export async function collectOrphanBlobs(
  blobs: Blobs,
  tenantId: string,
  options: { olderThan: Date; named(keys: string[]): Promise<Set<string>> },
): Promise<number> {
  let removed = 0
  const collect = async (keys: string[]) => {
    const named = await options.named(keys)
    const orphans = keys.filter(key => !named.has(key))
    await blobs.remove(tenantId, orphans)
    removed += orphans.length
  }
  let page: string[] = []
  for await (const key of blobs.list(tenantId, { olderThan: options.olderThan })) {
    page.push(key)
    if (page.length < PAGE) continue
    await collect(page)
    page = []
  }
  if (page.length > 0) await collect(page)
  return removed
}
