import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { readMigrations } from '../../src/ground/database/index.ts'
import { createTestDatabase, type TestDatabase } from '../../src/ground/database/testing.ts'
import { storableJson } from '../../src/ground/documents/unstorable-text.ts'
import { splitField } from '../../src/rooms/data/mango/field-path.ts'
import { findSql } from '../../src/rooms/data/mango/find-sql.ts'
import { keyColumns } from '../../src/rooms/data/mango/key.ts'
import { requirements } from '../../src/rooms/data/mango/requirements.ts'
import { parseSelector, toSelector } from '../../src/rooms/data/mango/selector.ts'
import { matches } from './mango-evaluator.ts'

const migrations = readMigrations([
  { room: 'data', folder: join(import.meta.dirname, '../../src/rooms/data/migrations') },
])
const DOCTYPE = 'io.cozy.bills'

let database: TestDatabase
before(async () => {
  database = await createTestDatabase({ migrations })
})
after(() => database[Symbol.asyncDispose]())

/** Documents with the ids 0, 1, … in an instance of their own. */
async function store(docs: Record<string, unknown>[]): Promise<string> {
  const tenantId = randomUUID()
  await database.driver.query(
    `insert into docs (instance_id, doctype, id, rev, generation, deleted, seq, history, doc)
     select $1, $2, (at - 1)::text, '1-a', 1, false, at, '{a}', doc from unnest($3::jsonb[]) with ordinality as d(doc, at)`,
    [tenantId, DOCTYPE, docs.map(doc => storableJson(doc))],
  )
  return tenantId
}

/** Ids in order, found through the key columns of these fields when given. */
async function matching(tenantId: string, selector: unknown, fields: string[] = []): Promise<string[]> {
  const { text, values } = findSql({
    tenantId,
    doctype: DOCTYPE,
    selector: parseSelector(selector),
    partialFilter: undefined,
    columns: keyColumns(fields.map(splitField)),
    descending: false,
    after: undefined,
    limit: 10_000,
    skip: 0,
  })
  const { rows } = await database.driver.query<{ id: string }>(text, values)
  return rows.map(({ id }) => id)
}

/** One value of every kind, each in its own document at `a`; `absent` has none. */
const VALUES: Record<string, unknown> = {
  null: null,
  false: false,
  true: true,
  negative: -1.5,
  zero: 0,
  five: 5,
  ten: 10,
  emptyText: '',
  upper: 'B',
  lower: 'a',
  word: 'abc',
  emptyList: [],
  list: [1, 2],
  longerList: [0, 0, 0],
  texts: ['abc', 'x'],
  emptyObject: {},
  object: { b: 1 },
  deep: { b: { c: [{ d: 1 }, { d: 2 }] } },
}

/** Selector of `a` → names of the documents that match. Orders and types as in `protocol/data.md` §5. */
const CASES: [selector: unknown, names: string][] = [
  [5, 'five'],
  [{ $eq: 5.0 }, 'five'],
  ['a', 'lower'],
  [null, 'null'],
  [{}, 'emptyObject'],
  [[1, 2], 'list'],
  [{ $eq: { b: 1 } }, 'object'],
  [
    { $ne: 5 },
    'null false true negative zero ten emptyText upper lower word emptyList list longerList texts emptyObject object deep',
  ],
  [
    { $gt: null },
    'false true negative zero five ten emptyText upper lower word emptyList list longerList texts emptyObject object deep',
  ],
  [
    { $gte: null },
    'null false true negative zero five ten emptyText upper lower word emptyList list longerList texts emptyObject object deep',
  ],
  [{ $lt: null }, ''],
  [{ $lte: null }, 'null'],
  [
    { $gt: false },
    'true negative zero five ten emptyText upper lower word emptyList list longerList texts emptyObject object deep',
  ],
  [{ $lt: true }, 'null false'],
  [{ $gte: true, $lt: 5 }, 'true negative zero'],
  [{ $gt: 5 }, 'ten emptyText upper lower word emptyList list longerList texts emptyObject object deep'],
  [{ $lte: 5 }, 'null false true negative zero five'],
  [{ $gt: 'B' }, 'lower word emptyList list longerList texts emptyObject object deep'],
  [{ $lt: 'abc' }, 'null false true negative zero five ten emptyText upper lower'],
  [{ $lt: [1] }, 'null false true negative zero five ten emptyText upper lower word emptyList longerList'],
  [{ $gt: [1] }, 'list texts emptyObject object deep'],
  [{ $gte: {} }, 'emptyObject object deep'],
  [
    { $lt: { b: 1 } },
    'null false true negative zero five ten emptyText upper lower word emptyList list longerList texts emptyObject',
  ],
  [{ $exists: true }, Object.keys(VALUES).join(' ')],
  [{ $exists: false }, 'absent'],
  [{ $not: { $exists: true } }, 'absent'],
  [{ $type: 'null' }, 'null'],
  [{ $type: 'boolean' }, 'false true'],
  [{ $type: 'number' }, 'negative zero five ten'],
  [{ $type: 'string' }, 'emptyText upper lower word'],
  [{ $type: 'array' }, 'emptyList list longerList texts'],
  [{ $type: 'object' }, 'emptyObject object deep'],
  [{ $type: 'date' }, ''],
  [{ $in: [5, 'abc', null] }, 'null five word texts'],
  [{ $in: [] }, ''],
  [
    { $nin: [5, 'abc', null] },
    'false true negative zero ten emptyText upper lower emptyList list longerList emptyObject object deep',
  ],
  [
    { $not: { $in: [5] } },
    'null false true negative zero ten emptyText upper lower word emptyList list longerList texts emptyObject object deep',
  ],
  [{ $all: [1] }, 'list'],
  [{ $all: [2, 1] }, 'list'],
  [{ $all: [[1, 2]] }, 'list'],
  [{ $all: [] }, ''],
  [{ $size: 2 }, 'list texts'],
  [{ $size: 0 }, 'emptyList'],
  [{ $size: 9007199254740991 }, ''],
  [{ $mod: [5, 0] }, 'zero five ten'],
  [{ $mod: [4, 1] }, 'five'],
  [{ $regex: '^a' }, 'lower word'],
  [{ $regex: '(?i)^b$' }, 'upper'],
  [
    { $not: { $regex: 'a' } },
    'null false true negative zero five ten emptyText upper emptyList list longerList texts emptyObject object deep',
  ],
  [{ $beginsWith: 'ab' }, 'word'],
  [{ $beginsWith: '' }, 'emptyText upper lower word'],
  [{ $elemMatch: { $gt: 1, $lt: 3 } }, 'list'],
  [{ $elemMatch: { $eq: 'x' } }, 'texts'],
  [
    { $not: { $elemMatch: { $gt: 0 } } },
    'null false true negative zero five ten emptyText upper lower word emptyList longerList emptyObject object deep',
  ],
  [{ $allMatch: { $type: 'number' } }, 'list longerList'],
  [{ $allMatch: { $ne: 1 } }, 'longerList texts'],
  [{ $keyMapMatch: { $eq: 'b' } }, 'object deep'],
  [{ $keyMapMatch: { $gt: 'b' } }, ''],
  [{ b: 1 }, 'object'],
  [{ b: { c: { $elemMatch: { d: 2 } } } }, 'deep'],
  [{ 'b.c.1.d': 2 }, 'deep'],
  [{ '1': 2 }, 'list'],
  [{ $or: [{ $eq: 5 }, { $type: 'null' }] }, 'null five'],
  [{ $and: [{ $gt: 0 }, { $lt: 'a' }] }, 'five ten emptyText upper'],
  [{ $nor: [{ $gt: 0 }, { $lt: 0 }] }, 'zero'],
  [{ $not: { $gt: 0 } }, 'null false true negative zero'],
  [{ $not: { $nor: [{ $eq: 5 }, { $eq: 10 }] } }, 'five ten'],
  [
    { $not: { $mod: [5, 0] } },
    'null false true negative emptyText upper lower word emptyList list longerList texts emptyObject object deep',
  ],
  [
    { $not: { $size: 2 } },
    'null false true negative zero five ten emptyText upper lower word emptyList longerList emptyObject object deep',
  ],
  [
    { $not: { $type: 'number' } },
    'null false true emptyText upper lower word emptyList list longerList texts emptyObject object deep',
  ],
]

describe('operators and types', () => {
  const names = [...Object.keys(VALUES), 'absent']
  let tenantId: string
  before(async () => {
    tenantId = await store(names.map(name => (name === 'absent' ? {} : { a: VALUES[name] })))
  })

  for (const [condition, expected] of CASES) {
    it(JSON.stringify(condition), async () => {
      const found = await matching(tenantId, { a: condition })
      const inOrder = names.filter((_, at) => found.includes(String(at)))
      assert.equal(inOrder.join(' '), expected)
      // The stored form means the same.
      const again = await matching(tenantId, toSelector(parseSelector({ a: condition })))
      assert.deepEqual(again, found)
      if (requirements(parseSelector({ a: condition })).present.has('a')) {
        const throughKeys = await matching(tenantId, { a: condition }, ['a'])
        assert.deepEqual(throughKeys.toSorted(), found.toSorted(), 'through the keys of an index')
      }
    })
  }

  it('orders by type, then by value, as CouchDB does', async () => {
    const found = await matching(tenantId, { a: { $exists: true } }, ['a'])
    const expected =
      'null false true negative zero five ten emptyText upper lower word emptyList list texts longerList emptyObject object deep'
    assert.deepEqual(
      found.map(id => names[Number(id)]).filter(name => !name?.includes('ist') && name !== 'texts'),
      expected.split(' ').filter(name => !name.includes('ist') && name !== 'texts'),
    )
  })
})

describe('selectors', () => {
  it('knows _id and _rev', async () => {
    const tenantId = await store([{}, {}, {}])
    assert.deepEqual(await matching(tenantId, { _id: '1' }), ['1'])
    assert.deepEqual(await matching(tenantId, { _id: { $gt: null } }), ['0', '1', '2'])
    assert.deepEqual(await matching(tenantId, { _id: { $gt: 7 } }), ['0', '1', '2'])
    assert.deepEqual(await matching(tenantId, { _id: { $lt: 7 } }), [])
    assert.deepEqual(await matching(tenantId, { _id: { $lt: [] } }), ['0', '1', '2'])
    assert.deepEqual(await matching(tenantId, { _id: { $in: ['2', 'x', 4, null, '\0'] } }), ['2'])
    assert.deepEqual(await matching(tenantId, { _id: { $nin: ['2'] } }), ['0', '1'])
    assert.deepEqual(await matching(tenantId, { _id: { $regex: '[12]' } }), ['1', '2'])
    assert.deepEqual(await matching(tenantId, { _id: '\0' }), [])
    assert.deepEqual(await matching(tenantId, { _id: { $exists: false } }), [])
    assert.deepEqual(await matching(tenantId, { '_id.x': 1 }), [])
    assert.deepEqual(await matching(tenantId, { _rev: '1-a' }), ['0', '1', '2'])
    assert.deepEqual(await matching(tenantId, {}), ['0', '1', '2'])
  })

  it('tells a dot in a name from a dot between names', async () => {
    const tenantId = await store([{ 'a.b': 1 }, { a: { b: 1 } }, { 'a\\': { b: 2 } }])
    assert.deepEqual(await matching(tenantId, { 'a\\.b': 1 }), ['0'])
    assert.deepEqual(await matching(tenantId, { 'a.b': 1 }), ['1'])
    assert.deepEqual(await matching(tenantId, { a: { b: 1 } }), ['1'])
  })

  it('does not count from the end of arrays, nor read other signs as places', async () => {
    const tenantId = await store([{ a: [1, 2, 3] }, { a: { '-1': 3, '01': 2, '+1': 2 } }])
    assert.deepEqual(await matching(tenantId, { 'a.-1': 3 }), ['1'])
    assert.deepEqual(await matching(tenantId, { 'a.01': 2 }), ['1'])
    assert.deepEqual(await matching(tenantId, { 'a.+1': 2 }), ['1'])
    assert.deepEqual(await matching(tenantId, { 'a.1': 2 }), ['0'])
    assert.deepEqual(await matching(tenantId, { 'a.length': 3 }), [])
  })

  it('finds what the database cannot hold as it is', async () => {
    const odd = ['a\0b', '\ud800', '\ue000', 'x\udc00y']
    const tenantId = await store([...odd.map(a => ({ a })), { 'k\0': { '\ud800': 1 } }])
    for (const [at, a] of odd.entries()) assert.deepEqual(await matching(tenantId, { a }), [String(at)])
    assert.deepEqual(await matching(tenantId, { a: { $in: odd } }), ['0', '1', '2', '3'])
    assert.deepEqual(await matching(tenantId, { a: { $beginsWith: 'a\0' } }), ['0'])
    assert.deepEqual(await matching(tenantId, { a: { $regex: '^.\0b$' } }), ['0'])
    assert.deepEqual(await matching(tenantId, { 'k\0': { '\ud800': 1 } }), ['4'])
    assert.deepEqual(await matching(tenantId, { a: odd[0] }, ['a']), ['0'])
  })

  it('puts no part of a selector into the text of the statement', async () => {
    const attack = `'); drop table docs; --`
    const parts = [attack, `"}'::text[]); select 1; --`, `x$1`, `\\'`, `{${attack}}`, 'a","b', '\n--']
    const tenantId = await store(parts.map(part => ({ [part]: part, v: part })))
    for (const [at, part] of parts.entries()) {
      const name = part.replaceAll('.', '\\.')
      assert.deepEqual(await matching(tenantId, { [name]: part }), [String(at)], part)
      assert.deepEqual(await matching(tenantId, { v: { $in: [part] } }), [String(at)], part)
      assert.deepEqual(await matching(tenantId, { v: { $beginsWith: part } }), [String(at)], part)
      // Fields of an index do stand in the text.
      assert.deepEqual(await matching(tenantId, { [name]: part }, [name]), [String(at)], part)
      assert.deepEqual(await matching(tenantId, { v: { $type: part } }), [])
    }
    const { text } = findSql({
      tenantId,
      doctype: DOCTYPE,
      selector: parseSelector({ [`x${attack}`]: { $ne: attack, $type: attack, $regex: 'drop table' } }),
      partialFilter: undefined,
      columns: [],
      descending: false,
      after: undefined,
      limit: 1,
      skip: 0,
    })
    assert.doesNotMatch(text, /drop table/)
  })

  const REFUSED: [selector: unknown, error: string][] = [
    [undefined, 'invalid_selector_json'],
    ['a', 'invalid_selector_json'],
    [[], 'invalid_selector_json'],
    [{ a: { $foo: 1 } }, 'invalid_operator'],
    [{ $where: 'x' }, 'invalid_operator'],
    [{ a: { $in: 1 } }, 'bad_arg'],
    [{ a: { $nin: {} } }, 'bad_arg'],
    [{ a: { $all: 'x' } }, 'bad_arg'],
    [{ $and: {} }, 'bad_arg'],
    [{ $or: 1 }, 'bad_arg'],
    [{ $nor: null }, 'bad_arg'],
    [{ $not: 1 }, 'bad_arg'],
    [{ a: { $exists: 1 } }, 'bad_arg'],
    [{ a: { $type: 1 } }, 'bad_arg'],
    [{ a: { $size: -1 } }, 'bad_arg'],
    [{ a: { $size: 1.5 } }, 'bad_arg'],
    [{ a: { $mod: [0, 1] } }, 'bad_arg'],
    [{ a: { $mod: [1] } }, 'bad_arg'],
    [{ a: { $mod: [1, 2, 3] } }, 'bad_arg'],
    [{ a: { $mod: ['1', 2] } }, 'bad_arg'],
    [{ a: { $regex: 1 } }, 'bad_arg'],
    [{ a: { $regex: '(' } }, 'bad_arg'],
    [{ a: { $beginsWith: 1 } }, 'bad_arg'],
    [{ a: { $elemMatch: 1 } }, 'bad_arg'],
    [{ a: { $allMatch: [] } }, 'bad_arg'],
    [{ a: { $keyMapMatch: 'b' } }, 'bad_arg'],
    [{ $eq: 1 }, 'invalid_selector'],
    [{ '': 1 }, 'invalid_selector'],
    [{ $and: [1] }, 'invalid_selector'],
    [{ $or: Array.from({ length: 1001 }, (_, a) => ({ a })) }, 'invalid_selector'],
    [{ a: 'x'.repeat(1_000_001) }, 'invalid_selector'],
  ]
  for (const [selector, error] of REFUSED) {
    it(`refuses ${JSON.stringify(selector)?.slice(0, 60)}`, () => {
      assert.throws(() => parseSelector(selector), { status: 400, error })
    })
  }

  it('takes nested selectors to a depth, and refuses deeper ones whatever they are made of', async () => {
    const tenantId = await store([{}])
    const nested = (depth: number, wrap: (inner: unknown) => unknown): unknown =>
      depth === 0 ? { a: 1 } : wrap(nested(depth - 1, wrap))
    const wraps: ((inner: unknown) => unknown)[] = [
      inner => ({ $not: inner }),
      inner => ({ $and: [inner, { b: 1 }] }),
      inner => ({ $nor: [inner] }),
      inner => ({ x: inner }),
      inner => ({ x: { $elemMatch: inner } }),
      inner => ({ x: { $keyMapMatch: { $not: inner } } }),
    ]
    let deepest = 0
    for (const wrap of wraps) {
      for (let depth = 1; ; depth++) {
        try {
          parseSelector(nested(depth, wrap))
          deepest = Math.max(deepest, depth)
        } catch {
          // The deepest that is let through is answered, and quickly.
          assert.deepEqual(await matching(tenantId, nested(depth - 1, wrap)), [])
          break
        }
      }
      for (const depth of [60, 5000]) {
        assert.throws(() => parseSelector(nested(depth, wrap)), { status: 400, error: 'invalid_selector' })
      }
    }
    assert.ok(deepest > 10)
    const value = nested(200, inner => ({ x: [inner] }))
    assert.throws(() => parseSelector({ a: { $eq: value } }), { status: 400, error: 'invalid_selector' })
    const wide = { $and: Array.from({ length: 1000 }, (_, at) => ({ [`f${at}`]: { $ne: at } })) }
    assert.deepEqual(await matching(tenantId, wide), [])
  })
})

describe('compared with the evaluator in JavaScript', () => {
  // mulberry32: the same cases on every machine.
  const randomOf = (seed: number) => () => {
    seed = (seed + 0x6d2b79f5) | 0
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
  const random = randomOf(20_241_120)
  const below = (count: number) => Math.floor(random() * count)
  const pick = <T>(items: readonly T[]): T => items[below(items.length)]!
  const times = <T>(count: number, make: () => T): T[] => Array.from({ length: count }, make)

  const TEXTS = ['', 'a', 'B', 'é', '🙂', '\uffff', 'aa', 'ab', 'b', 'ba', 'c1', 'z'.repeat(120), `${'z'.repeat(120)}a`]
  const FIELDS = ['a', 'b', 'c', 'a.b', 'a.0', 'b.a', 'c.1.a']
  const value = (depth = 2): unknown => {
    const kind = below(depth > 0 ? 9 : 6)
    if (kind === 0) return null
    if (kind === 1) return random() < 0.5
    if (kind < 4) return pick([-3, 0, 1, 1.5, 2, 4, 7])
    if (kind < 6) return pick(TEXTS)
    if (kind === 6) return times(below(4), () => value(depth - 1))
    return Object.fromEntries(['a', 'b', 'c'].filter(() => random() < 0.4).map(name => [name, value(depth - 1)]))
  }
  const scalar = () => value(0)
  const condition = (depth: number): unknown => {
    const op = pick([
      '$eq',
      '$ne',
      '$lt',
      '$lte',
      '$gt',
      '$gte',
      '$exists',
      '$type',
      '$in',
      '$nin',
      '$all',
      '$size',
      '$mod',
      '$regex',
      '$beginsWith',
      '$elemMatch',
      '$allMatch',
      '$keyMapMatch',
      '$not',
      '$or',
      '$and',
      '$nor',
      'value',
      'nested',
    ])
    switch (op) {
      case 'value':
        return value(1)
      case 'nested':
        return { [pick(['a', 'b', '0'])]: depth > 0 ? condition(depth - 1) : scalar() }
      case '$exists':
        return { $exists: random() < 0.5 }
      case '$type':
        return { $type: pick(['null', 'boolean', 'number', 'string', 'array', 'object']) }
      case '$in':
      case '$nin':
        return { [op]: times(below(4), () => value(1)) }
      case '$all':
        return { $all: times(below(3), () => value(1)) }
      case '$size':
        return { $size: below(4) }
      case '$mod':
        return { $mod: [pick([2, 3, -2]), pick([0, 1, -1])] }
      case '$regex':
        return { $regex: pick(['a', '^a', 'b$', '^(a|c\\d)+$', 'z{3,}', '[^a]', '.a', '(?i)A']) }
      case '$beginsWith':
        return { $beginsWith: pick(TEXTS) }
      case '$elemMatch':
      case '$allMatch':
        return { [op]: random() < 0.5 ? bare(depth) : { [pick(['a', 'b'])]: condition(Math.max(0, depth - 1)) } }
      case '$keyMapMatch':
        return { $keyMapMatch: { [pick(['$eq', '$gt', '$lte'])]: pick(['a', 'b', 'c']) } }
      case '$not':
        return { $not: bare(depth) }
      case '$or':
      case '$and':
      case '$nor':
        return { [op]: times(below(3), () => bare(depth)) }
      default:
        return { [op]: random() < 0.7 ? scalar() : value(2) }
    }
  }
  const bare = (depth: number): Record<string, unknown> => {
    for (;;) {
      const made = depth > 0 ? condition(depth - 1) : { [pick(['$eq', '$gt', '$lt'])]: scalar() }
      if (typeof made === 'object' && made !== null && Object.keys(made)[0]?.startsWith('$'))
        return made as Record<string, unknown>
    }
  }
  const selector = (depth = 2): Record<string, unknown> => {
    const kind = depth > 0 ? below(8) : 0
    if (kind === 5) return { [pick(['$and', '$or', '$nor'])]: times(below(4), () => selector(depth - 1)) }
    if (kind === 6) return { $not: selector(depth - 1) }
    return Object.fromEntries(times(1 + below(2), () => [pick(FIELDS), condition(2)]))
  }

  it('finds the same documents, directly and through the keys of indexes', async t => {
    const docs = times(150, () =>
      Object.fromEntries(['a', 'b', 'c'].filter(() => random() < 0.8).map(name => [name, value(3)])),
    )
    const tenantId = await store(docs)
    let total = 0
    let keyed = 0
    for (let round = 0; round < 1500; round++) {
      const asked = selector()
      const expected = docs.flatMap((doc, at) => (matches(asked, doc) ? [String(at)] : [])).toSorted()
      const found = await matching(tenantId, asked)
      assert.deepEqual(found.toSorted(), expected, JSON.stringify(asked))
      const stored = toSelector(parseSelector(asked))
      assert.deepEqual(toSelector(parseSelector(stored)), stored, 'the stored form is its own')
      const { present } = requirements(parseSelector(asked))
      if (present.size > 0) {
        const throughKeys = await matching(tenantId, asked, [...present])
        assert.deepEqual(throughKeys.toSorted(), expected, `by ${[...present]}: ${JSON.stringify(asked)}`)
        keyed++
      }
      total += expected.length
    }
    t.diagnostic(`${total} matches in 1500 selectors, ${keyed} of them also through keys`)
    assert.ok(total > 10_000 && keyed > 500, 'the cases say something')
  })

  it('keeps the order of values in keys', async () => {
    const scalars = [
      null,
      false,
      true,
      -3,
      0,
      1.5,
      7,
      1e21,
      5e-324,
      1.7976931348623157e308,
      '',
      'A',
      'a',
      'aa',
      'é',
      '🙂',
    ]
    const docs = scalars.map(a => ({ a }))
    const tenantId = await store(docs)
    const sorted = scalars.toSorted((a, b) => rank(a) - rank(b) || (a! < b! ? -1 : 1))
    const found = await matching(tenantId, { a: { $exists: true } }, ['a'])
    assert.deepEqual(
      found.map(id => docs[Number(id)]!.a),
      sorted,
    )
  })
  const rank = (item: unknown) =>
    [null, false, true].indexOf(item as null) + (typeof item === 'number' ? 10 : typeof item === 'string' ? 20 : 0)
})
