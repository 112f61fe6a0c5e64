import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { systemClock } from '../../src/ground/clock.ts'
import { createTestDatabase } from '../../src/ground/database/testing.ts'
import { createDocuments, type NewsEvent } from '../help/documents.ts'

const database = await createTestDatabase()
after(() => database[Symbol.asyncDispose]())
const published: NewsEvent[] = []
const documents = createDocuments({ database, clock: systemClock, publish: events => void published.push(...events) })

const tenant = (id: number) => ({
  id: `00000000-0000-4000-8000-${String(id).padStart(12, '0')}`,
  domain: `t${id}.localhost`,
  url: `http://t${id}.localhost/`,
  locale: 'en',
})
const alice = tenant(1)
const BILLS = 'io.cozy.bills'

test('a document comes back as it was written, with an id and a first revision', async () => {
  const store = documents.of(alice)
  const made = await store.create(BILLS, { amount: 12.5, vendor: 'acme' })
  assert.match(made.id, /^[0-9a-f]{32}$/)
  assert.match(made.rev, /^1-[0-9a-f]{32}$/)
  const read = await store.get(BILLS, made.id)
  assert.deepEqual([read?.rev, read?.deleted, read?.body], [made.rev, false, { amount: 12.5, vendor: 'acme' }])
})

test('an update needs the current revision', async () => {
  const store = documents.of(alice)
  const first = await store.create(BILLS, { n: 1 }, 'needs-rev')
  const second = await store.update(BILLS, 'needs-rev', first.rev, { n: 2 })
  assert.match(second.rev, /^2-/)
  await assert.rejects(store.update(BILLS, 'needs-rev', first.rev, { n: 3 }), { status: 409 })
  await assert.rejects(store.update(BILLS, 'nobody', first.rev, { n: 3 }), { status: 404 })
  await assert.rejects(store.create(BILLS, { n: 3 }, 'needs-rev'), { status: 409 })
  assert.deepEqual((await store.get(BILLS, 'needs-rev'))?.body, { n: 2 })
})

test('a deleted document is a tombstone, and its id can be used again in the next generation', async () => {
  const store = documents.of(alice)
  const first = await store.create(BILLS, { n: 1 }, 'phoenix')
  const tombstone = await store.remove(BILLS, 'phoenix', first.rev)
  assert.deepEqual([tombstone.deleted, tombstone.rev.slice(0, 2)], [true, '2-'])
  const again = await store.create(BILLS, { n: 2 }, 'phoenix')
  assert.equal(again.rev.slice(0, 2), '3-')
})

test('counts and sequences of the feed have no gap, whoever writes at the same time', async () => {
  const bob = tenant(2)
  const store = documents.of(bob)
  const made = await Promise.all(Array.from({ length: 200 }, (_, n) => store.create(BILLS, { n })))
  const some = made.slice(0, 50)
  await Promise.all([
    ...some.map(({ id, rev }) => store.remove(BILLS, id, rev)),
    documents.transaction(bob, async writer => {
      for (const { id, rev } of made.slice(50, 60)) await writer.update(BILLS, id, rev, { changed: true })
    }),
  ])
  const feed = await store.feed(BILLS)
  assert.deepEqual([feed?.seq, feed?.documents, feed?.tombstones], [260, 150, 50])
  const changes = await store.changes(BILLS, { since: 0 })
  const seqs = changes.map(({ seq }) => seq)
  assert.equal(new Set(seqs).size, 200)
  assert.deepEqual(
    seqs,
    seqs.toSorted((a, b) => a - b),
  )
  assert.equal((await store.list(BILLS)).length, 150)
})

test('edits of one id in one call are done one after the other', async () => {
  const store = documents.of(alice)
  const results = await store.write(BILLS, [
    { id: 'twice', body: { n: 1 } },
    { id: 'twice', body: { n: 2 } },
  ])
  assert.deepEqual(
    results.map(result => (result.ok ? 'ok' : result.error)),
    ['ok', 'conflict'],
  )
})

test('one tenant never sees what another has', async () => {
  await documents.of(tenant(3)).create(BILLS, { secret: true }, 'shared-id')
  assert.equal(await documents.of(tenant(4)).get(BILLS, 'shared-id'), undefined)
  assert.equal(await documents.of(tenant(4)).feed(BILLS), undefined)
})

test('a transaction is all or nothing, its news too', async () => {
  const seen = published.length
  const work = documents.transaction(alice, async writer => {
    await writer.create(BILLS, {}, 'half')
    await writer.create('io.cozy.contacts', {}, 'half')
    throw new Error('no')
  })
  await assert.rejects(work, /no/)
  assert.equal(await documents.of(alice).get(BILLS, 'half'), undefined)
  assert.equal(published.length, seen)
})

test('two transactions that touch two doctypes in two orders both get through', async () => {
  const eve = tenant(5)
  const [one, other] = ['a.b.c', 'd.e.f']
  const both = (first: string, second: string) =>
    documents.transaction(eve, async writer => {
      await writer.create(first, {})
      await writer.create(second, {})
    })
  await Promise.all(Array.from({ length: 10 }, (_, n) => (n % 2 ? both(one, other) : both(other, one))))
  assert.equal((await documents.of(eve).feed(one))?.documents, 10)
  assert.equal((await documents.of(eve).feed(other))?.documents, 10)
})

test('what jsonb refuses is stored and comes back', async () => {
  const store = documents.of(alice)
  const odd = { nul: 'a\0b', half: '\uD83D', own: '\uE000 0000', 'na\0me': [{ deep: '\uDE00' }], fine: '😀' }
  const { id } = await store.create(BILLS, odd)
  assert.deepEqual((await store.get(BILLS, id))?.body, odd)
})

test('ids that cannot be stored are refused', async () => {
  const store = documents.of(alice)
  for (const id of ['', '_design', 'x'.repeat(1025), 'a\0b', '\uD800'])
    await assert.rejects(store.create(BILLS, {}, id), { status: 400 }, JSON.stringify(id.slice(0, 9)))
})

test('a listener is told inside the transaction and can undo it; others in the same commit go on', async () => {
  const store = createDocuments({ database, clock: systemClock, publish: () => {} })
  store.onChange(
    async changes => {
      if (changes.some(({ document }) => document.body.bad)) throw new Error('refused')
    },
    (_, doctype) => doctype === 'x.watched',
  )
  const writer = store.of(tenant(6))
  await writer.create('x.watched', {})
  const results = await Promise.allSettled([
    writer.create('x.watched', { first: true }),
    writer.create('x.watched', { bad: true }),
    writer.create('x.watched', { good: true }),
  ])
  assert.deepEqual(
    results.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled'],
  )
  assert.equal((await writer.feed('x.watched'))?.documents, 3)
})
