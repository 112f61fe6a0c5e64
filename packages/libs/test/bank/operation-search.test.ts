import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Bill, Operation } from '../../src/bank/bank-types.ts'
import { readLinkingOptions } from '../../src/bank/linking-options.ts'
import {
  distanceTo,
  expectedAmount,
  expectedTime,
  findOperation,
  hasIdentifier,
  hasRightCategory,
  hasRoomFor,
} from '../../src/bank/operation-search.ts'

const day = (date: string) => new Date(`${date}T00:00:00Z`)

describe('what is looked for', () => {
  const bill: Bill = {
    amount: 7.5,
    originalAmount: 25,
    groupAmount: 30,
    date: '2018-01-08',
    originalDate: '2018-01-03',
  }

  test('a debit: the original amount, negative, near the original date', () => {
    assert.equal(expectedAmount(bill, 'debit'), -25)
    assert.equal(expectedTime(bill, 'debit'), Date.parse('2018-01-03'))
    assert.equal(expectedAmount({ amount: 7.5 }, 'debit'), -7.5)
    assert.equal(expectedTime({ date: '2018-01-08' }, 'debit'), Date.parse('2018-01-08'))
  })

  test('a credit: the amount of the group, else of the bill, near its date', () => {
    assert.equal(expectedAmount(bill, 'credit'), 30)
    assert.equal(expectedAmount({ amount: 7.5, originalAmount: 25 }, 'credit'), 7.5)
    assert.equal(expectedTime(bill, 'credit'), Date.parse('2018-01-08'))
  })
})

describe('the category', () => {
  const cases: [string, Bill, Operation, boolean, boolean][] = [
    ['health bill, health expense by hand', { vendor: 'Ameli' }, { manualCategoryId: '400610' }, false, true],
    ['health bill, health expense', { vendor: 'Ameli' }, { automaticCategoryId: '400610' }, false, true],
    ['health bill, other category', { vendor: 'Ameli' }, { manualCategoryId: '400611' }, false, false],
    ['health bill, uncategorised', { vendor: 'Ameli' }, {}, false, false],
    ['health bill, uncategorised allowed', { vendor: 'Ameli' }, {}, true, true],
    ['health bill, category 0 allowed', { vendor: 'Ameli' }, { automaticCategoryId: '0' }, true, true],
    ['health bill, insurance as debit', { vendor: 'Ameli' }, { manualCategoryId: '400620', amount: -10 }, false, false],
    ['health bill, insurance as credit', { vendor: 'Ameli' }, { manualCategoryId: '400620', amount: 10 }, false, true],
    ['health bill, expense as credit', { vendor: 'Ameli' }, { manualCategoryId: '400610', amount: 10 }, false, true],
    ['by hand wins', { vendor: 'Ameli' }, { manualCategoryId: '1', automaticCategoryId: '400610' }, false, false],
    ['other bill, health expense', { vendor: 'SFR' }, { manualCategoryId: '400610' }, false, false],
    ['other bill, uncategorised', { vendor: 'SFR' }, {}, false, true],
    ['other bill, other category', { vendor: 'SFR' }, { automaticCategoryId: '400611' }, false, true],
  ]
  for (const [name, bill, operation, allowUncategorized, expected] of cases) {
    test(name, () => assert.equal(hasRightCategory(bill, operation, allowUncategorized), expected))
  }
})

test('labels are searched without regard to case', () => {
  assert.equal(hasIdentifier({ label: 'Yes Trainline' }, ['tRaInLiNe']), true)
  assert.equal(hasIdentifier({ label: 'CapitainTrain' }, ['tRaInLiNe']), false)
  assert.equal(hasIdentifier({}, ['x']), false)
})

describe('room for a reimbursement', () => {
  const room = (reimbursements: Operation['reimbursements'], amount: number) =>
    hasRoomFor({ _id: 'b', amount: 10 }, { amount, reimbursements: reimbursements ?? [] })

  test('the sum with the bill does not exceed the expense', () => {
    assert.equal(room([{ amount: 10 }], -10), false)
    assert.equal(room([{ amount: 7 }, { amount: 3 }], -10), false)
    assert.equal(room([{ amount: 7 }, { amount: 3 }], -20), true)
  })

  test("the bill's own reimbursement from an earlier run does not count twice", () => {
    assert.equal(room([{ amount: 10, billId: 'io.cozy.bills:b' }], -10), true)
  })

  test('floating point sums are not taken for too much', () => {
    assert.equal(hasRoomFor({ amount: 0.2 }, { amount: -0.3, reimbursements: [{ amount: 0.1 }] }), true)
  })
})

test('the nearest wins: 0.7 per day and 0.3 per unit of money', () => {
  const bill: Bill = { date: day('2017-01-17'), amount: 10 }
  const nearest = (...operations: [string, number][]) => {
    const list = operations.map(([date, amount]) => ({ date: day(date), amount }))
    return list.indexOf(list.toSorted((a, b) => distanceTo(bill, a) - distanceTo(bill, b))[0]!)
  }
  assert.equal(nearest(['2017-01-16', -10], ['2017-01-17', -10], ['2017-01-17', -11]), 1)
  assert.equal(nearest(['2017-01-17', -8], ['2017-01-17', -9], ['2017-01-17', -12]), 1)
  assert.equal(nearest(['2017-01-15', -10], ['2017-01-18', -10], ['2017-01-19', -10]), 1)
  assert.equal(nearest(['2017-01-16', -12], ['2017-01-18', -11], ['2017-01-19', -13]), 1)
})

test('of two credits the one near the expense wins: distances are those of the debit', () => {
  const options = readLinkingOptions({}, { identifiers: 'cpam' })
  const bill: Bill = { vendor: 'Ameli', amount: 5, originalAmount: 20, originalDate: '2017-12-10', date: '2017-12-16' }
  const credit = (_id: string, date: string): Operation => ({
    ...{ _id, date, amount: 5, label: 'CPAM', automaticCategoryId: '400610' },
  })
  const operations = [credit('on the day of the refund', '2017-12-16'), credit('after the expense', '2017-12-12')]
  assert.equal(findOperation(bill, operations, 'credit', options)?._id, 'after the expense')
})

describe('window and tolerance', () => {
  const options = readLinkingOptions({}, { identifiers: 'sfr', pastWindow: 2, futureWindow: 2, amountDelta: 1 })
  const bill: Bill = { vendor: 'SFR', amount: 30, date: '2018-01-10' }
  const finds = (date: string, amount: number) =>
    findOperation(bill, [{ label: 'SFR', date, amount }], 'debit', options) !== undefined

  test('both are open at their ends', () => {
    assert.deepEqual(
      ['2018-01-08', '2018-01-09', '2018-01-11', '2018-01-12'].map(date => finds(date, -30)),
      [false, true, true, false],
    )
    assert.deepEqual(
      [-31, -30.5, -30, -29].map(amount => finds('2018-01-10', amount)),
      [false, true, true, false],
    )
    // Within the tolerance, but an expense smaller than the bill has no room for it.
    assert.equal(finds('2018-01-10', -29.5), false)
  })
})
