import { inTransaction, onPool } from '#ground/documents/sql'
import type { Ground } from '#ground/ground'
import type { Tenant } from '#ground/tenant'
import { createIndexBuilder } from './builder.ts'
import { deleteOrphans } from './definition-store.ts'
import { createDesignDocuments, type DesignDocuments } from './design-docs.ts'
import { FIND_TIMEOUT_MS, type Found, find } from './find.ts'
import { forgetUnused, promoteWaiting, readStrays, readUnready } from './physical-store.ts'

export { type DesignDocument, designDocumentJson } from './definition.ts'
export type { CopyIds, DesignDocuments, IndexAnswer, Revised } from './design-docs.ts'
export { projectFields, splitField } from './field-path.ts'
export { type Found, foundJson, shownDocument } from './find.ts'
export { assertFields, pageLimit } from './find-request.ts'

/** Queries by selector, and the indexes that serve them (`protocol/data.md` §5). */
export interface Mango extends AsyncDisposable {
  /**
   * One page of a query.
   * @param body of `_find`, unchecked
   * @throws CouchError 400 for what cannot be asked (`no_index`, `no_usable_index`, a bad selector), 404 without a database;
   *   StatementTimeout after 10 s, which clients see as 500 `context deadline exceeded`
   */
  find(tenant: Tenant, doctype: string, body: unknown): Promise<Found>
  designDocuments: DesignDocuments
  /**
   * Builds what is wanted or broken, drops what no definition uses. At start, and every hour or so, in any process; several
   * at a time do no harm.
   */
  maintain(): Promise<void>
}

export interface MangoOptions {
  /** Milliseconds for one query; 10 s unless a test says otherwise. */
  findTimeoutMs?: number
}

/** What it stands on. */
export type MangoGround = Pick<Ground, 'database' | 'documents' | 'log'>

export function createMango(ground: MangoGround, { findTimeoutMs = FIND_TIMEOUT_MS }: MangoOptions = {}): Mango {
  const { database, log } = ground
  const builder = createIndexBuilder({ driver: database.driver, log })
  const designDocuments = createDesignDocuments(ground, builder)
  const run = onPool(database.driver)
  return {
    find: (tenant, doctype, body) => find({ driver: database.driver, timeoutMs: findTimeoutMs }, tenant, doctype, body),
    designDocuments,

    async maintain() {
      await deleteOrphans(run)
      await database.transaction(async query => {
        const within = inTransaction(query)
        await forgetUnused(within)
        await promoteWaiting(within)
      })
      for (const name of await readStrays(run)) await builder.drop(name)
      for (const name of await readUnready(run)) await builder.build(name)
    },

    [Symbol.asyncDispose]: () => builder[Symbol.asyncDispose](),
  }
}
