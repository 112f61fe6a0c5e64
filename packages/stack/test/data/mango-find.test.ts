import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, it } from 'node:test'
import { StatementTimeout } from '../../src/ground/database/index.ts'
import { renderError } from '../../src/ground/http/render-error.ts'
import type { Tenant } from '../../src/ground/tenant.ts'
import { BILLS, startMango, storeMany, type TestMango } from './mango-help.ts'

let m: TestMango
before(async () => {
  m = await startMango()
})
after(() => m[Symbol.asyncDispose]())

let tenant: Tenant
beforeEach(() => {
  tenant = m.tenant()
})

const define = (fields: unknown[], more: Record<string, unknown> = {}, index: Record<string, unknown> = {}) =>
  m.mango.designDocuments.define(tenant, BILLS, { index: { fields, ...index }, ...more })

const NO_INDEX = { status: 400, error: 'no_index', reason: 'no matching index found, create an index' }
const NO_SORT = {
  status: 400,
  error: 'no_usable_index',
  reason: 'No index exists for this sort, try indexing by the sort fields.',
}

describe('choice of an index', () => {
  beforeEach(() =>
    m.store(tenant, [
      { _id: 'x1', vendor: 'acme', date: 3, amount: 1 },
      { _id: 'x2', vendor: 'acme', date: 1, amount: 2 },
      { _id: 'x3', vendor: 'acme', amount: 3 },
      { _id: 'x4', vendor: 'beta', date: 2 },
      { _id: 'x5', date: 0 },
    ]),
  )

  it('refuses what no index serves', async () => {
    await assert.rejects(m.find(tenant, { selector: { vendor: 'acme' } }), NO_INDEX)
    await assert.rejects(m.find(tenant, { selector: {} }), NO_INDEX)
    await assert.rejects(m.find(tenant, { selector: { _id: { $gt: null }, vendor: 'acme' } }), NO_INDEX)
    await assert.rejects(m.find(tenant, { selector: { vendor: 'acme' }, sort: ['date'] }), NO_SORT)
    await assert.rejects(m.find(tenant, { selector: { vendor: 'acme' }, sort: ['_id'] }), NO_SORT)
  })

  it('answers by the primary key what only asks for ids', async () => {
    assert.deepEqual((await m.find(tenant, { selector: { _id: { $gt: 'x3' } } })).ids, ['x4', 'x5'])
    assert.deepEqual(
      (await m.find(tenant, { selector: { _id: { $gt: null } }, sort: [{ _id: 'desc' }], limit: 2 })).ids,
      ['x5', 'x4'],
    )
    const some = await m.find(tenant, { selector: { _id: { $in: ['x1', 'x4'] }, vendor: 'acme' } })
    assert.deepEqual(some.ids, ['x1'])
    assert.equal(some.warning, undefined)
  })

  it('uses an index only when every field of it is asked for, and orders by it', async () => {
    await define(['vendor', 'date'])
    const found = await m.find(tenant, { selector: { vendor: 'acme', date: { $gt: null } } })
    assert.deepEqual(found.ids, ['x2', 'x1'])
    assert.equal(found.warning, undefined)
    await assert.rejects(m.find(tenant, { selector: { vendor: 'acme' } }), NO_INDEX)
    await assert.rejects(m.find(tenant, { selector: { vendor: 'acme', date: { $exists: false } } }), NO_INDEX)
    const either = { $or: [{ date: 1 }, { date: 3 }] }
    assert.deepEqual((await m.find(tenant, { selector: { vendor: 'acme', ...either } })).ids, ['x2', 'x1'])
    await assert.rejects(m.find(tenant, { selector: { vendor: 'acme', $or: [{ date: 1 }, { amount: 1 }] } }), NO_INDEX)
  })

  it('orders by sort when the index has that order', async () => {
    await define(['vendor', 'date'])
    const selector = { vendor: { $gt: null }, date: { $gt: null } }
    assert.deepEqual((await m.find(tenant, { selector, sort: ['vendor', 'date'] })).ids, ['x2', 'x1', 'x4'])
    assert.deepEqual((await m.find(tenant, { selector, sort: [{ vendor: 'desc' }, { date: 'desc' }] })).ids, [
      'x4',
      'x1',
      'x2',
    ])
    assert.deepEqual((await m.find(tenant, { selector, sort: ['vendor'] })).ids, ['x2', 'x1', 'x4'])
    await assert.rejects(m.find(tenant, { selector, sort: ['date', 'vendor'] }), NO_SORT)
    await assert.rejects(m.find(tenant, { selector, sort: ['date'] }), NO_SORT)
    // One value of the first field: the second one's order is the index's.
    assert.deepEqual(
      (await m.find(tenant, { selector: { ...selector, vendor: 'acme' }, sort: [{ date: 'desc' }] })).ids,
      ['x1', 'x2'],
    )
    // A sort asks for its fields, too.
    assert.deepEqual((await m.find(tenant, { selector: { vendor: 'acme' }, sort: ['vendor', 'date'] })).ids, [
      'x2',
      'x1',
    ])
    await assert.rejects(m.find(tenant, { selector, sort: ['vendor', { date: 'desc' }] }), {
      status: 400,
      error: 'unsupported_mixed_sort',
    })
  })

  it('takes the index that the selector bounds most, then the shorter, then by name', async () => {
    await define(['amount', 'date'], { ddoc: 'b' })
    await define(['date', 'amount'], { ddoc: 'a' })
    await define(['vendor'], { ddoc: 'z' })
    const all = { vendor: { $exists: true }, date: { $exists: true }, amount: { $gt: 0 } }
    assert.deepEqual((await m.find(tenant, { selector: all })).ids, ['x1', 'x2'], 'amount bounds b')
    const other = { date: { $gt: null }, amount: { $exists: true } }
    assert.deepEqual((await m.find(tenant, { selector: other })).ids, ['x2', 'x1'], 'date bounds a')
    assert.deepEqual(
      (await m.find(tenant, { selector: { ...all, amount: { $ne: 7 } } })).ids,
      ['x1', 'x2'],
      'nothing is bounded: z',
    )
  })

  it('says when use_index was not used', async () => {
    await define(['vendor'], { ddoc: 'by_vendor' })
    await define(['vendor', 'date'], { ddoc: 'by_vendor_and_date', name: 'both' })
    const selector = { vendor: 'acme' }
    const unknown = await m.find(tenant, { selector, use_index: '_design/nope' })
    assert.equal(unknown.warning, '_design/nope was not used because it does not contain a valid index for this query.')
    assert.deepEqual(unknown.ids, ['x1', 'x2', 'x3'])
    const unsuited = await m.find(tenant, { selector, use_index: 'by_vendor_and_date' })
    assert.equal(
      unsuited.warning,
      '_design/by_vendor_and_date was not used because it does not contain a valid index for this query.',
    )
    const named = await m.find(tenant, { selector, use_index: ['by_vendor_and_date', 'both'] })
    assert.equal(
      named.warning,
      '_design/by_vendor_and_date, both was not used because it is not a valid index for this query.',
    )
    for (const use_index of [
      'by_vendor',
      '_design/by_vendor',
      ['by_vendor'],
      ['_design/by_vendor', 'by_vendor'],
      [],
      null,
    ]) {
      assert.equal((await m.find(tenant, { selector, use_index })).warning, undefined, JSON.stringify(use_index))
    }
    const nothing = await m.find(tenant, { selector: { amount: 3 }, use_index: '_design/nope' })
    assert.deepEqual(nothing.ids, ['x3'])
    assert.equal(
      nothing.warning,
      '_design/nope was not used because it does not contain a valid index for this query.\nNo matching index found, create an index to optimize query time.',
    )
    const sorted = await m.find(tenant, { selector, sort: ['date'], use_index: '_design/by_vendor' })
    assert.deepEqual(sorted.ids, ['x2', 'x1'])
    assert.match(sorted.warning ?? '', /^_design\/by_vendor was not used/)
    await assert.rejects(m.find(tenant, { selector, sort: ['amount'], use_index: '_design/by_vendor' }), NO_SORT)
  })

  it('uses a partial index only when it is named, and then finds what is in it', async () => {
    await define(['vendor'], { ddoc: 'dated' }, { partial_filter_selector: { date: { $exists: true } } })
    const selector = { vendor: { $gt: null } }
    await assert.rejects(m.find(tenant, { selector }), NO_INDEX)
    const found = await m.find(tenant, { selector, use_index: '_design/dated' })
    assert.deepEqual(found.ids, ['x1', 'x2', 'x4'])
    assert.equal(found.warning, undefined)
  })

  it('sees no other instance, no other doctype, and nothing deleted', async () => {
    await define(['vendor'])
    const other = m.tenant()
    await m.store(other, [{ _id: 'theirs', vendor: 'acme' }])
    await m.store(tenant, [{ _id: 'contact', vendor: 'acme' }], 'io.cozy.contacts')
    const writer = m.documents.of(tenant)
    await writer.remove(BILLS, 'x1', (await writer.get(BILLS, 'x1'))!.rev)
    assert.deepEqual((await m.find(tenant, { selector: { vendor: 'acme' } })).ids, ['x2', 'x3'])
    await assert.rejects(m.find(other, { selector: { vendor: 'acme' } }), NO_INDEX, 'definitions are an instance’s own')
  })

  it('answers 404 without a database', async () => {
    await assert.rejects(m.find(m.tenant(), { selector: {} }), {
      status: 404,
      error: 'not_found',
      reason: 'Database does not exist.',
    })
  })
})

describe('pages', () => {
  const count = 25
  beforeEach(async () => {
    await m.store(
      tenant,
      Array.from({ length: count }, (_, at) => ({
        _id: `d${String(at).padStart(2, '0')}`,
        a: at % 4,
        b: [null, 'x', at % 3][at % 3],
      })),
    )
    await define(['a', 'b'])
  })
  const selector = { a: { $gte: 0 }, b: { $exists: true } }

  for (const sort of [undefined, ['a', 'b'], [{ a: 'desc' }, { b: 'desc' }]]) {
    it(`bookmarks and skips give the same pages, ${JSON.stringify(sort)}`, async () => {
      const whole = await m.find(tenant, { selector, sort })
      assert.equal(whole.ids.length, count)
      assert.equal(whole.next, false)
      for (const limit of [1, 4, 7, 25]) {
        const byBookmark: string[] = []
        const bySkip: string[] = []
        let bookmark = ''
        for (let page = 0; ; page++) {
          const found = await m.find(tenant, { selector, sort, limit, bookmark })
          assert.match(found.bookmark, /^[\w-]+$/)
          byBookmark.push(...found.ids)
          bySkip.push(...(await m.find(tenant, { selector, sort, limit, skip: page * limit })).ids)
          assert.equal(found.next, found.ids.length >= limit)
          if (found.ids.length === 0) assert.equal(found.bookmark, bookmark, 'past the end it stays')
          bookmark = found.bookmark
          if (!found.next) break
        }
        assert.deepEqual(byBookmark, whole.ids)
        assert.deepEqual(bySkip, whole.ids)
      }
    })
  }

  it('skips after the bookmark', async () => {
    const whole = await m.find(tenant, { selector })
    const first = await m.find(tenant, { selector, limit: 5 })
    const found = await m.find(tenant, { selector, limit: 3, skip: 2, bookmark: first.bookmark })
    assert.deepEqual(found.ids, whole.ids.slice(7, 10))
  })

  it('goes on where it was although documents came and went', async () => {
    const first = await m.find(tenant, { selector, limit: 5 })
    const writer = m.documents.of(tenant)
    const last = first.ids.at(-1)!
    await writer.remove(BILLS, last, (await writer.get(BILLS, last))!.rev)
    await m.store(tenant, [{ _id: '0', a: 0, b: null }])
    const whole = await m.find(tenant, { selector })
    const second = await m.find(tenant, { selector, limit: 5, bookmark: first.bookmark })
    assert.deepEqual(second.ids, whole.ids.slice(5, 10))
  })

  it('stays with the index a bookmark was made with', async () => {
    const first = await m.find(tenant, { selector, limit: 5 })
    await define(['b'], { ddoc: '0' })
    assert.notDeepEqual((await m.find(tenant, { selector })).ids.slice(0, 5), first.ids)
    const second = await m.find(tenant, { selector, limit: 20, bookmark: first.bookmark })
    assert.equal(new Set([...first.ids, ...second.ids]).size, count)
  })

  it('pages through ids, and through values of every kind and size', async () => {
    const values = [
      null,
      true,
      5,
      'é',
      'x'.repeat(500),
      `${'x'.repeat(500)}y`,
      [1, [2]],
      { k: 'v'.repeat(300) },
      '\0',
      '\ue000',
      '\ud800',
    ]
    const odd = m.tenant()
    await m.store(
      odd,
      values.map((c, at) => ({ _id: `v${at}`, c })),
    )
    await m.mango.designDocuments.define(odd, BILLS, { index: { fields: ['c'] } })
    for (const selector of [{ c: { $exists: true } }, { _id: { $gt: null } }]) {
      const ids: string[] = []
      for (let bookmark = ''; ids.length < values.length; ) {
        const found = await m.find(odd, { selector, limit: 1, bookmark })
        assert.equal(found.ids.length, 1)
        ids.push(...found.ids)
        bookmark = found.bookmark
      }
      assert.equal(new Set(ids).size, values.length)
    }
    for (const [at, c] of values.entries())
      assert.deepEqual((await m.find(odd, { selector: { c: { $eq: c } } })).ids, [`v${at}`])
  })

  it('refuses bookmarks that are none, or another query’s', async () => {
    const { bookmark } = await m.find(tenant, { selector, limit: 5 })
    const invalid = { status: 400, error: 'invalid_bookmark' }
    await assert.rejects(m.find(tenant, { selector: { ...selector, a: 1 }, bookmark }), invalid)
    await assert.rejects(m.find(tenant, { selector, sort: ['a', 'b'], bookmark }), invalid)
    for (const broken of [
      'x',
      'g1AAAA',
      `${bookmark}x!`,
      bookmark.slice(3),
      5,
      {},
      'A'.repeat(20_000),
      Buffer.from('null').toString('base64url'),
    ]) {
      await assert.rejects(m.find(tenant, { selector, bookmark: broken }), invalid, JSON.stringify(broken))
    }
    const parts = JSON.parse(Buffer.from(bookmark, 'base64url').toString())
    const forged = (change: (copy: unknown[]) => void) => {
      const copy = structuredClone(parts)
      change(copy)
      return Buffer.from(JSON.stringify(copy)).toString('base64url')
    }
    await assert.rejects(m.find(tenant, { selector, bookmark: forged(copy => (copy[1] = ['a', 'c'])) }), invalid)
    await assert.rejects(m.find(tenant, { selector, bookmark: forged(copy => (copy[2] = [])) }), invalid)
    await assert.rejects(m.find(tenant, { selector, bookmark: forged(copy => (copy[3] = '\0')) }), invalid)
    await assert.rejects(m.find(tenant, { selector, bookmark: forged(copy => (copy[2] = [1, '\0'])) }), invalid)
    await assert.rejects(m.find(tenant, { selector, bookmark: forged(copy => (copy[2] = [1, '\ud800'])) }), invalid)
    // Keys of other kinds are only other places in the order.
    const strange = await m.find(tenant, { selector, bookmark: forged(copy => (copy[2] = [{ a: "'" }, 'x'])) })
    assert.ok(Array.isArray(strange.ids))
  })

  it('knows no bookmark as an empty one, and gives none for nothing', async () => {
    for (const bookmark of ['', 'nil', null, undefined])
      assert.equal((await m.find(tenant, { selector, bookmark })).ids.length, count)
    assert.equal((await m.find(tenant, { selector: { ...selector, a: 99 } })).bookmark, '')
  })

  it('has a limit of 100 by default and for what is over 1000', async () => {
    const many = m.tenant()
    await storeMany(m, many, 1100, `jsonb_build_object('n', n)`)
    const asked = async (limit: unknown) => {
      const found = await m.find(many, { selector: { _id: { $gt: null } }, limit })
      return [found.ids.length, found.limit, found.next]
    }
    assert.deepEqual(await asked(undefined), [100, 100, true])
    assert.deepEqual(await asked(null), [100, 100, true])
    assert.deepEqual(await asked(1000), [1000, 1000, true])
    assert.deepEqual(await asked(1001), [100, 100, true])
    assert.deepEqual(await asked(0), [0, 0, true])
    for (const limit of [-1, 1.5, '10', {}]) await assert.rejects(asked(limit), { status: 400 })
    for (const skip of [-1, 1.5, '10', {}]) {
      await assert.rejects(m.find(many, { selector: { _id: { $gt: null } }, skip }), { status: 400 })
    }
    assert.equal((await m.find(many, { selector: { _id: { $gt: null } }, skip: 1050 })).ids.length, 50)
  })
})

describe('documents', () => {
  it('come with _id and _rev and nothing else, or with the fields asked for', async () => {
    await m.store(tenant, [{ _id: 'x', a: { b: { c: 1, d: 2 }, e: 3 }, 'p.q': 4, list: [{ n: 5 }, 6], z: null }])
    const shown = async (fields: unknown) => {
      const { docs } = await m.find(tenant, { selector: { _id: 'x' }, fields })
      const { _rev, ...rest } = docs[0]!
      return rest
    }
    const whole = { _id: 'x', a: { b: { c: 1, d: 2 }, e: 3 }, 'p.q': 4, list: [{ n: 5 }, 6], z: null }
    assert.deepEqual(await shown(undefined), whole)
    assert.deepEqual(await shown([]), whole)
    assert.deepEqual(await shown(['_id', 'a.b.c', 'a.e']), { _id: 'x', a: { b: { c: 1 }, e: 3 } })
    assert.deepEqual(await shown(['a.b', 'a.b.c', 'nope', 'z.y']), { a: { b: { c: 1, d: 2 } } })
    assert.deepEqual(await shown(['p\\.q', 'z']), { 'p.q': 4, z: null })
    assert.deepEqual(await shown(['list.0.n']), { list: { '0': { n: 5 } } })
    assert.deepEqual(await shown(['__proto__.x', 'constructor']), {})
    for (const fields of ['a', [1], {}]) await assert.rejects(shown(fields), { status: 400, error: 'invalid_fields' })
  })

  it('come with statistics when asked for', async () => {
    await m.store(tenant, [{ _id: 'x' }])
    const { executionStats } = await m.find(tenant, { selector: { _id: 'x' }, execution_stats: true })
    assert.equal(executionStats?.results_returned, 1)
    assert.equal(typeof executionStats?.execution_time_ms, 'number')
    assert.equal((await m.find(tenant, { selector: { _id: 'x' } })).executionStats, undefined)
  })
})

describe('what takes too long', () => {
  it('ends, and the connection is as good as before', async () => {
    await using slow = await startMango({ findTimeoutMs: 2 })
    const owner = slow.tenant()
    await storeMany(slow, owner, 30_000, `jsonb_build_object('t', n)`)
    for (let round = 0; round < 10; round++) {
      await assert.rejects(
        slow.find(owner, { selector: { t: { $regex: 'x' }, n: 1 }, use_index: 'none' }),
        StatementTimeout,
      )
    }
    assert.equal((await slow.another().find(owner, BILLS, { selector: { _id: '0000001' } })).documents.length, 1)
    const { body, status } = renderError(new StatementTimeout('cancelled', '57014', undefined), 'data', {})
    assert.deepEqual([status, body], [500, { error: 'context deadline exceeded' }], 'what clients look for')
    const { rows } = await slow.database.driver.query('show statement_timeout')
    assert.equal(rows[0].statement_timeout, '10s')
  })
})
