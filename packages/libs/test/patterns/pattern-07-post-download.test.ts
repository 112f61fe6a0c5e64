import assert from 'node:assert/strict'
import { test } from 'node:test'
import { saveBills } from '../../src/save-bills.ts'
import { startVendor } from '../request/vendor.ts'
import { startLocalRun } from './local-run.ts'

// real-usage.md section 10, 7: a bill whose fileurl needs a POST.
test('pattern 7: a bill downloaded with a POST form', async () => {
  using run = startLocalRun()
  await using vendor = await startVendor(({ method, text }, response) => {
    const isAsked = method === 'POST' && text === 'invoice=42&format=pdf'
    response.writeHead(isAsked ? 200 : 405, { 'content-type': 'application/pdf' }).end('%PDF-7')
  })
  const bill = {
    vendor: 'Vendor',
    date: new Date('2026-01-02T00:00:00Z'),
    amount: 12.5,
    currency: 'EUR',
    vendorRef: '42',
    fileurl: `${vendor.url}/download`,
    filename: '42.pdf',
    requestOptions: { method: 'POST', form: { invoice: 42, format: 'pdf' } },
  }
  const options = {
    linkBankOperations: false,
    fileIdAttributes: ['vendorRef'],
    sourceAccount: 'a',
    sourceAccountIdentifier: 'me',
  }
  const [saved] = (await saveBills([bill], { folderPath: '/' }, options)) as Record<string, string>[]
  assert.equal(run.read('42.pdf').toString(), '%PDF-7')
  assert.match(saved?.invoice ?? '', /^io\.cozy\.files:./)
  assert.equal(vendor.seen.length, 1)
})
