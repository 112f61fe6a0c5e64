import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createCozyPDFDocument } from '../../src/html-to-pdf.ts'
import requestFactory from '../../src/request/index.ts'
import { saveFiles } from '../../src/save-files.ts'
import { startVendor } from '../request/vendor.ts'
import { startLocalRun } from './local-run.ts'

const BYTES = Buffer.concat([Buffer.from('%PDF-8'), Buffer.from([0, 255, 128])])
const account = { sourceAccount: 'a', sourceAccountIdentifier: 'me' }

// real-usage.md section 10, 8: a filestream that is a request in flight, a pdfjs Document (no Node Readable) or its `_doc`, a string.
test('pattern 8: a request in flight, a pdfjs document and a string as filestream', async () => {
  using run = startLocalRun()
  await using vendor = await startVendor(({ url }, response) => {
    if (url === '/ok') response.setHeader('content-type', 'application/pdf').end(BYTES)
    else response.writeHead(500, { 'content-type': 'text/html' }).end('down')
  })
  const request = requestFactory({ json: false })
  const document = createCozyPDFDocument('Contract', 'https://vendor.test/')
  document.end()
  const inner = createCozyPDFDocument('Inner', 'https://vendor.test/')
  inner.end()
  const entries = [
    { filestream: request(`${vendor.url}/ok`), filename: 'flight.pdf' },
    { filestream: request(`${vendor.url}/failing`), filename: 'failed.pdf' },
    { filestream: document, filename: 'contract.pdf' },
    { filestream: inner._doc, filename: 'inner.pdf' },
    { filestream: '[InternetShortcut]', filename: 'link.url' },
  ]
  const saved = await saveFiles(entries, { folderPath: '/' }, account)
  assert.deepEqual(run.read('flight.pdf'), BYTES, 'the bytes, not decoded text')
  assert.match(run.read('contract.pdf').toString('latin1'), /^%PDF-[\s\S]*Contract/)
  assert.match(run.read('inner.pdf').toString('latin1'), /^%PDF-[\s\S]*Inner/)
  assert.equal(run.read('link.url').toString(), '[InternetShortcut]')
  const failed = saved.find(entry => entry.filename === 'failed.pdf')
  assert.equal(failed?.fileDocument, undefined, 'an HTTP error is no file')
  assert.throws(() => run.read('failed.pdf'), { code: 'ENOENT' })
})
