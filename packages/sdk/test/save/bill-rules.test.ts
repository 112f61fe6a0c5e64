import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { describe, test } from 'node:test'
import { type BillEntry, billNeedsUpdate, checkBills, currencyOf, toBill } from '../../src/save/bill.ts'
import { cloneEntry } from '../../src/save/clone.ts'
import { applyContracts } from '../../src/save/contracts.ts'
import { cleanContact } from '../../src/save/identity.ts'

const silent = { log: () => {} }

describe('bills', () => {
  test('currency: EUR by default, signs become codes, the rest stays', () => {
    const given = [undefined, '', '€', 'US$', '£', 'CHF']
    assert.deepEqual(given.map(currencyOf), ['EUR', 'EUR', 'EUR', 'USD', 'GBP', 'CHF'])
  })

  test('labelRegex comes from the manifest unless the entry has one', () => {
    const file = { _id: 'f1' } as never
    assert.deepEqual(toBill({ fileDocument: file, fileAttributes: {}, filename: 'a.pdf' }, '\\bacme\\b'), {
      currency: 'EUR',
      invoice: 'io.cozy.files:f1',
      matchingCriterias: { labelRegex: '\\bacme\\b' },
      filename: 'a.pdf',
    })
    const own = { fileDocument: file, matchingCriterias: { labelRegex: 'own', amountLowerDelta: 1 } }
    assert.deepEqual(toBill(own, 'x').matchingCriterias, { labelRegex: 'own', amountLowerDelta: 1 })
    assert.equal('matchingCriterias' in toBill({ fileDocument: file }, undefined), false)
  })

  test('date, amount and vendor are required, of the right type', () => {
    const good = { date: new Date(), amount: Number.NaN, vendor: 'acme' }
    checkBills([good])
    for (const name of ['date', 'amount', 'vendor']) {
      assert.throws(() => checkBills([{ ...good, [name]: undefined }]), {
        message: `saveBills: an entry is missing the required ${name} attribute`,
      })
    }
    const wrong: [object, string][] = [
      [{ date: '2025-01-01' }, 'date which does not respect isDate'],
      // What moment gives.
      [{ date: { toDate: () => new Date(), isValid: () => true } }, 'date which does not respect isDate'],
      [{ amount: '3' }, 'amount which does not respect isNumber'],
      [{ vendor: 3 }, 'vendor which does not respect isString'],
    ]
    for (const [change, text] of wrong) {
      assert.throws(() => checkBills([{ ...good, ...change }]), { message: `saveBills: an entry has a ${text}` })
    }
  })

  test('FIX-16: a bill without criteria is written again only when something changed', () => {
    const stored = { invoice: 'i', cozyMetadata: {} }
    assert.equal(billNeedsUpdate({ invoice: 'i' }, stored), false)
    assert.ok(billNeedsUpdate({ invoice: 'j' }, stored))
    assert.ok(billNeedsUpdate({ invoice: 'i' }, { invoice: 'i' }))
    assert.ok(billNeedsUpdate({ invoice: 'i', matchingCriterias: {} }, stored))
  })

  test('entries are copied, streams and other instances shared', () => {
    class Bill {
      [attribute: string]: unknown
      shouldSave() {
        return true
      }
    }
    const filestream = new PassThrough()
    const entry = Object.assign(new Bill(), { filestream, date: new Date(0), fileAttributes: { metadata: { a: [1] } } })
    const copy = cloneEntry(entry)
    assert.ok(copy instanceof Bill)
    assert.equal(copy.filestream, filestream)
    assert.deepEqual(copy.fileAttributes, entry.fileAttributes)
    assert.notEqual(copy.fileAttributes.metadata.a, entry.fileAttributes.metadata.a)
    assert.notEqual(copy.date, entry.date)
  })
})

describe('contracts', () => {
  test('one for all bills: id, label (default the id), sub folder, key', () => {
    const { entries, options } = applyContracts(silent, [{}, {}], { contractId: 'c1' })
    assert.deepEqual(entries, [
      { contractId: 'c1', contractLabel: 'c1' },
      { contractId: 'c1', contractLabel: 'c1' },
    ])
    assert.equal(options.subPath, 'c1')
    assert.deepEqual(options.keys, ['date', 'amount', 'vendor', 'contractId'])
  })

  test('one per bill: the key is added once, bills without stay', () => {
    const keys = ['vendorRef']
    const given: BillEntry[] = [{ contractId: 'c1', contractLabel: 'Home' }, { contractId: 'c2' }, {}]
    const { entries, options } = applyContracts(silent, given, { keys })
    assert.deepEqual(
      entries.map(({ contractLabel, subPath }) => [contractLabel, subPath]),
      [
        ['Home', 'Home'],
        ['c2', 'c2'],
        [undefined, undefined],
      ],
    )
    assert.deepEqual(options.keys, ['vendorRef', 'contractId'])
    assert.deepEqual(keys, ['vendorRef'])
  })

  test('a label without an id is ignored, with a warning', () => {
    const warned: unknown[] = []
    const { options } = applyContracts({ log: (_level, message) => warned.push(message) }, [{}], { contractLabel: 'x' })
    assert.equal(warned.length, 1)
    assert.deepEqual(options.keys, ['date', 'amount', 'vendor'])
  })
})

describe('contacts', () => {
  test('texts become lists, numbers and addresses are tidied, everything is trimmed', () => {
    const contact = cleanContact(silent, {
      name: { givenName: ' Ada ', nested: [' x '] },
      phone: ' +33 (1) 23-45.67 ',
      address: ' 1 <b>rue</b>\nde Paris ',
      email: ' a@b.c ',
    })
    assert.deepEqual(contact, {
      name: { givenName: 'Ada', nested: ['x'] },
      phone: [{ number: '+3312345.67' }],
      address: [{ formattedAddress: '1 rue de Paris' }],
      email: [{ address: 'a@b.c' }],
    })
  })
})
