/** The news of commits whose answers come in another order than the commits were made, or never. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { CompiledQuery } from 'kysely'
import { systemClock } from '../../src/ground/clock.ts'
import { DatabaseUnavailable } from '../../src/ground/database/index.ts'
import { createTestDatabase } from '../../src/ground/database/testing.ts'
import { replicate } from '../../src/ground/documents/replicate.ts'
import { createDocuments, type NewsEvent } from '../help/documents.ts'

const NOTES = 'x.notes'
const database = await createTestDatabase()
after(() => database[Symbol.asyncDispose]())

const raw = (text: string) => CompiledQuery.raw(text)

let tenants = 0
const newTenant = () => ({
  id: `00000000-0000-4000-8000-${String(++tenants).padStart(12, '0')}`,
  domain: 't.localhost',
  url: 'http://t.localhost/',
  locale: 'en',
})

/** A store whose commits are on disk when `committed` resolves, and answered when `answer` is called. */
function setUp() {
  const told: NewsEvent[] = []
  const lost: string[] = []
  let hold: { committed: () => void; answered: Promise<void> } | undefined
  const held = async <T>(work: () => Promise<T>): Promise<T> => {
    const mine = hold
    hold = undefined
    try {
      return await work()
    } finally {
      mine?.committed()
      await mine?.answered
    }
  }
  const driver = new Proxy(database.driver, {
    get(pool, name) {
      if (name !== 'query') return Reflect.get(pool, name)
      return (query: { name?: string }) => {
        const run = () => pool.query(query as never) as unknown as Promise<unknown>
        return query.name === 'docs_insert_new' ? held(run) : run()
      }
    },
  })
  const documents = createDocuments({
    database: { driver, transaction: (work, options) => held(() => database.transaction(work, options)) },
    clock: systemClock,
    publish: events => void told.push(...events),
    lose: where => void lost.push(where),
  })
  return {
    documents,
    lost,
    seqs: () => told.map(({ seq }) => seq),
    told,
    /** Of the next commit. */
    holdNext() {
      const committed = Promise.withResolvers<void>()
      const answered = Promise.withResolvers<void>()
      hold = { committed: committed.resolve, answered: answered.promise }
      return { committed: committed.promise, answer: answered.resolve, fail: answered.reject }
    },
  }
}

test('a transaction that is answered late is told before what was written after it', async () => {
  const { documents, seqs, holdNext } = setUp()
  const tenant = newTenant()
  const store = documents.of(tenant)
  await store.create(NOTES, { n: 0 })
  const { committed, answer } = holdNext()
  const late = documents.transaction(tenant, async writer => {
    await writer.create(NOTES, { n: 1 })
    await writer.create(NOTES, { n: 2 })
  })
  await committed
  let isDone = false
  const next = store.create(NOTES, { n: 3 }).then(() => {
    isDone = true
  })
  const other = documents.of(newTenant())
  await other.create(NOTES, {})
  await store.list(NOTES)
  assert.deepEqual([seqs(), isDone], [[1, 1], false])
  answer()
  await Promise.all([late, next])
  assert.deepEqual(seqs(), [1, 1, 2, 3, 4])
})

test('a write whose place is not known yet is waited for too', async () => {
  const { documents, seqs, told, holdNext } = setUp()
  const tenant = newTenant()
  const store = documents.of(tenant)
  const { id } = await store.create(NOTES, { n: 0 })
  const { committed, answer } = holdNext()
  const late = store.create(NOTES, { n: 1 })
  await committed
  const transaction = documents.transaction(tenant, writer => writer.create(NOTES, { n: 2 }))
  const replicated = documents.transaction(tenant, writer =>
    replicate(writer, NOTES, [{ id, generation: 5, history: ['x', 'y'], deleted: false, body: { n: 3 } }]),
  )
  await store.list(NOTES)
  assert.deepEqual(seqs(), [1])
  answer()
  await Promise.all([late, transaction, replicated])
  assert.deepEqual(seqs(), [1, 2, 3, 4])
  assert.equal(new Set(told.map(({ epoch }) => epoch)).size, 1)
  assert.match(told[0]!.epoch!, /^[0-9a-f]{8}$/)
})

test('a transaction that is undone holds nothing up', async () => {
  const { documents, seqs, holdNext, lost } = setUp()
  const tenant = newTenant()
  await documents.of(tenant).create(NOTES, { n: 0 })
  const { committed, answer } = holdNext()
  const undone = documents.transaction(tenant, async writer => {
    await writer.create(NOTES, { n: 1 })
    throw new Error('no')
  })
  undone.catch(() => {})
  await committed
  await documents.of(tenant).create(NOTES, { n: 2 }, 'by-id')
  assert.deepEqual(seqs(), [1, 2])
  answer()
  await assert.rejects(undone, /no/)
  assert.deepEqual([seqs(), lost], [[1, 2], []])
})

test('a transaction that is tried again is told once', async () => {
  const { documents, seqs } = setUp()
  const tenant = newTenant()
  let tries = 0
  await documents.transaction(tenant, async writer => {
    await writer.create(NOTES, { n: 1 })
    if (++tries < 3) await writer.query.executeQuery(raw("do $$ begin raise exception using errcode = '40001'; end $$"))
  })
  await documents.of(tenant).create(NOTES, { n: 2 })
  assert.deepEqual([tries, seqs()], [3, [1, 2]])
})

test('a commit whose answer never comes: what was remembered is not believed any more', async () => {
  const { documents, holdNext, lost, seqs } = setUp()
  const tenant = newTenant()
  await documents.of(tenant).create(NOTES, { n: 0 })
  for (const work of [
    () => documents.of(tenant).create(NOTES, { n: 1 }),
    () => documents.transaction(tenant, writer => writer.create(NOTES, { n: 1 })),
  ]) {
    const { committed, fail } = holdNext()
    const broken = work()
    broken.catch(() => {})
    await committed
    fail(new DatabaseUnavailable('Connection terminated', '', undefined))
    await assert.rejects(broken, DatabaseUnavailable)
  }
  assert.deepEqual(lost, ['everywhere', 'everywhere'])
  await documents.of(tenant).create(NOTES, { n: 2 })
  assert.deepEqual(seqs(), [1, 4])
})

test('changes of several doctypes in one transaction are told in the order in which they were made', async () => {
  const { documents, told } = setUp()
  await documents.transaction(newTenant(), async writer => {
    await writer.create('x.a', {})
    await writer.create('x.b', {})
    await writer.create('x.a', {})
  })
  assert.deepEqual(
    told.map(({ doctype, seq }) => [doctype, seq]),
    [
      ['x.a', 1],
      ['x.b', 1],
      ['x.a', 2],
    ],
  )
})

test('a feed that was dropped and made anew has another epoch', async () => {
  const { documents, told } = setUp()
  const tenant = newTenant()
  await documents.of(tenant).create(NOTES, {})
  await documents.dropFeed(tenant, NOTES)
  await documents.transaction(tenant, writer => writer.create(NOTES, {}))
  assert.deepEqual(
    told.map(({ seq }) => seq),
    [1, 1],
  )
  assert.notEqual(told[0]!.epoch, told[1]!.epoch)
})
