import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { readLinkingOptions } from '../../src/bank/linking-options.ts'

describe('options of linkBankOperations', () => {
  test('have the documented defaults', () => {
    assert.deepEqual(readLinkingOptions({}, { identifiers: 'CPAM' }), {
      identifiers: ['cpam'],
      minAmountDelta: 0.001,
      maxAmountDelta: 0.001,
      pastWindow: 15,
      futureWindow: 29,
      allowUncategorized: false,
      billsToRemove: [],
    })
  })

  test('one tolerance serves both sides, unless they are given', () => {
    const options = readLinkingOptions({}, { identifiers: ['a', 'B'], amountDelta: 2, maxAmountDelta: 5 })
    assert.deepEqual([options.identifiers, options.minAmountDelta, options.maxAmountDelta], [['a', 'b'], 2, 5])
  })

  test("the owner's bank_identifier takes the place of the konnector's identifiers", () => {
    assert.deepEqual(readLinkingOptions({ bank_identifier: 'Mine' }, { identifiers: 'x' }).identifiers, ['mine'])
    assert.deepEqual(readLinkingOptions({ bank_identifier: '' }, { identifiers: 'x' }).identifiers, ['x'])
  })

  test('dateDelta, which an old konnector still passes, changes nothing', () => {
    const { pastWindow, futureWindow } = readLinkingOptions({}, { identifiers: 'x', dateDelta: 3 })
    assert.deepEqual([pastWindow, futureWindow], [15, 29])
  })

  test('without any identifier it is an error that names the option', () => {
    assert.throws(() => readLinkingOptions({}, {}), /identifiers/)
  })
})
