import type { Clock } from '../clock.ts'
import { type Database, DatabaseUnavailable } from '../database/index.ts'
import type { NewsEvent } from '../news/contract.ts'
import type { Tenant } from '../tenant.ts'
import { applyEdits } from './apply-edits.ts'
import type { Change, DocumentWriter, Edit, EditResult, ManagedDocuments, StoredDocument } from './contract.ts'
import { insertNew, readDocuments, readFeedSince } from './document-sql.ts'
import { createFeed, dropFeed, lockTenant, readFeed } from './feed-sql.ts'
import { assertId, newId } from './identifiers.ts'
import { createInOrder, type Ticket } from './in-order.ts'
import { createTurns } from './one-at-a-time.ts'
import { createReadBatch } from './read-batch.ts'
import { createReader } from './reader.ts'
import { inTransaction, onPool } from './sql.ts'
import { makeDocument } from './stored.ts'
import {
  type ChangeListener,
  changeOf,
  conveniences,
  type OpenTransaction,
  openTransaction,
  toResult,
} from './transaction.ts'
import { createWriteQueue } from './write-queue.ts'

export type * from './contract.ts'
export { assertId, newId } from './identifiers.ts'
export { parseRevision } from './revision.ts'
export { DOCUMENT_COLUMNS, type DocumentRow, makeDocument, storedDocument } from './stored.ts'
export { escapeText, restoredJson, storableJson } from './unstorable-text.ts'

export interface DocumentsOptions {
  database: Pick<Database, 'driver' | 'transaction'>
  clock: Clock
  /** Gets every committed change. */
  publish(events: NewsEvent[]): void
  /** Whether anybody wants changes that other processes make. Default: nobody. */
  isWanted?(tenantId: string, doctype: string): boolean
  /** Told when news got lost, as those of a commit whose answer never came. */
  lose?(where: 'here' | 'everywhere'): void
}

/** How often a transaction that met another is done again. Two writers of the same two doctypes in two orders meet. */
const RETRIES = 5

/** Done, and on disk. */
export interface Committed<T> {
  result: T
  /** Its news are told: who writes may rely on what hears them. At once when undefined; never rejects. */
  told: Promise<unknown> | undefined
}

/** The store of all documents of all tenants: `contract.ts`. */
export function createDocuments({
  database,
  clock,
  publish,
  isWanted = () => false,
  lose = () => {},
}: DocumentsOptions): ManagedDocuments {
  const run = onPool(database.driver)
  const listeners: { listener: ChangeListener; interested(tenant: Tenant, doctype: string): boolean }[] = []
  const now = () => clock.now().getTime()
  const listenersOf = (tenant: Tenant) => (doctype: string) =>
    listeners.filter(({ interested }) => interested(tenant, doctype)).map(({ listener }) => listener)

  const inOrder = createInOrder({
    publish,
    isWanted,
    lose,
    async read(tenant, doctype, since, limit) {
      const page = await readFeedSince(run, tenant.id, doctype, since, limit)
      return (
        page && { ...page, events: page.documents.map(document => newsFromElsewhere(tenant, page.epoch, document)) }
      )
    },
  })

  const transact = async <T>(
    tenant: Tenant,
    work: (writer: OpenTransaction) => Promise<T>,
    { several }: { several: boolean },
  ): Promise<Committed<T>> => {
    let last: { writer: OpenTransaction; ticket: Ticket } | undefined
    try {
      const result = await database.transaction(
        async query => {
          // What an attempt before this one did was undone.
          last?.ticket.withdraw()
          if (several) await lockTenant(inTransaction(query), tenant.id)
          const ticket = inOrder.open()
          const writer = openTransaction(query, tenant, { listenersOf: listenersOf(tenant), now, ticket })
          last = { writer, ticket }
          try {
            return await work(writer)
          } catch (error) {
            ticket.withdraw()
            throw error
          }
        },
        { retries: RETRIES },
      )
      for (const callback of last?.writer.callbacks ?? []) callback()
      return { result, told: last?.ticket.committed(last.writer.recorded.map(newsOf)) }
    } catch (error) {
      last?.ticket.withdraw(error instanceof DatabaseUnavailable)
      throw error
    }
  }

  // Before a connection is taken: a crowd in one instance must not hold all of them, waiting for each other.
  const inTurn = createTurns()
  const transaction = async <T>(tenant: Tenant, work: (writer: OpenTransaction) => Promise<T>): Promise<T> => {
    const { result, told } = await inTurn(tenant.id, () => transact(tenant, work, { several: true }))
    await told
    return result
  }

  /** Documents without a given id that no listener waits for: one statement. @returns undefined when it cannot be done so */
  const fast = async (tenant: Tenant, doctype: string, edits: Edit[]): Promise<Committed<EditResult[]> | undefined> => {
    if (edits.some(({ id, rev, deleted }) => id !== undefined || rev !== undefined || deleted)) return undefined
    if (listeners.some(({ interested }) => interested(tenant, doctype))) return undefined
    const time = now()
    const withIds = edits.map(edit => ({ ...edit, id: newId(time) }))
    const applied = applyEdits(doctype, withIds, new Map(), 0, time)
    const rows = applied.flatMap(result => (result.ok ? [result.row] : []))
    const ticket = inOrder.open()
    ticket.expect(tenant, doctype)
    let feed: Awaited<ReturnType<typeof insertNew>>
    try {
      feed = await insertNew(run, tenant.id, doctype, rows)
    } catch (error) {
      ticket.withdraw(error instanceof DatabaseUnavailable)
      throw error
    }
    if (feed === undefined) {
      ticket.withdraw()
      return undefined
    }
    const { seq: before, epoch } = feed
    const placed = applied.map(result => {
      if (!result.ok) return result
      const { document } = result.row
      const moved = makeDocument({ ...document, seq: before + document.seq, text: document.text }, document.body)
      return { ...result, row: { ...result.row, document: moved } }
    })
    const told = ticket.committed(
      placed.flatMap(result => (result.ok ? [newsOf(changeOf(tenant, epoch, result))] : [])),
    )
    return { result: placed.map(toResult), told }
  }

  const queued = createWriteQueue(
    async (tenant, doctype, edits) =>
      (await fast(tenant, doctype, edits)) ??
      transact(tenant, writer => writer.write(doctype, edits), {
        several: listenersOf(tenant)(doctype).length > 0,
      }),
  )
  const readOne = createReadBatch((tenantId, doctype, ids) => readDocuments(run, tenantId, doctype, ids))

  const of = (tenant: Tenant): DocumentWriter => {
    const write: DocumentWriter['write'] = async (doctype, edits) => {
      for (const { id } of edits) if (id !== undefined) assertId(id)
      return edits.length === 0 ? [] : queued(tenant, doctype, edits)
    }
    return {
      ...createReader(run, tenant),
      get: (doctype, id) => readOne(tenant.id, doctype, id),
      ...conveniences(write),
      write,
    }
  }

  return {
    of,
    transaction,
    onChange: (listener, interested = () => true) => void listeners.push({ listener, interested }),
    follow: (tenant, doctype) => inOrder.follow(tenant, doctype, () => readFeed(run, tenant.id, doctype)),
    heard: inOrder.heard,
    catchUp: inOrder.catchUp,
    createFeed: (tenant, doctype) => createFeed(run, tenant.id, doctype),
    dropFeed: (tenant, doctype) => database.transaction(query => dropFeed(inTransaction(query), tenant.id, doctype)),
    async dropTenant(tenant) {
      // Doctype by doctype: many small transactions, none of which holds others up for long.
      for (const doctype of await createReader(run, tenant).doctypes()) await this.dropFeed(tenant, doctype)
    },
  }
}

/** A change as news. */
export function newsOf({ tenant, verb, document, before, epoch }: Change): NewsEvent {
  const { doctype, id, rev, seq } = document
  let doc: Record<string, unknown> | undefined
  return {
    tenant,
    verb,
    doctype,
    id,
    seq,
    epoch,
    get doc() {
      // A deletion shows what there was, under the revision of its tombstone.
      doc ??= { ...(verb === 'DELETED' && before ? before.body : document.body), _id: id, _rev: rev }
      return doc
    },
    get before() {
      return before && { ...before.body, _id: id, _rev: before.rev }
    },
  }
}

/** A change that another process made, as far as the document tells. */
function newsFromElsewhere(tenant: Tenant, epoch: string, document: StoredDocument): NewsEvent {
  const { doctype, id, rev, deleted, seq } = document
  let doc: Record<string, unknown> | undefined
  return {
    tenant,
    verb: deleted ? 'DELETED' : rev.startsWith('1-') ? 'CREATED' : 'UPDATED',
    doctype,
    id,
    seq,
    epoch,
    elsewhere: true,
    get doc() {
      doc ??= { ...document.body, _id: id, _rev: rev }
      return doc
    },
  }
}
