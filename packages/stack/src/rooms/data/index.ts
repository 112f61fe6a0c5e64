import { join } from 'node:path'
import type { MigrationSource } from '#ground/database/migrations'
import { makeDocument } from '#ground/documents/index'
import type { Ground } from '#ground/ground'
import { CouchError } from '#ground/http/errors'
import type { Route } from '#ground/http/route'
import type { Tenant } from '#ground/tenant'
import type { DoctypeBehaviour } from './behaviour.ts'
import { createBehaviours } from './behaviours.ts'
import { createBells } from './bells.ts'
import { assertReadable } from './doctypes.ts'
import { hasInternals, outgoingText } from './document-text.ts'
import type { DesignDocuments } from './listing.ts'
import { createMango, designDocumentJson, type Found, type Mango, type MangoOptions } from './mango/index.ts'
import { createReading } from './reading.ts'
import type { Room } from './room.ts'
import { changesRoutes } from './routes/changes.ts'
import { databaseRoutes } from './routes/database.ts'
import { designDocRoutes } from './routes/design-docs.ts'
import { documentRoutes } from './routes/documents.ts'
import { findRoutes } from './routes/find.ts'
import { indexRoutes } from './routes/index-routes.ts'
import { listingRoutes } from './routes/listing.ts'
import { replicationRoutes } from './routes/replication.ts'
import { createWriting } from './writing.ts'

export type { DoctypeBehaviour } from './behaviour.ts'
export { assertDoctype, assertReadable, assertWritable, isReadable, isWritable } from './doctypes.ts'
export * from './mango/index.ts'

/** Documents by type, for clients (`protocol/data.md`). */
export interface Data extends AsyncDisposable {
  /** Says what a doctype does besides being stored; once for each doctype, before the first request. */
  behave(doctype: string, behaviour: DoctypeBehaviour): void
  /** One page of a Mango query, contents as stored. @param body as of `_find`, unchecked @throws as `Mango.find` */
  find(tenant: Tenant, doctype: string, body: unknown): Promise<Found>
  /** Indexes and queries. */
  mango: Mango
  /** Answers everybody who waits for changes (`feed=longpoll`): before a server closes, which waits for requests under way. */
  endWaits(): void
  routes: Route[]
}

export const migrations: MigrationSource = { room: 'data', folder: join(import.meta.dirname, 'migrations') }

export function createData(ground: Ground, options: MangoOptions = {}): Data {
  const { documents, database, news } = ground
  const behaviours = createBehaviours()
  const mango = createMango(ground, options)
  const bells = createBells(news)
  const designs: DesignDocuments = async (tenant, doctype) => {
    const found = await mango.designDocuments.list(tenant, doctype).catch(noneWithoutDatabase)
    return found.map(design => ({ id: design.id, rev: design.rev, text: designDocumentJson(design) }))
  }
  const reading = createReading(ground, behaviours)
  const writing = createWriting(ground, behaviours)
  const room: Room = { documents, database, behaviours, reading, writing, designs, bells }
  const rules = { assertReadable }
  return {
    behave: behaviours.behave,
    find: mango.find,
    mango,
    routes: [
      ...listingRoutes(room),
      ...findRoutes(withoutInternals(mango), rules),
      ...indexRoutes(mango, rules),
      ...designDocRoutes(mango, rules),
      ...changesRoutes(room),
      ...replicationRoutes(room),
      ...databaseRoutes(room),
      ...documentRoutes(room),
    ],
    endWaits: () => bells[Symbol.dispose](),
    async [Symbol.asyncDispose]() {
      bells[Symbol.dispose]()
      await mango[Symbol.asyncDispose]()
    },
  }
}

/** Who lists documents says itself that there is no database. */
function noneWithoutDatabase(error: unknown): [] {
  if (error instanceof CouchError && error.status === 404) return []
  throw error
}

/** Mango for callers from outside: without what records hold for the server alone. */
function withoutInternals(mango: Mango): Mango {
  return {
    ...mango,
    async find(tenant, doctype, body) {
      const found = await mango.find(tenant, doctype, body)
      if (!hasInternals(doctype)) return found
      const documents = found.documents.map(document =>
        makeDocument({ ...document, text: outgoingText(doctype, document.text) }),
      )
      return { ...found, documents }
    },
  }
}
