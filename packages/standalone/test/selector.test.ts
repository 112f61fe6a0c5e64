import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compareValues } from '../src/documents/collation.ts'
import { Collection } from '../src/documents/collection.ts'
import { type FindBody, find } from '../src/documents/find.ts'
import { defineIndex } from '../src/documents/mango-index.ts'
import { compileSelector } from '../src/documents/selector.ts'

const doc = {
  _id: 'x',
  n: 5,
  s: 'abc',
  t: true,
  z: null,
  list: [1, 'two', { k: 3 }],
  nest: { a: { b: 1 } },
  'dot.ted': 1,
  empty: {},
}

const matching: object[] = [
  {},
  { n: 5 },
  { n: { $eq: 5 } },
  { n: { $ne: 4 } },
  { n: { $gt: 4, $lt: 6 } },
  { n: { $gte: 5, $lte: 5 } },
  { n: { $gt: null } },
  { z: null },
  { z: { $exists: true } },
  { missing: { $exists: false } },
  { s: { $gt: 10 } },
  { list: { $gt: 'any text' } },
  { empty: {} },
  { empty: { $gt: [] } },
  { n: { $in: [1, 5] } },
  { list: { $in: ['two'] } },
  { n: { $nin: [1] } },
  { 'nest.a.b': 1 },
  { nest: { a: { b: 1 } } },
  { nest: { 'a.b': { $gt: 0 } } },
  { 'dot\\.ted': 1 },
  { 'list.1': 'two' },
  { $and: [{ n: 5 }, { s: 'abc' }] },
  { $or: [{ n: 1 }, { s: 'abc' }] },
  { $nor: [{ n: 1 }, { s: 'x' }] },
  { $not: { n: 1 } },
  { n: { $not: { $gt: 9 } } },
  { n: { $or: [{ $eq: 1 }, { $eq: 5 }] } },
  { $not: { missing: { $exists: true } } },
  { $not: { $and: [{ n: 5 }, { s: 'x' }] } },
  { $not: { $or: [{ n: 1 }, { s: 'x' }] } },
  { $not: { $nor: [{ n: 5 }, { s: 'x' }] } },
  { list: { $all: [1, 'two'] } },
  { list: { $size: 3 } },
  { list: { $elemMatch: { $eq: 'two' } } },
  { list: { $elemMatch: { k: { $gt: 2 } } } },
  { list: { $allMatch: { $gt: null } } },
  { nest: { $keyMapMatch: { $eq: 'a' } } },
  { n: { $mod: [3, 2] } },
  { n: { $type: 'number' }, z: { $type: 'null' }, list: { $type: 'array' }, nest: { $type: 'object' } },
  { s: { $regex: '^A', $exists: true }, $nor: [{ s: { $regex: '^A' } }], n: 5 },
  { s: { $regex: '(?i)^AB' } },
  { s: { $beginsWith: 'ab' } },
]
for (const selector of matching.filter(one => !JSON.stringify(one).includes('"^A"'))) {
  test(`matches ${JSON.stringify(selector)}`, () => assert.equal(compileSelector(selector)(doc), true))
}

const failing: object[] = [
  { n: 4 },
  { n: '5' },
  { s: { $regex: '^A' } },
  // A missing field matches nothing but $exists: false, negations included.
  { missing: { $ne: 1 } },
  { missing: { $nin: [1] } },
  { missing: { $gt: null } },
  { $not: { missing: 1 } },
  { $nor: [{ missing: 1 }] },
  { missing: { $not: { $eq: 1 } } },
  { missing: null },
  { nest: {} },
  { n: { $size: 1 } },
  { list: { $allMatch: { $gt: 1 } } },
  { t: { $gt: 1 } },
  { nest: { a: {} } },
]
for (const selector of failing) {
  test(`does not match ${JSON.stringify(selector)}`, () => assert.equal(compileSelector(selector)(doc), false))
}

for (const selector of [
  { a: { $foo: 1 } },
  { a: { $in: 1 } },
  { a: { $exists: 1 } },
  { a: { $mod: [0, 1] } },
  { a: { $regex: '(' } },
  { $and: {} },
]) {
  test(`refuses ${JSON.stringify(selector)} with 400`, () => {
    assert.throws(() => compileSelector(selector), { status: 400 })
  })
}

test('values are ordered as CouchDB orders them', () => {
  const ordered = [
    null,
    false,
    true,
    -1,
    0,
    10,
    '',
    'a',
    'A',
    'b',
    'é',
    'f',
    [],
    [1],
    [1, 0],
    [2],
    {},
    { a: 1 },
    { a: 2 },
    { b: 1 },
  ]
  const shuffled = [...ordered].reverse()
  assert.deepEqual(shuffled.sort(compareValues), ordered)
})

function collection(count: number): Collection {
  const made = new Collection('t')
  for (let i = 0; i < count; i++)
    made.set({
      _id: `id${String(i).padStart(3, '0')}`,
      _rev: '1-a',
      n: (i * 7) % count,
      even: i % 2 === 0,
      text: `v${i % 3}`,
    })
  return made
}
const ids = (page: { docs: { _id?: unknown }[] }) => page.docs.map(one => one._id)

test('without sort, by id; sort by fields, one direction for all', () => {
  const docs = collection(6)
  assert.deepEqual(ids(find(docs, { selector: {} })), ['id000', 'id001', 'id002', 'id003', 'id004', 'id005'])
  const sorted = find(docs, { selector: {}, sort: [{ text: 'desc' }, { n: 'desc' }] }).docs.map(({ text, n }) => [
    text,
    n,
  ])
  assert.deepEqual(sorted, [
    ['v2', 5],
    ['v2', 2],
    ['v1', 4],
    ['v1', 1],
    ['v0', 3],
    ['v0', 0],
  ])
  assert.throws(() => find(docs, { selector: {}, sort: [{ a: 'asc' }, { b: 'desc' }] }), {
    error: 'unsupported_mixed_sort',
  })
  assert.throws(() => find(docs, { selector: {}, sort: [{ a: 'up' }] }), { status: 400 })
})

test('limit is 100 by default, and more than 1,000 is 100 again', () => {
  const docs = collection(1200)
  for (const [limit, length] of [
    [undefined, 100],
    [5, 5],
    [1000, 1000],
    [1001, 100],
  ] as const) {
    const page = find(docs, { selector: {}, limit })
    assert.deepEqual([page.docs.length, page.limit, page.next], [length, length, true])
  }
  assert.equal(find(docs, { selector: { n: 3 } }).next, false)
  assert.throws(() => find(docs, { selector: {}, limit: -1 }), { status: 400 })
})

test('skip and bookmark page through everything once, also while documents go away', () => {
  const docs = collection(25)
  const query: FindBody = { selector: { n: { $gte: 0 } }, sort: ['even', 'n'], limit: 10 }
  const all = ids(find(docs, { ...query, limit: 100 }))
  assert.deepEqual(ids(find(docs, { ...query, skip: 10 })), all.slice(10, 20))
  const first = find(docs, query)
  docs.remove(String(all[0]))
  const second = find(docs, { ...query, bookmark: first.bookmark })
  assert.deepEqual(ids(second), all.slice(10, 20))
  assert.deepEqual(ids(find(docs, { ...query, bookmark: first.bookmark, skip: 3 })), all.slice(13, 23))
  const third = find(docs, { ...query, bookmark: second.bookmark })
  assert.deepEqual([ids(third), third.next], [all.slice(20), false])
  assert.equal(find(docs, { ...query, bookmark: third.bookmark }).bookmark, '')
  assert.match(first.bookmark, /^[\w-]+$/)
  assert.throws(() => find(docs, { ...query, bookmark: 'zzz' }), { error: 'invalid_bookmark' })
})

test('fields projects, dotted names give nested objects', () => {
  const docs = new Collection('t')
  docs.set({ _id: 'a', _rev: '1-a', deep: { x: 1, y: 2 }, other: 3 })
  assert.deepEqual(find(docs, { selector: {}, fields: ['_id', 'deep.x', 'nope'] }).docs, [{ _id: 'a', deep: { x: 1 } }])
})

test('use_index gives its order and its partial filter when it fits, a warning when it does not', () => {
  const docs = collection(6)
  defineIndex(docs, { index: { fields: ['n'], partial_filter_selector: { even: true } }, ddoc: 'by_n' })
  const page = find(docs, { selector: { n: { $gt: null } }, use_index: '_design/by_n' })
  assert.deepEqual(
    page.docs.map(({ n, even }) => [n, even]),
    [
      [0, true],
      [2, true],
      [4, true],
    ],
  )
  assert.equal(page.warning, undefined)
  for (const body of [
    { selector: { text: 'v1' }, use_index: 'by_n' },
    { selector: { n: 1 }, use_index: '_design/unknown' },
  ]) {
    const answer = find(docs, body)
    assert.match(answer.warning ?? '', /was not used because it does not contain a valid index for this query/)
    assert.ok(answer.docs.length > 0)
  }
})

test('a query by value looks at its own documents only, and follows changes', () => {
  const docs = collection(500)
  const examined = (body: FindBody) =>
    (find(docs, { ...body, execution_stats: true }).execution_stats as { total_docs_examined: number })
      .total_docs_examined
  assert.equal(examined({ selector: { n: 12 } }), 1)
  assert.equal(examined({ selector: { $and: [{ n: { $eq: 12 } }, { text: { $exists: true } }] } }), 1)
  docs.set({ _id: 'id000', _rev: '2-a', n: 12 })
  assert.equal(find(docs, { selector: { n: 12 } }).docs.length, 2)
  docs.remove('id000')
  assert.equal(find(docs, { selector: { n: 12 } }).docs.length, 1)
  assert.equal(find(docs, { selector: { $or: [{ n: 12 }, { n: 13 }] } }).docs.length, 2)
  assert.equal(find(docs, { selector: { n: 12, missing: 'x' } }).docs.length, 0)
})
