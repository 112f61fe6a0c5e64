import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Bill, Operation } from '../../src/bank/bank-types.ts'
import { linkBills } from '../../src/bank/link-bank-operations.ts'
import { Linker } from '../../src/bank/linker.ts'
import type { LinkBankOperationsOptions } from '../../src/bank/linking-options.ts'
import { startOperationsStack } from './stack-of-operations.ts'

const day = (text: string) => {
  const [date, month, year] = text.split('-')
  return `${year}-${month}-${date}T00:00:00.000Z`
}
type Row = [id: string, date: string, label: string, amount: number, category?: string, reimbursed?: number[]]
const operation = ([_id, date, label, amount, automaticCategoryId, reimbursed]: Row): Operation => ({
  _id,
  _rev: '1-x',
  date: day(date),
  label,
  amount,
  ...(automaticCategoryId ? { automaticCategoryId } : {}),
  ...(reimbursed ? { reimbursements: reimbursed.map(paid => ({ amount: paid })) } : {}),
})
const health = (_id: string, amount: number, more: Partial<Bill>): Bill => ({
  _id,
  amount,
  vendor: 'Ameli',
  type: 'health_costs',
  ...more,
})

/** An ordinary month of an account. */
const MONTH: Row[] = [
  ['medecin', '13-12-2017', 'Visite chez le médecin', -20, '400610'],
  ['cpam', '15-12-2017', 'Remboursement CPAM', 5, '400610'],
  ['big_sfr', '08-12-2017', 'Facture SFR', -120],
  ['small_sfr', '07-12-2017', 'Facture SFR', -30],
  ['escalade', '07-12-2017', "Remboursement Matériel d'escalade", 30],
  ['burrito', '05-12-2017', 'Burrito', -5.5],
  ['salade', '06-12-2017', 'Salade', -2.6],
]

interface Scenario {
  name: string
  bills: Bill[]
  options?: LinkBankOperationsOptions
  rows?: Row[]
  /** `debit/credit` operation of each bill. */
  links: Record<string, [string | undefined, string | undefined]>
  reimbursements?: Record<string, unknown[]>
  billsOf?: Record<string, string[]>
}

const refund = (id: string, amount: number, originalDate: string, date: string, more: Partial<Bill>) =>
  health(id, amount, { originalDate: day(originalDate), date: day(date), isRefund: true, ...more })

const scenarios: Scenario[] = [
  {
    name: 'health bill with both credit and debit',
    bills: [refund('b1', 5, '13-12-2017', '15-12-2017', { originalAmount: 20 })],
    links: { b1: ['medecin', 'cpam'] },
    reimbursements: { medecin: [{ billId: 'io.cozy.bills:b1', amount: 5, operationId: 'cpam' }] },
    billsOf: { cpam: ['io.cozy.bills:b1'], medecin: ['io.cozy.bills:b1'] },
  },
  {
    name: 'health bill whose expense is not in the account',
    bills: [refund('b1', 5, '13-12-2017', '15-12-2017', { originalAmount: 999 })],
    links: { b1: [undefined, 'cpam'] },
    billsOf: { cpam: ['io.cozy.bills:b1'] },
  },
  {
    name: 'two refunds of one group come in one credit, of one expense',
    bills: [
      refund('b1', 3.5, '13-12-2017', '15-12-2017', { groupAmount: 5, originalAmount: 20 }),
      refund('b2', 1.5, '14-12-2017', '16-12-2017', { groupAmount: 5, originalAmount: 20 }),
    ],
    links: { b1: ['medecin', 'cpam'], b2: ['medecin', 'cpam'] },
    reimbursements: {
      medecin: [
        { billId: 'io.cozy.bills:b1', amount: 3.5, operationId: 'cpam' },
        { billId: 'io.cozy.bills:b2', amount: 1.5, operationId: 'cpam' },
      ],
    },
    billsOf: { cpam: ['io.cozy.bills:b1', 'io.cozy.bills:b2'] },
  },
  {
    name: 'two refunds of one group without their expense',
    bills: [
      refund('b1', 3.5, '13-12-2018', '15-12-2017', { groupAmount: 5, originalAmount: 999 }),
      refund('b2', 1.5, '14-12-2018', '16-12-2017', { groupAmount: 5, originalAmount: 999 }),
    ],
    links: { b1: [undefined, 'cpam'], b2: [undefined, 'cpam'] },
  },
  {
    name: 'a bill of another kind',
    options: { identifiers: ['SFR'] },
    bills: [{ _id: 'b2', amount: 30, date: day('07-12-2017'), isRefund: false, vendor: 'SFR' }],
    links: { b2: ['small_sfr', undefined] },
  },
  {
    name: 'an insurance whose name is not in the list of health vendors does not take the doctor',
    options: { identifiers: ['CPAM', 'Malakoff'] },
    bills: [
      refund('b1', 5.9, '09-01-2018', '09-01-2018', { originalAmount: 45 }),
      refund('b2', 13.8, '15-01-2018', '15-01-2018', { originalAmount: 45, vendor: 'Malakoff' }),
    ],
    rows: [
      ['malakoff', '15-01-2018', 'Malakoff Mederic Pre', 13.8, '400610'],
      ['cpam2', '12-01-2018', 'Cpam de Paris', 5.9, '400610'],
      ['docteur', '09-01-2018', 'Docteur Konqui', -45, '400610'],
    ],
    links: { b1: ['docteur', 'cpam2'], b2: [undefined, undefined] },
    reimbursements: { docteur: [{ billId: 'io.cozy.bills:b1', amount: 5.9, operationId: 'cpam2' }] },
  },
  {
    name: 'an insurance of the list',
    options: { identifiers: ['Harmonie'] },
    bills: [
      refund('b1', 6.9, '23-05-2018', '16-05-2018', { groupAmount: 6.9, originalAmount: 80, vendor: 'Harmonie' }),
    ],
    rows: [
      ['ophtalmo', '22-05-2018', 'CENTRE OPHTALM', -80, '400610'],
      ['back', '24-05-2018', 'HARMONIE MUTUELLE IP0169697530 MUTUELLE', 6.9, '400610'],
    ],
    links: { b1: ['ophtalmo', 'back'] },
  },
  {
    name: 'a train ticket',
    options: { identifiers: ['Trainline'] },
    bills: [
      { _id: 'b1', amount: 297, date: day('04-05-2017'), isRefund: false, vendor: 'Trainline', type: 'transport' },
    ],
    rows: [['trainline', '05-05-2017', 'TRAINLINE PARIS', -297, '400840']],
    links: { b1: ['trainline', undefined] },
  },
  {
    name: 'an expense with another amount than the original one is left alone',
    bills: [refund('b1', 16.1, '11-04-2018', '13-04-2018', { groupAmount: 14.6, originalAmount: 100, type: 'health' })],
    rows: [
      ['cohen', '12-04-2018', 'SELARL DR COHEN', -150, '400610'],
      ['back', '16-04-2018', 'CPAM DES HAUTS DE SEINE', 14.6, '400610'],
    ],
    links: { b1: [undefined, 'back'] },
  },
  {
    name: 'the amount of the group is not that of the expense',
    bills: [
      health('b1', 10, {
        groupAmount: 20,
        originalAmount: 50,
        originalDate: day('17-07-2018'),
        date: day('25-07-2018'),
      }),
      health('b2', 10, {
        groupAmount: 30,
        originalAmount: 50,
        originalDate: day('17-07-2018'),
        date: day('25-07-2018'),
      }),
    ],
    rows: [
      ['not_this', '19-07-2018', 'Dentiste', -20, '400610'],
      ['this', '19-07-2018', 'Ophtalmo', -50, '400610'],
    ],
    links: { b1: ['this', undefined], b2: ['this', undefined] },
  },
  {
    name: 'an expense with room left takes another reimbursement',
    bills: [refund('b1', 10, '19-07-2018', '25-07-2018', { groupAmount: 10, originalAmount: 50 })],
    rows: [
      ['expense', '19-07-2018', 'Ophtalmo', -50, '400610', [25]],
      ['back', '20-07-2018', 'CPAM', 10, '400610'],
    ],
    links: { b1: ['expense', 'back'] },
    reimbursements: {
      expense: [{ amount: 25 }, { billId: 'io.cozy.bills:b1', amount: 10, operationId: 'back' }],
    },
  },
  {
    name: 'a full expense takes none',
    bills: [refund('b1', 10, '19-07-2018', '25-07-2018', { groupAmount: 10, originalAmount: 50 })],
    rows: [
      ['expense', '19-07-2018', 'Ophtalmo', -50, '400610', [25, 25]],
      ['back', '20-07-2018', 'CPAM', 10, '400610'],
    ],
    links: { b1: [undefined, 'back'] },
    reimbursements: { expense: [{ amount: 25 }, { amount: 25 }] },
  },
  {
    name: 'third party payments are not considered',
    bills: [
      refund('b1', 10, '19-07-2018', '25-07-2018', { groupAmount: 10, originalAmount: 50, isThirdPartyPayer: true }),
    ],
    rows: [
      ['expense', '19-07-2018', 'Ophtalmo', -50, '400610', [25]],
      ['back', '20-07-2018', 'CPAM', 10, '400610'],
    ],
    links: {},
    reimbursements: { expense: [{ amount: 25 }] },
  },
]

describe('linkBills', () => {
  for (const scenario of scenarios) {
    test(scenario.name, async () => {
      await using stack = await startOperationsStack([...MONTH, ...(scenario.rows ?? [])].map(operation))
      const options = { amountDelta: 1, identifiers: ['CPAM'], ...scenario.options }
      const result = await linkBills({ client: stack.client, log() {} }, scenario.bills, {}, options)

      const links = Object.fromEntries(
        Object.entries(result).map(([id, found]) => [id, [found.debitOperation?._id, found.creditOperation?._id]]),
      )
      assert.deepEqual(links, scenario.links)
      const stored = Object.fromEntries(stack.operations.map(item => [item._id, item]))
      for (const [id, expected] of Object.entries(scenario.reimbursements ?? {})) {
        assert.deepEqual(stored[id]?.reimbursements, expected)
      }
      for (const [id, expected] of Object.entries(scenario.billsOf ?? {})) assert.deepEqual(stored[id]?.bills, expected)
    })
  }

  test('costs one read and one write; the second time nothing changes and nothing is written', async () => {
    await using stack = await startOperationsStack(MONTH.map(operation))
    const bills = [refund('b1', 5, '13-12-2017', '15-12-2017', { originalAmount: 20 })]
    const run = () => linkBills({ client: stack.client, log() {} }, bills, {}, { amountDelta: 1, identifiers: 'cpam' })
    await run()
    const first = structuredClone(stack.operations)
    const again = await run()
    assert.equal(again.b1?.debitOperation?._id, 'medecin')
    assert.deepEqual(stack.operations, first)
    assert.deepEqual(stack.requests, [
      'POST /data/io.cozy.bank.operations/_all_docs',
      'POST /data/io.cozy.bank.operations/_bulk_docs',
      'POST /data/io.cozy.bank.operations/_all_docs',
    ])
  })

  test('bills paid together are found as a sum, and get their reimbursements', async () => {
    const rows: Row[] = [
      ['dentist', '10-03-2018', 'Cabinet', -90, '400610'],
      ['back', '15-03-2018', 'CPAM', 12, '400610'],
    ]
    await using stack = await startOperationsStack(rows.map(operation))
    const bill = (id: string, originalAmount: number) =>
      refund(id, originalAmount / 10, '10-03-2018', '15-03-2018', { originalAmount, groupAmount: 12 })
    const bills = [bill('b1', 40), bill('b2', 31), bill('b3', 50)]
    const options = { identifiers: 'cpam', amountDelta: 0.5 }
    const result = await linkBills({ client: stack.client, log() {} }, bills, {}, options)
    assert.deepEqual(
      Object.values(result).map(links => links.debitOperation?._id),
      ['dentist', undefined, 'dentist'],
    )
    const [dentist] = stack.operations
    assert.deepEqual(dentist?.bills, ['io.cozy.bills:b1', 'io.cozy.bills:b3'])
    assert.deepEqual(dentist?.reimbursements, [
      { billId: 'io.cozy.bills:b1', amount: 4, operationId: 'back' },
      { billId: 'io.cozy.bills:b3', amount: 5, operationId: 'back' },
    ])
  })

  test('sums are looked for until none fits any more, for vendors that are paid several bills at once', async () => {
    const rows: Row[] = [
      ['first', '10-03-2018', 'Numéricable', -30],
      ['second', '11-03-2018', 'Numéricable', -70],
      ['other', '10-03-2018', 'SFR', -15],
    ]
    const bill = (_id: string, amount: number, vendor = 'Numéricable'): Bill => ({
      ...{ _id, amount, vendor, date: day('10-03-2018') },
    })
    const bills = [bill('a', 10), bill('b', 20), bill('c', 33), bill('d', 37), bill('e', 7, 'SFR'), bill('f', 8, 'SFR')]
    await using stack = await startOperationsStack(rows.map(operation))
    const result = await linkBills(
      { client: stack.client, log() {} },
      bills,
      {},
      { identifiers: ['numéricable', 'sfr'] },
    )
    assert.deepEqual(
      Object.entries(result).map(([id, links]) => [id, links.debitOperation?._id]),
      [
        ...[
          ['a', 'first'],
          ['b', 'first'],
        ],
        ...[
          ['c', 'second'],
          ['d', 'second'],
        ],
        ...[
          ['e', undefined],
          ['f', undefined],
        ],
      ],
    )
    assert.deepEqual(
      stack.operations.map(item => item.bills),
      [['io.cozy.bills:a', 'io.cozy.bills:b'], ['io.cozy.bills:c', 'io.cozy.bills:d'], undefined],
    )
  })

  test('without any operation there is an empty answer per bill, and nothing is written', async () => {
    await using stack = await startOperationsStack([])
    const bill = health('b1', 5, { date: day('15-12-2017') })
    const place = { client: stack.client, log: assert.fail }
    assert.deepEqual(await linkBills(place, [bill], {}, { identifiers: 'cpam' }), { b1: { bill } })
    assert.deepEqual(stack.requests, ['POST /data/io.cozy.bank.operations/_all_docs'])
  })

  test('allowUncategorized takes operations that no one has categorised yet', async () => {
    const bill = health('b1', 20, { date: day('13-12-2017') })
    for (const allowUncategorized of [false, true]) {
      await using stack = await startOperationsStack([operation(['o', '13-12-2017', 'Cabinet', -20])])
      const options = { identifiers: 'cpam', allowUncategorized }
      const { b1 } = await linkBills({ client: stack.client, log() {} }, [bill], {}, options)
      assert.equal(b1?.debitOperation?._id, allowUncategorized ? 'o' : undefined)
    }
  })

  test('billsToRemove leave their operation, for their original, before the new ones are linked', async () => {
    const old = {
      ...operation(['o', '07-12-2017', 'Facture SFR', -30]),
      bills: ['io.cozy.bills:dup', 'io.cozy.bills:gone'],
    }
    await using stack = await startOperationsStack([old])
    const billsToRemove = [{ _id: 'dup', original: 'kept' }, { _id: 'gone' }]
    const bills = [{ _id: 'new', amount: 30, date: day('07-12-2017'), vendor: 'SFR' }]
    await linkBills({ client: stack.client, log() {} }, bills, {}, { identifiers: 'sfr', billsToRemove })
    assert.deepEqual(stack.operations[0]?.bills, ['io.cozy.bills:kept', 'io.cozy.bills:new'])
  })

  test('a bill without id is told and skipped', async () => {
    await using stack = await startOperationsStack(MONTH.map(operation))
    const told: string[] = []
    const bills = [{ amount: 30, date: day('07-12-2017'), vendor: 'SFR' }]
    const place = { client: stack.client, log: (_: string, message: string) => void told.push(message) }
    assert.deepEqual(await linkBills(place, bills, {}, { identifiers: 'SFR' }), {})
    assert.match(told.join(), /without id/)
  })
})

describe('removing bills', () => {
  const bill = (id: string, original?: string): Bill => ({ _id: id, ...(original ? { original } : {}) })
  const cases: [string, Bill[], (string[] | undefined)[], (string[] | undefined)[], number][] = [
    ['nothing to remove', [], [undefined, undefined], [undefined, undefined], 0],
    ['operations without bills', [bill('b1')], [undefined, undefined], [undefined, undefined], 0],
    ['the only bill', [bill('b1')], [['b1'], undefined], [[], undefined], 1],
    ['one of several', [bill('b1')], [['b1', 'b2', 'b3'], undefined], [['b2', 'b3'], undefined], 1],
    [
      'in several operations',
      [bill('b1'), bill('b10')],
      [
        ['b1', 'b2', 'b3'],
        ['b3', 'b2', 'b1'],
      ],
      [
        ['b2', 'b3'],
        ['b3', 'b2'],
      ],
      2,
    ],
    ['one with an original', [bill('b1', 'b2')], [['b1']], [['b2']], 1],
    ['two with originals', [bill('b1', 'b2'), bill('a1', 'a2')], [['b1', 'a1']], [['b2', 'a2']], 1],
    ['an original that is there already', [bill('b1', 'b2'), bill('a1', 'a2')], [['b1', 'b2']], [['b2']], 1],
  ]
  for (const [name, bills, before, after, changed] of cases) {
    test(name, async () => {
      await using stack = await startOperationsStack([])
      const reference = (id: string) => `io.cozy.bills:${id}`
      const operations = before.map(ids => (ids ? { bills: ids.map(reference) } : {}) as Operation)
      const linker = new Linker(stack.client)
      linker.removeBillsFromOperations(bills, operations)
      assert.deepEqual(
        operations.map(item => item.bills),
        after.map(ids => ids?.map(reference)),
      )
      assert.equal(linker.toUpdate.length, changed)
    })
  }
})

describe('adding', () => {
  test('a bill, once', async () => {
    await using stack = await startOperationsStack([])
    const linker = new Linker(stack.client)
    const target: Operation = { _id: 'o', bills: ['bill1'] }
    linker.addBillToOperation({ _id: 'b1' }, target)
    linker.addBillToOperation({ _id: 'b1' }, target)
    assert.deepEqual(target.bills, ['bill1', 'io.cozy.bills:b1'])
  })

  test('a reimbursement, once per bill', async () => {
    await using stack = await startOperationsStack([])
    const linker = new Linker(stack.client)
    const target: Operation = { _id: 'o' }
    linker.addReimbursementToOperation({ _id: 'b1', amount: 110 }, target, { _id: 'c' })
    linker.addReimbursementToOperation({ _id: 'b1', amount: 110 }, target, { _id: 'c' })
    assert.deepEqual(target.reimbursements, [{ billId: 'io.cozy.bills:b1', amount: 110, operationId: 'c' }])
  })
})
