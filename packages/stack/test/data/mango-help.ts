import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { systemClock } from '../../src/ground/clock.ts'
import { readMigrations } from '../../src/ground/database/index.ts'
import { createTestDatabase, silentLog, type TestDatabase } from '../../src/ground/database/testing.ts'
import { createDocuments, type Documents } from '../../src/ground/documents/index.ts'
import type { Log } from '../../src/ground/log.ts'
import type { Tenant } from '../../src/ground/tenant.ts'
import { createMango, type Mango, type MangoOptions, shownDocument } from '../../src/rooms/data/mango/index.ts'

const migrations = readMigrations([
  { room: 'data', folder: join(import.meta.dirname, '../../src/rooms/data/migrations') },
])

export const BILLS = 'io.cozy.bills'

export interface TestMango extends AsyncDisposable {
  database: TestDatabase
  documents: Documents
  mango: Mango
  /** Another process on the same database. */
  another(options?: MangoOptions & { log?: Log }): Mango
  tenant(): Tenant
  /** Documents of an instance, as they are; ids are made where there are none. */
  store(tenant: Tenant, docs: Record<string, unknown>[], doctype?: string): Promise<void>
  /** `_find`, and what it shows. */
  find(tenant: Tenant, body: Record<string, unknown>, doctype?: string): Promise<TestFound>
}

export interface TestFound {
  docs: Record<string, unknown>[]
  ids: string[]
  limit: number
  next: boolean
  bookmark: string
  warning: string | undefined
  executionStats: Record<string, number> | undefined
}

/** Mango on a database of its own, with the document store and without a server. */
export async function startMango(options: MangoOptions = {}): Promise<TestMango> {
  const database = await createTestDatabase({ migrations, connections: 8 })
  const documents = createDocuments({ database, clock: systemClock, publish: () => {} })
  const made: Mango[] = []
  const another: TestMango['another'] = ({ log = silentLog, ...more } = {}) => {
    const mango = createMango({ database, documents, log }, more)
    made.push(mango)
    return mango
  }
  const mango = another(options)
  return {
    database,
    documents,
    mango,
    another,
    tenant: () => ({ id: randomUUID(), domain: 'a.localhost', url: 'http://a.localhost/', locale: 'en' }),
    async store(tenant, docs, doctype = BILLS) {
      await documents.createFeed(tenant, doctype)
      const edits = docs.map(({ _id, ...body }) => ({ id: _id as string | undefined, body }))
      for (const result of await documents.of(tenant).write(doctype, edits)) {
        if (!result.ok) throw new Error(`${result.id}: ${result.error}`)
      }
    },
    async find(tenant, body, doctype = BILLS) {
      const { documents: found, fields, ...rest } = await mango.find(tenant, doctype, body)
      return { ...rest, docs: found.map(one => shownDocument(one, fields)), ids: found.map(({ id }) => id) }
    },
    async [Symbol.asyncDispose]() {
      for (const one of made) await one[Symbol.asyncDispose]()
      await database[Symbol.asyncDispose]()
    },
  }
}

/** Many documents at once, faster than through the store. `make` is SQL over `n`, from 1. */
export async function storeMany(
  { database }: TestMango,
  tenant: Tenant,
  count: number,
  make: string,
  doctype = BILLS,
): Promise<void> {
  await database.driver.query('insert into feeds (instance_id, doctype) values ($1, $2) on conflict do nothing', [
    tenant.id,
    doctype,
  ])
  await database.driver.query(
    `insert into docs (instance_id, doctype, id, rev, generation, deleted, seq, history, doc)
     select $1, $2, lpad(n::text, 7, '0'), '1-a', 1, false, n, '{a}', ${make} from generate_series(1, $3::integer) n`,
    [tenant.id, doctype, count],
  )
}
