import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Bill, Operation } from '../../src/bank/bank-types.ts'
import { canBeGrouped, combineBills, groupBills } from '../../src/bank/bill-groups.ts'
import { findCombination, STEP_LIMIT } from '../../src/bank/combination-search.ts'
import { readLinkingOptions } from '../../src/bank/linking-options.ts'
import { findOperation } from '../../src/bank/operation-search.ts'

const options = readLinkingOptions({}, { identifiers: 'cpam', amountDelta: 0.001 })
const bills = (amounts: number[]): Bill[] =>
  amounts.map((amount, index) => ({ _id: `b${index}`, amount, vendor: 'Ameli', date: '2018-03-10' }))
const expense = (amount: number): Operation => ({
  _id: `o${amount}`,
  amount: -amount,
  date: '2018-03-10',
  label: '',
  automaticCategoryId: '400610',
})

describe('groups', () => {
  const at = (date: string, vendor: string, type?: string): Bill => ({
    _id: `${date}${vendor}`,
    originalDate: new Date(date),
    vendor,
    ...(type ? { type } : {}),
  })

  test('one per vendor and date', () => {
    const list = [
      at('2018-03-10', 'Ameli', 'health_costs'),
      at('2018-03-10', 'Numéricable', 'health_costs'),
      at('2018-03-10', 'Ameli', 'health_costs'),
      at('2018-03-15', 'Ameli', 'health_costs'),
      at('2018-03-20', 'Numéricable'),
      at('2018-03-20', 'Ameli', 'health_costs'),
      at('2018-03-20', 'Numéricable'),
    ]
    assert.deepEqual(groupBills(list), [[list[0], list[2]], [list[1]], [list[3]], [list[4], list[6]], [list[5]]])
  })

  test('only health costs and vendors that are paid several bills at once', () => {
    assert.equal(canBeGrouped({ vendor: 'SFR', date: '2018-01-01' }), false)
    assert.equal(canBeGrouped({ vendor: 'Any', type: 'health_costs', date: '2018-01-01' }), true)
    assert.equal(canBeGrouped({ vendor: 'MGEN', type: 'health_costs' }), false, 'no date')
  })

  test('the sum of amounts and original amounts, with the first date', () => {
    const combined = combineBills([
      { _id: 'b1', amount: 10, originalAmount: 20, originalDate: '2018-03-10T00:00:00Z' },
      { _id: 'b2', amount: 10, originalAmount: 10, originalDate: '2018-03-10T00:00:00Z' },
    ])
    assert.deepEqual(combined, {
      _id: 'combined:b1:b2',
      amount: 20,
      originalAmount: 30,
      originalDate: '2018-03-10T00:00:00Z',
    })
  })
})

/** What upstream did: every combination of k bills, k from 2 on. */
function tryAll(group: Bill[], operations: Operation[]): Bill[] | undefined {
  for (let count = 2; count <= group.length; count++) {
    for (const combination of combinations(group, count)) {
      if (findOperation(combineBills(combination), operations, 'debit', options)) return combination
    }
  }
  return undefined
}

function* combinations(items: Bill[], count: number, start = 0): Generator<Bill[]> {
  if (count === 0) yield []
  else {
    for (let index = start; index < items.length; index++) {
      for (const rest of combinations(items, count - 1, index + 1)) yield [items[index] as Bill, ...rest]
    }
  }
}

describe('FIX-19: sums of bills', () => {
  test('gives the same answer as trying every combination', () => {
    let seed = 7
    const random = (max: number) => {
      seed = (seed * 48271) % 2147483647
      return seed % max
    }
    let found = 0
    for (let round = 0; round < 300; round++) {
      const group = bills(Array.from({ length: 2 + random(7) }, () => 1 + random(40)))
      const operations = Array.from({ length: 1 + random(3) }, () => expense(5 + random(150)))
      const expected = tryAll(group, operations)
      assert.deepEqual(findCombination(group, operations, options).found?.bills, expected)
      if (expected) found++
    }
    assert.ok(found > 100 && found < 300, `${found} of 300 rounds have a sum, the comparison needs both kinds`)
  })

  test('60 bills without a fitting sum are given up at the limit, and it is said', () => {
    // Even amounts against an odd expense: no sum fits, and no bound can tell.
    const group = bills(Array.from({ length: 60 }, (_, index) => 100 + 2 * index))
    const started = performance.now()
    assert.deepEqual(findCombination(group, [expense(3001)], options), { gaveUp: true })
    // Trying all of them would take 2^60 steps. The time is generous: other suites run beside this one.
    assert.ok(performance.now() - started < 5_000)
    assert.ok(STEP_LIMIT <= 1_000_000)
  })

  test('60 bills of which three make the sum are found', () => {
    const group = bills(Array.from({ length: 60 }, (_, index) => 100 + 2 * index))
    const { found } = findCombination(group, [expense(200 + 204 + 208)], options)
    assert.equal(found?.bills.length, 3)
  })

  test('without a candidate operation nothing is tried', () => {
    const group = bills(Array.from({ length: 500 }, () => 10))
    assert.deepEqual(findCombination(group, [{ ...expense(20), date: '2010-01-01' }], options), { gaveUp: false })
  })
})
