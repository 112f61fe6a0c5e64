import { inTransaction, onPool, type RunSql } from '#ground/documents/sql'
import type { Ground } from '#ground/ground'
import { CouchError, conflict, missing } from '#ground/http/errors'
import type { Tenant } from '#ground/tenant'
import type { IndexBuilder } from './builder.ts'
import { type DesignDocument, fieldPaths, type IndexDefinition, isName, parseIndexRequest } from './definition.ts'
import { definitionsOf, definitionsSql, deleteDefinition, lockDefinition, writeDefinition } from './definition-store.ts'
import { mangoError } from './errors.ts'
import { physicalIndex } from './physical-index.ts'
import { requestIndex } from './physical-store.ts'

/** Definitions of indexes, as design documents (`protocol/data.md` §5). */
export interface DesignDocuments {
  /**
   * Defines an index, creating the database when there is none. Answers when the index can be used, or shortly when it takes
   * longer; queries are right in the meantime.
   * @param body of `_index` @param options.own the server's own, which clients cannot change
   * @throws CouchError 400, 403
   */
  define(tenant: Tenant, doctype: string, body: unknown, options?: { own?: boolean }): Promise<IndexAnswer>
  /** By id. @throws CouchError 404 without a database */
  list(tenant: Tenant, doctype: string): Promise<DesignDocument[]>
  /** @param id without `_design/` @throws CouchError 404 */
  get(tenant: Tenant, doctype: string, id: string): Promise<DesignDocument>
  /** @param ids without `_design/` @throws CouchError 404, 409 when there is another under the new id, 403 */
  copy(tenant: Tenant, doctype: string, ids: CopyIds): Promise<Revised>
  /** @throws CouchError 404, 409, 403 for the server's own */
  remove(tenant: Tenant, doctype: string, id: string, rev: string): Promise<Revised>
}

export interface IndexAnswer {
  result: 'created' | 'exists'
  id: string
  name: string
}

export interface Revised {
  id: string
  rev: string
}

export interface CopyIds {
  from: string
  /** Of the original; undefined: whatever it is. */
  rev: string | undefined
  to: string
  /** Of the document to replace. */
  toRev: string | undefined
}

/** What an instance may define for one doctype; each is read with every query. */
const MOST_DESIGN_DOCUMENTS = 200
const MOST_INDEXES_IN_ONE = 20
/** So long a client is kept waiting for an index; those of a household are built in a few milliseconds. */
const WAIT_MS = 2000

const ownDesignDocument = () =>
  new CouchError(403, 'forbidden', 'This design document belongs to the server and cannot be changed')

export function createDesignDocuments(
  { database, documents }: Pick<Ground, 'database' | 'documents'>,
  builder: IndexBuilder,
): DesignDocuments {
  const run = onPool(database.driver)

  /** Asks for the indexes a definition needs, in its transaction. @returns all of them, and those that are to be built */
  const request = async (within: RunSql, doctype: string, indexes: IndexDefinition[]) => {
    const uses: string[] = []
    const wanted: string[] = []
    for (const index of indexes) {
      const physical = physicalIndex(doctype, fieldPaths(index))
      if (!physical) continue
      uses.push(physical.name)
      if ((await requestIndex(within, physical)) === 'wanted') wanted.push(physical.name)
    }
    return { uses, wanted }
  }

  const transaction = <T>(work: (within: RunSql) => Promise<T>) =>
    database.transaction(query => work(inTransaction(query)), { retries: 3 })

  const list: DesignDocuments['list'] = async (tenant, doctype) => {
    const found = definitionsOf(await run(definitionsSql(tenant.id, doctype), []))
    if (!found) throw missing('Database does not exist.')
    return found
  }

  return {
    async define(tenant, doctype, body, { own = false } = {}) {
      const { ddoc, definition } = parseIndexRequest(body)
      await documents.createFeed(tenant, doctype)
      const { answer, wanted } = await transaction(async within => {
        const { epoch, document, count } = await lockDefinition(within, tenant.id, doctype, ddoc)
        if (epoch === undefined) throw missing('Database does not exist.')
        const before = document?.indexes ?? []
        const same = before.find(({ name }) => name === definition.name)
        const exists = same !== undefined && isSame(same, definition)
        const answer: IndexAnswer = {
          result: exists ? 'exists' : 'created',
          id: `_design/${ddoc}`,
          name: definition.name,
        }
        // Asked for again, too: the first time there may have been too many.
        if (exists) return { answer, ...(await request(within, doctype, [definition])) }
        if (document?.own && !own) throw ownDesignDocument()
        if (!document && count >= MOST_DESIGN_DOCUMENTS) throw tooMany(MOST_DESIGN_DOCUMENTS, 'design documents')
        const indexes = [...before.filter(({ name }) => name !== definition.name), definition]
        if (indexes.length > MOST_INDEXES_IN_ONE) throw tooMany(MOST_INDEXES_IN_ONE, 'indexes in one design document')
        const { uses, wanted } = await request(within, doctype, indexes)
        const generation = (document?.generation ?? 0) + 1
        const written = { tenantId: tenant.id, doctype, epoch, id: ddoc, generation, indexes, uses }
        await writeDefinition(within, { ...written, own: own || (document?.own ?? false) })
        return { answer, wanted }
      })
      await soon(wanted.map(name => builder.build(name)))
      return answer
    },

    list,

    async get(tenant, doctype, id) {
      const found = (await list(tenant, doctype)).find(document => document.id === `_design/${id}`)
      if (!found) throw missing()
      return found
    },

    async copy(tenant, doctype, { from, rev, to, toRev }) {
      if (!isName(to)) throw mangoError('bad_request', 'The destination is not a valid id')
      const { revised, wanted } = await transaction(async within => {
        const original = await lockDefinition(within, tenant.id, doctype, from)
        if (original.epoch === undefined) throw missing('Database does not exist.')
        // An old revision is not kept.
        if (!original.document || (rev !== undefined && rev !== original.document.rev)) throw missing()
        const target = await lockDefinition(within, tenant.id, doctype, to)
        if (target.document?.own) throw ownDesignDocument()
        if (target.document?.rev !== toRev) throw conflict()
        if (!target.document && target.count >= MOST_DESIGN_DOCUMENTS) {
          throw tooMany(MOST_DESIGN_DOCUMENTS, 'design documents')
        }
        const { indexes } = original.document
        const { uses, wanted } = await request(within, doctype, indexes)
        const generation = (target.document?.generation ?? 0) + 1
        const written = { tenantId: tenant.id, doctype, epoch: original.epoch, id: to, generation, indexes, uses }
        const newRev = await writeDefinition(within, { ...written, own: false })
        return { revised: { id: `_design/${to}`, rev: newRev }, wanted }
      })
      await soon(wanted.map(name => builder.build(name)))
      return revised
    },

    async remove(tenant, doctype, id, rev) {
      return transaction(async within => {
        const { epoch, document } = await lockDefinition(within, tenant.id, doctype, id)
        if (epoch === undefined) throw missing('Database does not exist.')
        if (!document) throw missing()
        if (document.own) throw ownDesignDocument()
        if (document.rev !== rev) throw conflict()
        await deleteDefinition(within, tenant.id, doctype, id)
        const hash = rev.slice(rev.indexOf('-') + 1)
        return { id: document.id, rev: `${document.generation + 1}-${hash}` }
      })
    },
  }
}

const tooMany = (most: number, what: string) => mangoError('too_many_indexes', `There are ${most} ${what} already`)

/** Whatever the revision of the definition; `given` may write the same in other words. */
function isSame(a: IndexDefinition, b: IndexDefinition): boolean {
  return JSON.stringify([a.fields, a.partialFilter]) === JSON.stringify([b.fields, b.partialFilter])
}

async function soon(builds: Promise<void>[]): Promise<void> {
  if (builds.length === 0) return
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, WAIT_MS)
  try {
    await Promise.race([Promise.all(builds), promise])
  } finally {
    clearTimeout(timer)
  }
}
