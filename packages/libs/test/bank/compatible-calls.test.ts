import assert from 'node:assert/strict'
import { afterEach, describe, mock, test } from 'node:test'
import { categorize, createCategorizer } from '../../src/bank/categorization.ts'
import { linkBankOperations } from '../../src/bank/link-bank-operations.ts'
import { Linker } from '../../src/bank/linker.ts'
import { useStackClient } from '../../src/stack-client.ts'
import { startOperationsStack } from './stack-of-operations.ts'

/** What the call prints. */
async function printed<T>(call: () => Promise<T>): Promise<{ result: T; lines: { type: string; message: string }[] }> {
  const log = mock.method(console, 'log', () => {})
  try {
    const result = await call()
    return { result, lines: log.mock.calls.map(({ arguments: [line] }) => JSON.parse(String(line))) }
  } finally {
    log.mock.restore()
  }
}

afterEach(() => useStackClient(undefined))

describe('linkBankOperations', () => {
  const bill = { _id: 'b', vendor: 'SFR', amount: 30, date: new Date('2017-12-07') }

  test('works on the stack of the process', async () => {
    await using stack = await startOperationsStack([
      { _id: 'o', date: '2017-12-08', label: 'Facture SFR', amount: -30 },
    ])
    useStackClient(stack.client)
    const result = await linkBankOperations([bill], 'io.cozy.bills', {}, { identifiers: ['sfr'] })
    assert.equal(result?.b?.debitOperation?._id, 'o')
    assert.deepEqual(stack.operations[0]?.bills, ['io.cozy.bills:b'])
    assert.equal(linkBankOperations.Linker, Linker)
  })

  const failures: [string, () => Promise<unknown>][] = [
    ['without identifiers', () => linkBankOperations([bill], 'io.cozy.bills', {}, {})],
    ['without fields', () => linkBankOperations([bill], 'io.cozy.bills', undefined as never, { identifiers: ['x'] })],
    ['without a stack that answers', () => linkBankOperations([bill], 'io.cozy.bills', {}, { identifiers: ['x'] })],
  ]
  for (const [name, call] of failures) {
    test(`${name}: one warn and undefined`, async () => {
      const stack = await startOperationsStack([])
      await stack[Symbol.asyncDispose]()
      useStackClient(stack.client)
      const { result, lines } = await printed(call)
      assert.equal(result, undefined)
      assert.deepEqual(
        lines.map(line => line.type),
        ['warn'],
      )
    })
  }
})

test('categorize and createCategorizer work on the stack of the process', async () => {
  await using stack = await startOperationsStack([
    { _id: '1', amount: -10, label: 'boulangerie', manualCategoryId: '400110' },
  ])
  useStackClient(stack.client)
  const transactions: Record<string, unknown>[] = [{ amount: -11, label: 'BOULANGERIE' }]
  const { result, lines } = await printed(() => categorize(transactions as never))
  assert.equal(result, transactions)
  assert.equal(transactions[0]?.localCategoryId, '400110')
  assert.equal(transactions[0]?.cozyCategoryId, undefined)
  assert.deepEqual(
    lines.map(line => line.type),
    ['warn'],
    'this stack has no global model',
  )
  const { classifiers } = await createCategorizer({ useGlobalModel: false })
  assert.equal(classifiers.length, 1)
})
