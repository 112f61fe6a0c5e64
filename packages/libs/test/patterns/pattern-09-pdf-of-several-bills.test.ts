import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { cozyClient } from '../../src/cozy-client/index.ts'
import { type SaveBillsOptions, saveBills } from '../../src/save-bills.ts'
import { installPdfjsDist } from '../pdf/pdfjs-dist-stand-in.ts'
import { startVendor } from '../request/vendor.ts'
import { startLocalRun } from './local-run.ts'

const { Qualification } = cozyClient.new.models.document

// real-usage.md section 10, 9: `processPdf` makes several bills of one file; `fileAttributes.metadata` says what it is.
test('pattern 9: several bills out of one PDF, whose file carries all its metadata', async () => {
  using run = startLocalRun()
  installPdfjsDist(run.folder)
  writeFileSync(join(run.folder, 'manifest.konnector'), '{"slug":"acme","version":"1.0.0"}')
  await using vendor = await startVendor((_seen, response) => {
    response.writeHead(200, { 'content-type': 'application/pdf' }).end('%PDF\nmarch 12.50\napril 7')
  })
  const day = new Date('2026-04-30T00:00:00.000Z')
  const metadata = {
    qualification: Qualification.getByLabel('phone_invoice'),
    contentAuthor: 'vendor.test',
    issueDate: day,
    datetime: day,
    datetimeLabel: 'issueDate',
    carbonCopy: true,
    isSubscription: true,
  }
  const entry = {
    vendor: 'Vendor',
    vendorRef: 'march',
    amount: 0,
    date: day,
    fileurl: `${vendor.url}/statement`,
    filename: 'statement.pdf',
    fileAttributes: { metadata },
  }
  const options: SaveBillsOptions = {
    linkBankOperations: false,
    fileIdAttributes: ['filename'],
    keys: ['vendorRef'],
    sourceAccount: 'a',
    sourceAccountIdentifier: 'me',
    processPdf(bill, text) {
      const [first = 0, second = 0] = text.split('\n').map(line => Number(line.split(' ')[1]))
      bill.amount = first
      return [{ ...bill, vendorRef: 'april', amount: second }]
    },
  }
  const saved = (await saveBills([entry], { folderPath: '/' }, options)) as Record<string, unknown>[]
  assert.deepEqual(
    saved.map(({ vendorRef, amount }) => [vendorRef, amount]),
    [
      ['march', 12.5],
      ['april', 7],
    ],
  )
  assert.equal(vendor.seen.length, 1)
  const file = await cozyClient.files.statByPath('/statement.pdf')
  assert.ok(saved.every(bill => bill.invoice === `io.cozy.files:${file._id}` && !('fileAttributes' in bill)))
  const { qualification, fileIdAttributes, ...stored } = file.attributes.metadata as Record<string, unknown>
  assert.equal((qualification as { label: string }).label, 'phone_invoice')
  assert.equal(fileIdAttributes, 'statement.pdf')
  const { qualification: _, issueDate: _issue, datetime: _date, ...flags } = metadata
  assert.deepEqual(stored, { ...flags, issueDate: day.toISOString(), datetime: day.toISOString() })

  assert.deepEqual(await saveBills([entry], { folderPath: '/' }, options), [], 'nothing new in a second run')
  assert.equal(vendor.seen.length, 1)
})
