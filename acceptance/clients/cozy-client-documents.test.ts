import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { startStack } from '../help/stack.ts'
import { published } from './published.ts'

const { default: CozyClient, Q } = published('cozy-client')

const BILLS = 'io.cozy.bills'
const MANY = 'io.cozy.tests.many'
const MISSING = 'io.cozy.tests.missing'

const stack = await startStack()
after(() => stack[Symbol.asyncDispose]())
const client = new CozyClient({
  uri: stack.url,
  token: await stack.token([BILLS, MANY, MISSING, 'io.cozy.tests.found', 'io.cozy.accounts'].join(' ')),
  schema: { bills: { doctype: BILLS, attributes: {}, relationships: {} } },
  appMetadata: { slug: 'collect', version: '1.2.3' },
})
/** Paths the client has asked, in order. */
const asked: string[] = []
const stackClient = client.getStackClient()
const send = stackClient.fetch.bind(stackClient)
stackClient.fetch = (method: string, path: string, ...rest: unknown[]) => {
  asked.push(`${method} ${path}`)
  return send(method, path, ...rest)
}

interface Document {
  _id: string
  _rev: string
  [member: string]: unknown
}

const values = (documents: Document[], member: string) => documents.map(document => document[member])

test('creates, reads, saves and destroys a document', async () => {
  const { data: made } = await client.create(BILLS, { vendor: 'acme', amount: 12.5 })
  assert.match(made._rev, /^1-/)
  assert.equal(made.cozyMetadata.createdByApp, 'collect')

  const { data: saved } = await client.save({ ...made, amount: 13 })
  assert.match(saved._rev, /^2-/)
  const { data: read } = await client.query(Q(BILLS).getById(made._id))
  assert.deepEqual([read.vendor, read.amount, read._rev], ['acme', 13, saved._rev])

  await client.destroy(read)
  assert.deepEqual(await client.query(Q(BILLS).getById(made._id)), { data: null })
})

test('a stale revision is a conflict, and nothing is lost', async () => {
  const { data: first } = await client.create(BILLS, { n: 1 })
  await client.save({ ...first, n: 2 })
  await assert.rejects(client.save({ ...first, n: 3 }), { status: 409, message: /Document update conflict/ })
  assert.equal((await client.query(Q(BILLS).getById(first._id))).data.n, 2)
  await assert.rejects(client.destroy(first), { status: 409 })
})

test('a document with an id of its own', async () => {
  const { data } = await client.save({ _type: BILLS, _id: 'bill/2025 é', n: 1 })
  assert.equal(data._id, 'bill/2025 é')
  const { data: read } = await client.query(Q(BILLS).getById('bill/2025 é'))
  assert.deepEqual([read._id, read.n], ['bill/2025 é', 1])
})

test('getByIds brings those that are there', async () => {
  const made: Document[] = []
  for (const n of [1, 2, 3]) made.push((await client.create(BILLS, { n })).data)
  const { data } = await client.query(Q(BILLS).getByIds([made[2]!._id, 'nobody', made[0]!._id]))
  assert.deepEqual(values(data, '_id'), [made[2]!._id, made[0]!._id])
})

test('a doctype that nobody has written yet is empty', async () => {
  assert.deepEqual((await client.query(Q(MISSING))).data, [])
  assert.deepEqual((await client.query(Q(MISSING).where({ a: 1 }).indexFields(['a']))).data, [])
  assert.deepEqual((await client.query(Q(MISSING).getByIds(['a', 'b']))).data, [])
})

test('saveAll writes many at once and says which failed', async () => {
  const collection = client.collection(MANY)
  const documents = Array.from({ length: 250 }, (_, n) => ({
    n,
    parity: n % 2 ? 'odd' : 'even',
    ...(n % 5 === 0 && { fifth: true }),
    at: { day: n % 7, label: `d${n % 7}` },
  }))
  const answers = await collection.updateAll(documents)
  assert.equal(answers.filter(({ ok }: { ok: boolean }) => ok).length, 250)
  const [one] = answers
  const again = await collection.updateAll([
    { _id: one.id, _rev: one.rev, n: 0, parity: 'even', fifth: true, at: { day: 0, label: 'd0' } },
    { _id: one.id, _rev: '9-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', n: -1 },
  ])
  assert.deepEqual(
    again.map(({ ok, error }: { ok?: boolean; error?: string }) => ok ?? error),
    [true, 'conflict'],
  )
})

test('queryAll pages through everything: by bookmark, by skip, and with a selector', async () => {
  const all = await client.queryAll(Q(MANY))
  assert.deepEqual(sorted(values(all, 'n')), range(250))

  const odd = await client.queryAll(Q(MANY).where({ parity: 'odd' }).indexFields(['parity']).limitBy(20))
  assert.deepEqual(
    sorted(values(odd, 'n')),
    range(250).filter(n => n % 2),
  )

  const {
    data: page,
    next,
    bookmark,
  } = await client.query(Q(MANY).where({ parity: 'odd' }).indexFields(['parity']).limitBy(100))
  assert.deepEqual([page.length, next], [100, true])
  const { data: rest, next: more } = await client.query(
    Q(MANY).where({ parity: 'odd' }).indexFields(['parity']).limitBy(100).offsetBookmark(bookmark),
  )
  assert.deepEqual([rest.length, more], [25, false])
  assert.equal(new Set([...values(page, '_id'), ...values(rest, '_id')]).size, 125)

  const { data: skipped } = await client.query(
    Q(MANY).where({ parity: 'odd' }).indexFields(['parity']).limitBy(100).offset(100),
  )
  assert.deepEqual(values(skipped, '_id'), values(rest, '_id'))
})

test('the first query makes its index, the second finds it there', async () => {
  const query = Q(MANY)
    .where({ parity: 'even', n: { $gt: 100 } })
    .indexFields(['parity', 'n'])
    .sortBy([{ parity: 'desc' }, { n: 'desc' }])
    .limitBy(3)
  asked.length = 0
  const { data } = await client.query(query)
  assert.deepEqual(values(data, 'n'), [248, 246, 244])
  assert.ok(asked.includes(`POST /data/${MANY}/_index`), asked.join('\n'))

  asked.length = 0
  assert.deepEqual(values((await client.query(query)).data, 'n'), [248, 246, 244])
  assert.deepEqual(asked, [`POST /data/${MANY}/_find`])
})

test('a sort without its index makes it too', async () => {
  asked.length = 0
  const { data } = await client.query(
    Q(MANY)
      .where({ 'at.day': 3 })
      .sortBy([{ 'at.day': 'asc' }, { n: 'asc' }])
      .limitBy(4),
  )
  assert.deepEqual(values(data, 'n'), [3, 10, 17, 24])
  assert.ok(asked.includes(`POST /data/${MANY}/_index`), asked.join('\n'))
})

test('a partial index holds what its filter says', async () => {
  const query = Q(MANY)
    .where({ n: { $gte: 200 } })
    .partialIndex({ fifth: true, parity: { $ne: 'odd' } })
    .indexFields(['n'])
    .sortBy([{ n: 'asc' }])
  asked.length = 0
  const { data } = await client.query(query)
  assert.deepEqual(values(data, 'n'), [200, 210, 220, 230, 240])
  assert.ok(asked.includes(`POST /data/${MANY}/_index`))
  asked.length = 0
  assert.equal((await client.query(query)).data.length, 5)
  assert.deepEqual(asked, [`POST /data/${MANY}/_find`])
})

test('an index of the same fields under another name is renamed, not made twice', async () => {
  const collection = client.collection('io.cozy.tests.found')
  await collection.updateAll([
    { a: 1, b: 2, open: true, kind: 'final' },
    { a: 2, b: 1, open: true, kind: 'final' },
    { a: 3, b: 3, open: true, kind: 'draft' },
  ])
  await client.getStackClient().fetchJSON('POST', '/data/io.cozy.tests.found/_index', {
    index: { fields: ['a', 'b'], partial_filter_selector: { open: true, kind: { $ne: 'draft' } } },
    ddoc: 'made_by_hand',
  })
  asked.length = 0
  const { data } = await client.query(
    Q('io.cozy.tests.found')
      .where({ a: { $gt: 0 }, b: { $gt: 0 } })
      .partialIndex({ open: true, kind: { $ne: 'draft' } })
      .indexFields(['a', 'b'])
      .sortBy([{ a: 'desc' }, { b: 'desc' }]),
  )
  assert.deepEqual(values(data, 'a'), [2, 1])
  const indexes = await collection.fetchAllMangoIndexes()
  assert.deepEqual(
    indexes.map(({ _id }: Document) => _id),
    ['_design/by_a_and_b_filter_(open_true)_and_(kind_$ne_draft)'],
    asked.join('\n'),
  )

  await collection.destroyIndex(indexes[0])
  assert.deepEqual(await collection.fetchAllMangoIndexes(), [])
})

test('operators and projections', async () => {
  const found = async (selector: object) =>
    sorted(values((await client.query(Q(MANY).where(selector).indexFields(['n']).limitBy(1000))).data, 'n'))
  assert.deepEqual(await found({ n: { $in: [1, 3, 999] } }), [1, 3])
  assert.deepEqual(await found({ n: { $lt: 10 }, $or: [{ parity: 'odd' }, { fifth: true }] }), [0, 1, 3, 5, 7, 9])
  assert.deepEqual(await found({ n: { $lt: 10 }, $not: { parity: 'odd' } }), [0, 2, 4, 6, 8])
  assert.deepEqual(await found({ n: { $lt: 10 }, fifth: { $exists: false } }), [1, 2, 3, 4, 6, 7, 8, 9])
  assert.deepEqual(await found({ n: { $gt: null, $lt: 20, $mod: [7, 3] } }), [3, 10, 17])
  assert.deepEqual(await found({ n: { $lt: 14 }, 'at.label': { $regex: '^d[12]$' } }), [1, 2, 8, 9])

  const { data } = await client.query(Q(MANY).where({ n: 3 }).indexFields(['n']).select(['n', 'at.day']))
  const { id, _id, _rev, _type, relationships, ...selected } = data[0]
  assert.deepEqual(selected, { n: 3, at: { day: 3 } })
  assert.ok(_id && _rev)
})

test('the changes since last time', async () => {
  const collection = client.collection(BILLS)
  const { newLastSeq } = await collection.fetchChanges()
  const { data: made } = await client.create(BILLS, { vendor: 'later' })
  const { data: gone } = await client.create(BILLS, { vendor: 'gone' })
  await client.destroy(gone)
  const { documents, newLastSeq: then } = await collection.fetchChanges({ since: newLastSeq }, { includeDeleted: true })
  assert.deepEqual(
    documents.map(({ _id, _deleted }: Document) => [_id, _deleted ?? false]),
    [
      [made._id, false],
      [gone._id, true],
    ],
  )
  assert.deepEqual((await collection.fetchChanges({ since: then })).documents, [])
})

test('destroyAll removes many', async () => {
  const collection = client.collection(MANY)
  const { data } = await client.query(
    Q(MANY)
      .where({ n: { $gte: 240 } })
      .indexFields(['n']),
  )
  await collection.destroyAll(data)
  assert.equal((await client.queryAll(Q(MANY))).length, 240)
})

test('an account keeps its password from everybody but its konnector', async () => {
  const { data: made } = await client.create('io.cozy.accounts', {
    account_type: 'acme',
    auth: { login: 'alice', password: 'hunter2' },
  })
  const { data: read } = await client.query(Q('io.cozy.accounts').getById(made._id))
  assert.equal(read.auth.login, 'alice')
  assert.equal(JSON.stringify(read).includes('hunter2'), false)
})

const range = (length: number) => Array.from({ length }, (_, n) => n)
const sorted = (numbers: unknown[]) => (numbers as number[]).toSorted((a, b) => a - b)
