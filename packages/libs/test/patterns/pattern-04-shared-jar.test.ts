import assert from 'node:assert/strict'
import { test } from 'node:test'
import requestFactory from '../../src/request/index.ts'
import { saveFiles } from '../../src/save-files.ts'
import { startVendor } from '../request/vendor.ts'
import { startLocalRun } from './local-run.ts'

// real-usage.md section 10, 4: one jar made by hand, given to a factory and to the downloads of entries.
test('pattern 4: a jar shared between a factory and requestOptions', async () => {
  using run = startLocalRun()
  await using vendor = await startVendor(({ url, headers }, response) => {
    if (url === '/login') response.setHeader('set-cookie', 'sid=1; Path=/').end()
    else response.writeHead(headers.cookie === 'sid=1' ? 200 : 403, { 'content-type': 'application/pdf' }).end('%PDF-4')
  })
  const j = requestFactory().jar()
  await requestFactory({ json: false, jar: j })(`${vendor.url}/login`)
  const entries = [{ fileurl: `${vendor.url}/bill`, filename: 'bill.pdf', requestOptions: { jar: j } }]
  const [saved] = await saveFiles(entries, { folderPath: '/' }, { sourceAccount: 'a', sourceAccountIdentifier: 'me' })
  assert.equal(saved?.fileDocument?.name, 'bill.pdf')
  assert.equal(run.read('bill.pdf').toString(), '%PDF-4')
  assert.equal(vendor.last().headers.cookie, 'sid=1')
})
