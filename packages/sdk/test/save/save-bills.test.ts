import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { BillEntry } from '../../src/save/bill.ts'
import { saveBills } from '../../src/save/index.ts'
import type { SaveBillsOptions } from '../../src/save/save-bills.ts'
import { byKind, type House, openHouse, PDF, pdfVendor } from './house.ts'

const FOLDER = '/Administrative/Acme'
const save = (house: House, entries: BillEntry[], options: SaveBillsOptions = {}) =>
  saveBills(house.context, entries, { folderPath: FOLDER, fileIdAttributes: ['vendorRef'], ...options })
const bill = (n: number, more: object = {}): BillEntry => ({
  vendor: 'acme',
  date: new Date(Date.UTC(2025, 0, 1 + n)),
  amount: 10 + n,
  vendorRef: `r${n}`,
  filename: `bill-${n}.pdf`,
  filestream: Buffer.from(`${PDF}${n}`),
  ...more,
})
const stored = (house: House) => house.client.data.all('io.cozy.bills')

describe('saving bills', () => {
  test('a bill has its file, the metadata of the run, and what the konnector knows', async () => {
    await using house = await openHouse({
      manifest: { slug: 'acme', version: '1.2.3', banksTransactionRegExp: '\\bacme\\b' },
    })
    const entry = bill(1, { title: 'January', fileAttributes: { metadata: { contentAuthor: 'acme' } } })
    const { bills, written } = await save(house, [entry])
    const [doc] = await stored(house)
    const file = await house.file(`${FOLDER}/bill-1.pdf`)
    assert.deepEqual(
      { ...doc, cozyMetadata: undefined },
      {
        _id: doc?._id,
        _rev: doc?._rev,
        vendor: 'acme',
        date: '2025-01-02T00:00:00.000Z',
        amount: 11,
        vendorRef: 'r1',
        filename: 'bill-1.pdf',
        title: 'January',
        currency: 'EUR',
        invoice: `io.cozy.files:${file._id}`,
        matchingCriterias: { labelRegex: '\\bacme\\b' },
        cozyMetadata: undefined,
      },
    )
    assert.equal(doc?.cozyMetadata?.createdByApp, 'acme')
    assert.equal(doc?.cozyMetadata?.sourceAccount, 'account1')
    assert.equal(doc?.cozyMetadata?.sourceAccountIdentifier, 'me@mail.test')
    assert.equal(written.length, 1)
    assert.equal(bills[0]?._id, doc?._id)
    assert.ok('filestream' in entry && !('_id' in entry), 'the caller’s entry stays as it was')
  })

  test('FIX-17: the entry of a new bill has the id of its document', async () => {
    await using house = await openHouse()
    const { bills } = await save(house, [bill(1), bill(2)])
    const ids = new Map((await stored(house)).map(doc => [doc.vendorRef, doc._id]))
    assert.equal(ids.size, 2)
    for (const { vendorRef, _id } of bills) assert.equal(_id, ids.get(vendorRef))
  })

  test('known bills are recognised by date, amount and vendor; nothing is written again', async () => {
    await using house = await openHouse()
    await save(house, [bill(1), bill(2)])
    house.take()
    const { bills, written } = await save(house, [bill(1), bill(2), bill(3)])
    assert.equal(written.length, 1)
    assert.ok(bills.every(({ _id }) => _id))
    assert.equal((await stored(house)).length, 3)
  })

  test('keys may be others', async () => {
    await using house = await openHouse()
    await save(house, [bill(1)], { keys: ['vendorRef'] })
    await save(house, [bill(1, { amount: 99 })], { keys: ['vendorRef'] })
    assert.deepEqual(
      (await stored(house)).map(({ amount }) => amount),
      [11],
    )
  })

  test('shouldUpdate adds reasons to write a known bill; what others noted on it stays', async () => {
    await using house = await openHouse()
    await save(house, [bill(1)])
    const [first] = await stored(house)
    await house.client.data.update('io.cozy.bills', { ...first, paid: 'noted by another app' } as never)
    const shouldUpdate = (entry: BillEntry, known: { title?: string }) => entry.title !== known.title
    await save(house, [bill(1, { title: 'new' })], { shouldUpdate })
    const [second] = await stored(house)
    assert.equal(second?.title, 'new')
    assert.equal(second?.paid, 'noted by another app')
    assert.equal(second?._id, first?._id)
  })

  test('a bill whose file changed is updated', async () => {
    await using house = await openHouse()
    await save(house, [bill(1)])
    const file = await house.file(`${FOLDER}/bill-1.pdf`)
    await house.client.files.destroy(file._id)
    const { written } = await save(house, [bill(1)])
    assert.equal(written.length, 1)
    assert.notEqual(written[0]?.invoice, `io.cozy.files:${file._id}`)
    assert.equal((await stored(house)).length, 1)
  })

  test('entries without a file are not saved', async () => {
    await using house = await openHouse()
    const { bills } = await save(house, [
      bill(1),
      { vendor: 'acme', date: new Date(), amount: 1 },
      bill(2, { filestream: 'no pdf' }),
    ])
    assert.equal(bills.length, 1)
  })

  test('a bill without its required attributes is refused, after the files are saved', async () => {
    await using house = await openHouse()
    await assert.rejects(save(house, [bill(1), bill(2, { date: '2025-01-01' })]), {
      message: 'saveBills: an entry has a date which does not respect isDate',
    })
    await house.file(`${FOLDER}/bill-1.pdf`)
    assert.deepEqual(await stored(house), [])
  })

  test('contracts: a sub folder each, and bills of two contracts are two bills', async () => {
    await using house = await openHouse()
    const same = { date: new Date(0), amount: 1 }
    await save(house, [
      bill(1, { ...same, contractId: 'c1', contractLabel: 'Home' }),
      bill(2, { ...same, contractId: 'c2' }),
    ])
    await house.file(`${FOLDER}/Home/bill-1.pdf`)
    await house.file(`${FOLDER}/c2/bill-2.pdf`)
    await save(house, [bill(3, same)], { contractId: 'c3', contractLabel: 'Office' })
    await house.file(`${FOLDER}/Office/bill-3.pdf`)
    assert.deepEqual((await stored(house)).map(({ contractId }) => contractId).sort(), ['c1', 'c2', 'c3'])
  })

  test('processPdf completes bills and adds others; its failure leaves one bill out', async () => {
    await using house = await openHouse()
    const calls: unknown[] = []
    const { bills } = await save(house, [bill(1, { amount: undefined }), bill(2), bill(3)], {
      getPdfText: async id => ({ text: `text of ${(await house.client.files.statById(id)).name}`, 1: ['items'] }),
      processPdf: (entry, text, pages) => {
        calls.push([text, pages[1]])
        if (entry.vendorRef === 'r1') entry.amount = 5
        if (entry.vendorRef === 'r2') return [{ ...entry, amount: 7 }]
        if (entry.vendorRef === 'r3') throw new Error('unreadable')
        return undefined
      },
    })
    assert.deepEqual(calls[0], ['text of bill-1.pdf', ['items']])
    assert.deepEqual(
      bills.map(({ amount }) => amount),
      [5, 12, 7],
    )
    assert.match(house.lines.join('\n'), /warn: processPdf failed for bill-3.pdf: unreadable/)
  })

  test('1,000 new bills: one list and one write of each doctype; the second run writes nothing', {
    timeout: 60_000,
  }, async () => {
    await using house = await openHouse()
    await using vendor = await pdfVendor()
    const entries = () =>
      Array.from({ length: 1000 }, (_, n) => bill(n, { filestream: undefined, fileurl: `${vendor.url}/${n}` }))
    await save(house, entries())
    const first = byKind(house.take())
    assert.equal(vendor.requests.splice(0).length, 1000)
    assert.equal(first['POST /files/:id'], 1000)
    assert.equal(first['POST /files/_find'], 1)
    assert.equal(first['POST /data/io.cozy.bills/_all_docs'], 1)
    assert.equal(first['POST /data/io.cozy.bills/_bulk_docs'], 1)
    assert.equal(first['POST /data/io.cozy.bills/'], undefined)

    const { bills, written } = await save(house, entries())
    assert.equal(bills.length, 1000)
    assert.deepEqual(written, [])
    assert.deepEqual(vendor.requests, [])
    assert.ok(!house.take().some(request => /^(PUT|PATCH|DELETE)|upload|_bulk_docs|POST \/files\/[^_]/.test(request)))
  })
})
