import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { systemClock } from '../../src/ground/clock.ts'
import { createTestDatabase } from '../../src/ground/database/testing.ts'
import { type ForeignRevision, replicate, writeWithConflicts } from '../../src/ground/documents/replicate.ts'
import { readLeaves } from '../../src/ground/documents/replicate-sql.ts'
import { onPool } from '../../src/ground/documents/sql.ts'
import { newTenant } from '../help/data-server.ts'
import { createDocuments, type NewsEvent } from '../help/documents.ts'

const database = await createTestDatabase()
after(() => database[Symbol.asyncDispose]())
const published: NewsEvent[] = []
const documents = createDocuments({ database, clock: systemClock, publish: events => void published.push(...events) })
const run = onPool(database.driver)
const T = 'io.cozy.bills'

const revision = (id: string, path: string, body = {}, deleted = false): ForeignRevision => {
  const history = path.split(' ')
  return { id, generation: history.length, history, deleted, body }
}
const take = (tenant: ReturnType<typeof newTenant>, ...revisions: ForeignRevision[]) =>
  documents.transaction(tenant, writer => replicate(writer, T, revisions))

test('three stores that hear of the same edits in other orders hold the same', async () => {
  const edits = [
    revision('d', 'a'),
    revision('d', 'b a', { by: 'b' }),
    revision('d', 'c b a', { by: 'c' }, true),
    revision('d', 'x a', { by: 'x' }),
    revision('d', 'y x a', { by: 'y' }),
    revision('d', 'z a', { by: 'z\0\ud800' }),
    revision('e', 'q', {}, true),
  ]
  const orders = [
    [0, 1, 2, 3, 4, 5, 6],
    [6, 5, 4, 3, 2, 1, 0],
    [4, 2, 6, 0, 5, 1, 3],
  ]
  const states = []
  for (const order of orders) {
    const tenant = newTenant()
    // One at a time, and all at once.
    if (order[0] === 4) await take(tenant, ...order.map(index => edits[index]!))
    else for (const index of order) await take(tenant, edits[index]!)
    const tree = (await readLeaves(run, tenant.id, T, ['d', 'e'])).get('d')!
    const { documents: count, tombstones } = (await documents.of(tenant).feed(T))!
    const leaves = tree.map(({ document, history }) => [document.rev, document.deleted, document.body, history])
    states.push({ winner: leaves[0], others: leaves.slice(1).toSorted(), count, tombstones })
  }
  assert.equal((states[0]!.winner as unknown[])[0], '3-y')
  assert.deepEqual([states[0]!.count, states[0]!.tombstones, states[0]!.others.length], [1, 1, 2])
  assert.deepEqual(states[1], states[0])
  assert.deepEqual(states[2], states[0])
})

test('the feed counts and moves on once for each document that changed', async () => {
  const tenant = newTenant()
  await take(tenant, revision('a', 'x'), revision('a', 'y x'), revision('b', 'x'))
  assert.equal((await documents.of(tenant).feed(T))?.seq, 2)
  await take(tenant, revision('a', 'x'), revision('b', 'x'))
  assert.equal((await documents.of(tenant).feed(T))?.seq, 2)
  await take(tenant, revision('b', 'w'))
  assert.equal((await documents.of(tenant).feed(T))?.seq, 3)
  assert.deepEqual(
    (await documents.of(tenant).changes(T, { since: 0 })).map(({ id, seq }) => [id, seq]),
    [
      ['a', 1],
      ['b', 3],
    ],
  )
})

test('listeners hear inside the transaction, everybody after it', async () => {
  const tenant = newTenant()
  published.length = 0
  const heard: string[] = []
  let refuse = false
  documents.onChange(
    async changes => {
      heard.push(...changes.map(({ verb, document, before }) => `${verb} ${document.rev} after ${before?.rev}`))
      if (refuse) throw new Error('not today')
    },
    ({ id }) => id === tenant.id,
  )
  await take(tenant, revision('a', 'x'))
  await take(tenant, revision('a', 'y x'))
  await take(tenant, revision('a', 'z y x', {}, true))
  const expected = ['CREATED 1-x after undefined', 'UPDATED 2-y after 1-x', 'DELETED 3-z after 2-y']
  assert.deepEqual(heard, expected)
  assert.deepEqual(
    published.map(({ verb, doc }) => `${verb} ${doc._rev}`),
    ['CREATED 1-x', 'UPDATED 2-y', 'DELETED 3-z'],
  )
  refuse = true
  await assert.rejects(take(tenant, revision('b', 'x')), /not today/)
  assert.equal(await documents.of(tenant).get(T, 'b'), undefined)
  assert.equal(published.length, 3)
})

test('an edit of a losing revision and one of the winner in one go', async () => {
  const tenant = newTenant()
  await take(tenant, revision('a', 'y r', { by: 'y' }), revision('a', 'x r', { by: 'x' }))
  const results = await documents.transaction(tenant, writer =>
    writeWithConflicts(writer, T, [
      { id: 'a', rev: '2-x', body: {}, deleted: true },
      { id: 'a', rev: '2-y', body: { by: 'me' } },
      { id: 'a', rev: '2-none', body: {} },
    ]),
  )
  assert.deepEqual(
    results.map(({ ok }) => ok),
    [true, true, false],
  )
  const [winner, loser, ...rest] = (await readLeaves(run, tenant.id, T, ['a'])).get('a')!
  assert.deepEqual(
    [winner.document.body, loser?.deleted, loser?.history.slice(1), rest],
    [{ by: 'me' }, true, ['x', 'r'], []],
  )
})

test('writers by both ways at once lose nothing', async () => {
  const tenant = newTenant()
  const store = documents.of(tenant)
  await Promise.all(
    Array.from({ length: 40 }, async (_, n) => {
      if (n % 2) await store.write(T, [{ id: `w${n}`, body: { n } }])
      else
        await take(tenant, revision(`w${n}`, 'b a', { n }), revision('shared', `h${String(n).padStart(2, '0')}`, { n }))
    }),
  )
  const feed = (await store.feed(T))!
  assert.deepEqual([feed.documents, feed.tombstones, feed.seq], [41, 0, 60])
  const tree = (await readLeaves(run, tenant.id, T, ['shared'])).get('shared')!
  assert.deepEqual([tree.length, tree[0].document.rev], [20, '1-h38'])
})
