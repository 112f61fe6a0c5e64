import { UniqueViolation } from '#ground/database/errors'
import type { Ground } from '#ground/ground'
import type { Tenant } from '#ground/tenant'
import { nameTaken } from './errors.ts'
import { openTree, type Tree } from './tree.ts'
import { namedBlobs } from './tree-sql.ts'

export interface TreeTransactions {
  /**
   * One operation on the tree: all of it, or nothing. Blobs that nothing names any more go after the commit; a kill in
   * between leaves them to the collection of orphans.
   * @throws JsonApiError 409 for a name that somebody took by another way than the tree
   */
  inTree<T>(tenant: Tenant, work: (tree: Tree) => Promise<T>): Promise<T>
  /** Resolves when the blobs of all operations that ended are removed. */
  settled(): Promise<void>
}

export function createTreeTransactions({
  documents,
  blobs,
  log,
}: Pick<Ground, 'documents' | 'blobs' | 'log'>): TreeTransactions {
  const removals = new Set<Promise<void>>()

  const removeBlobs = (tenant: Tenant, keys: string[]) => {
    const removal = blobs
      .remove(tenant.id, keys)
      .catch(error => log.warn('blobs could not be removed; they are collected later', { error, count: keys.length }))
      .finally(() => removals.delete(removal))
    removals.add(removal)
  }

  return {
    async inTree(tenant, work) {
      try {
        return await documents.transaction(tenant, async writer => {
          const tree = await openTree(writer)
          const result = await work(tree)
          const released = [...tree.released]
          if (released.length > 0) {
            const named = await namedBlobs(tree.run, tenant.id, released)
            const unnamed = released.filter(key => !named.has(key))
            if (unnamed.length > 0) writer.afterCommit(() => removeBlobs(tenant, unnamed))
          }
          return result
        })
      } catch (error) {
        if (error instanceof UniqueViolation && /^docs_files_(name|path)$/.test(error.constraint)) throw nameTaken()
        throw error
      }
    },
    async settled() {
      while (removals.size > 0) await Promise.all(removals)
    },
  }
}
