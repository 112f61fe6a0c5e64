import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { startDemoVendor, writePdf } from '@konnectory/testkit/demo-vendor'
import { ADA, createBrowser, logIn } from './browser.ts'

const clock = () => new Date('2026-11-20T10:00:00Z')

/** Header, a cross-reference table whose offsets point at the objects, stream lengths, trailer. */
function assertPdf(bytes: Buffer): void {
  const text = bytes.toString('latin1')
  assert.match(text, /^%PDF-1\.4\n/)
  assert.match(text, /\n%%EOF\n$/)
  const start = Number(/startxref\n(\d+)\n%%EOF\n$/.exec(text)?.[1])
  const size = Number(/^xref\n0 (\d+)\n/.exec(text.slice(start))?.[1])
  const rows = text
    .slice(start)
    .split('\n')
    .slice(2, 2 + size)
  for (const [id, row] of rows.entries()) {
    assert.equal(row.length, 19, 'a row has 20 bytes with its line end')
    if (id > 0)
      assert.ok(text.startsWith(`${id} 0 obj\n`, Number(row.slice(0, 10))), `object ${id} is where the table says`)
  }
  assert.match(text, new RegExp(`/Size ${size} /Root 1 0 R`))
  for (const [, length, content] of text.matchAll(/<< \/Length (\d+) >>\nstream\n([\s\S]*?)\nendstream/g)) {
    assert.equal(content?.length, Number(length))
  }
}

test('a download is a valid PDF with a file name, the same bytes each time, from both URLs', async () => {
  await using vendor = await startDemoVendor({ clock })
  const browser = createBrowser(vendor.url)
  await logIn(browser, ...ADA)
  const response = await browser.fetch('/invoices/F202611-204881/pdf')
  assert.equal(response.status, 200)
  assert.equal(response.headers.get('content-type'), 'application/pdf')
  assert.equal(
    response.headers.get('content-disposition'),
    'attachment; filename="Aquavolt_facture_2026-11-03_F202611-204881.pdf"',
  )
  const bytes = Buffer.from(await response.arrayBuffer())
  assert.equal(response.headers.get('content-length'), String(bytes.length))
  assertPdf(bytes)
  const posted = await browser.fetch('/invoices/download', {
    method: 'POST',
    body: new URLSearchParams({ ref: 'F202611-204881' }),
  })
  const hash = (data: ArrayBuffer | Buffer) => createHash('sha256').update(new Uint8Array(data)).digest('hex')
  assert.equal(hash(await posted.arrayBuffer()), hash(bytes))
  assert.equal((await browser.open('/invoices/F000000-0/pdf')).status, 404)
  for (const { ref } of vendor.invoicesOf(ADA[0])) {
    assertPdf(Buffer.from(await (await browser.fetch(`/invoices/${ref}/pdf`)).arrayBuffer()))
  }
})

test('a download without a session leads to the login', async () => {
  await using vendor = await startDemoVendor({ clock })
  const response = await fetch(`${vendor.url}/invoices/F202611-204881/pdf`, { redirect: 'manual' })
  assert.equal(response.status, 302)
  assert.equal(response.headers.get('location'), '/login?next=%2Finvoices%2FF202611-204881%2Fpdf')
})

test('another customer’s invoice is not found', async () => {
  await using vendor = await startDemoVendor({ clock })
  const browser = createBrowser(vendor.url)
  await logIn(browser, 'alan@example.org', 'turing-1912')
  assert.equal((await browser.open('/invoices/F202611-204881/pdf')).status, 404)
})

const pdftotext = spawnSync('pdftotext', ['-v']).error === undefined

test('the text can be extracted, accents and euro sign included', {
  skip: !pdftotext && 'pdftotext is not installed',
}, async () => {
  await using vendor = await startDemoVendor({ clock })
  const browser = createBrowser(vendor.url)
  await logIn(browser, ...ADA)
  const [invoice] = vendor.invoicesOf(ADA[0])
  const bytes = Buffer.from(await (await browser.fetch(`/invoices/${invoice!.ref}/pdf`)).arrayBuffer())
  const dir = await mkdtemp(join(tmpdir(), 'demo-vendor-'))
  try {
    await writeFile(join(dir, 'a.pdf'), bytes)
    const text = execFileSync('pdftotext', ['-layout', join(dir, 'a.pdf'), '-'], { encoding: 'utf8' })
    assert.match(text, /Facture F202611-204881/)
    assert.match(text, /électricité/)
    assert.match(text, /Total TTC : \d+,\d\d.€/)
  } finally {
    await rm(dir, { recursive: true })
  }
})

test('the writer: several pages, escapes, signs outside the encoding', () => {
  const bytes = writePdf(
    [[{ x: 50, y: 700, text: 'a (b) \\ c' }], [{ x: 50, y: 700, text: 'œuf 3 € 日', bold: true }]],
    {
      title: 'Two (pages)',
      created: new Date('2026-01-02T03:04:05Z'),
    },
  )
  assertPdf(bytes)
  const text = bytes.toString('latin1')
  assert.match(text, /\/Count 2/)
  assert.ok(text.includes('(a \\(b\\) \\\\ c) Tj'))
  assert.ok(text.includes('(\\234uf 3 \\200 ?) Tj'))
  assert.match(text, /\/CreationDate \(D:20260102030405Z\)/)
})
