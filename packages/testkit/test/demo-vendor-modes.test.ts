import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { request } from 'node:http'
import { test } from 'node:test'
import { BEHAVIOURS, type DemoVendor, type ModeSetting, startDemoVendor } from '@konnectory/testkit/demo-vendor'
import { ADA, createBrowser, logIn } from './browser.ts'

const PDF = '/invoices/F202611-204881/pdf'
const clock = () => new Date('2026-11-20T10:00:00Z')

async function inside(mode: ModeSetting) {
  const vendor = await startDemoVendor({ clock })
  const browser = createBrowser(vendor.url)
  await logIn(browser, ...ADA)
  vendor.setMode(mode)
  return { vendor, browser, [Symbol.asyncDispose]: () => vendor.close() }
}

test('maintenance: 503 with a page on the site, JSON on the API; back to normal when the mode ends', async () => {
  await using vendor = await startDemoVendor({ mode: 'maintenance' })
  const page = await fetch(`${vendor.url}/login`)
  assert.equal(page.status, 503)
  assert.equal(page.headers.get('retry-after'), '3600')
  assert.match(await page.text(), /<div class="maintenance">/)
  const api = await fetch(`${vendor.url}/api/v1/me`)
  assert.equal(api.status, 503)
  assert.deepEqual(await api.json(), { error: 'maintenance' })
  vendor.setMode({})
  assert.equal((await fetch(`${vendor.url}/login`)).status, 200)
})

test('error: 500; by path only where asked; and only so many times', async () => {
  await using vendor = await startDemoVendor({ mode: { paths: { '/log*': { do: 'error', times: 2 } } } })
  const statuses = []
  for (let i = 0; i < 3; i++) statuses.push((await fetch(`${vendor.url}/login`)).status)
  assert.deepEqual(statuses, [500, 500, 200])
  vendor.setMode('error')
  const page = await fetch(`${vendor.url}/`)
  assert.equal(page.status, 500)
  assert.match(await page.text(), /class="server-error"/)
})

test('slow: waits as long as asked', async () => {
  await using vendor = await startDemoVendor({ mode: { site: 'slow', slowMs: 120 } })
  const start = performance.now()
  assert.equal((await fetch(`${vendor.url}/`)).status, 200)
  assert.ok(performance.now() - start >= 115)
})

test('hang: takes the request, answers nothing, and still lets the vendor close', async () => {
  const vendor: DemoVendor = await startDemoVendor({ mode: { paths: { '/': 'hang' } } })
  const answered = once(request(`${vendor.url}/`).end(), 'response')
  // The request counts before it hangs; another page shows that the vendor is alive.
  while (vendor.count('GET', '/') === 0) assert.equal((await fetch(`${vendor.url}/login`)).status, 200)
  assert.equal(vendor.requests.find(({ path }) => path === '/')?.status, 0)
  const refused = assert.rejects(answered, { code: 'ECONNRESET' })
  await vendor.close()
  await refused
})

test('slow requests do not hold back close either', async () => {
  const vendor = await startDemoVendor({ mode: { site: 'slow', slowMs: 60_000 } })
  const outcome = assert.rejects(fetch(`${vendor.url}/`))
  const { port } = vendor
  while (vendor.requests.length === 0) await fetch(`http://127.0.0.1:${port}/_phone`)
  await vendor.close()
  await outcome
})

test('redirect loop: fetch gives up', async () => {
  await using vendor = await startDemoVendor({ mode: 'redirect-loop' })
  await assert.rejects(fetch(`${vendor.url}/login`), error =>
    /redirect count exceeded/.test(String((error as Error).cause)),
  )
  assert.ok(vendor.count('GET', '/login') > 15)
})

test('rate-limited: 429 with Retry-After', async () => {
  await using vendor = await startDemoVendor({ mode: { paths: { '/api/*': { do: 'rate-limited', times: 1 } } } })
  const headers = { authorization: `Bearer ${vendor.issueTokens(ADA[0]).access_token}` }
  const first = await fetch(`${vendor.url}/api/v1/me`, { headers })
  assert.equal(first.status, 429)
  assert.equal(first.headers.get('retry-after'), '1')
  assert.equal((await fetch(`${vendor.url}/api/v1/me`, { headers })).status, 200)
})

test('HTML instead of a PDF: 200 text/html, no file name', async () => {
  await using place = await inside({ paths: { '/invoices/*/pdf': 'html-instead-of-pdf' } })
  const response = await place.browser.fetch(PDF)
  assert.equal(response.status, 200)
  assert.match(response.headers.get('content-type') ?? '', /^text\/html/)
  assert.equal(response.headers.get('content-disposition'), null)
  assert.match(await response.text(), /class="document-unavailable"/)
})

test('truncated: the connection dies in the middle; half and empty PDFs arrive as complete answers', async () => {
  await using place = await inside('truncated')
  const broken = await place.browser.fetch(PDF)
  assert.equal(broken.status, 200)
  await assert.rejects(broken.arrayBuffer(), /terminated/)
  assert.equal((await place.browser.open('/account')).status, 200, 'pages are whole')

  place.vendor.setMode('half-pdf')
  const half = await (await place.browser.fetch(PDF)).text()
  assert.match(half, /^%PDF/)
  assert.doesNotMatch(half, /%%EOF/)
  place.vendor.setMode('empty-pdf')
  const empty = await place.browser.fetch(PDF)
  assert.equal(empty.headers.get('content-type'), 'application/pdf')
  assert.equal((await empty.arrayBuffer()).byteLength, 0)
})

test('changed layout: nothing known is left, the new form works', async () => {
  await using vendor = await startDemoVendor({ mode: 'changed-layout', clock })
  const browser = createBrowser(vendor.url)
  const login = await browser.open('/login')
  assert.doesNotMatch(login.text, /login-form|name="username"|name="password"|_csrf/)
  const wrong = await browser.submit(login, '#signin-box', { user_email: ADA[0], user_secret: 'x' })
  assert.doesNotMatch(wrong.text, /login-error|alert-error/)
  await browser.submit(wrong, '#signin-box', { user_email: ADA[0], user_secret: ADA[1] })
  const { text } = await browser.open('/invoices')
  assert.equal(text.match(/class="bill-card"/g)?.length, 10)
  assert.doesNotMatch(text, /<table|class="invoice|class="next"|no-invoices/)
})

test('gzip: compressed whatever was asked', async () => {
  await using place = await inside('gzip')
  const response = await new Promise<import('node:http').IncomingMessage>((resolve, reject) => {
    request(`${place.vendor.url}/`, resolve).on('error', reject).end()
  })
  assert.equal(response.headers['content-encoding'], 'gzip')
  const parts: Buffer[] = []
  for await (const part of response) parts.push(part as Buffer)
  assert.deepEqual([...Buffer.concat(parts).subarray(0, 2)], [0x1f, 0x8b])
  assert.match((await place.browser.open('/account')).text, /Ada Lovelace/)
})

test('latin1: bytes and content type agree; what the charset lacks comes as entities', async () => {
  await using place = await inside('latin1')
  const response = await place.browser.fetch('/invoices')
  assert.equal(response.headers.get('content-type'), 'text/html; charset=ISO-8859-1')
  const bytes = Buffer.from(await response.arrayBuffer())
  assert.doesNotMatch(bytes.toString('utf8'), /Électricité/)
  const text = bytes.toString('latin1')
  assert.match(text, /Électricité/)
  assert.match(text, /\d,\d\d\u00a0&#8364;<\/td>/)
  assert.match(text, /<meta charset="iso-8859-1">/)
})

test('new terms: every account page leads there until they are accepted, PDFs are not held back', async () => {
  await using place = await inside('new-terms')
  const terms = await place.browser.open('/invoices')
  assert.equal(terms.url, '/terms')
  assert.equal((await place.browser.submit(terms, '#terms-form', {})).url, '/terms', 'not without the box')
  assert.equal((await place.browser.submit(terms, '#terms-form', { accept: '1' })).url, '/account')
  assert.equal((await place.browser.open('/invoices')).url, '/invoices')
})

test('session lost: account pages and documents lead to the login', async () => {
  await using place = await inside({ paths: { '/invoices*': 'session-lost' } })
  assert.match((await place.browser.open('/invoices')).url, /^\/login/)
  assert.match((await place.browser.open(PDF)).url, /^\/login/)
})

test('an unknown behaviour is refused with the list of known ones', async () => {
  await using vendor = await startDemoVendor()
  assert.throws(() => vendor.setMode('sunny' as 'slow'), /Unknown behaviour sunny\. Known: slow, error/)
  assert.throws(() => vendor.setMode({ paths: { '/': 'sunny' as 'slow' } }), TypeError)
  await assert.rejects(startDemoVendor({ mode: 'sunny' as 'slow' }), TypeError)
})

test('people change the mode in a browser; the tools answer in every mode and are not counted', async () => {
  await using vendor = await startDemoVendor({ mode: 'error' })
  const browser = createBrowser(vendor.url)
  const page = await browser.open('/_modes')
  for (const name of Object.keys(BEHAVIOURS)) assert.ok(page.text.includes(`value="${name}"`), name)
  await browser.submit(page, '#modes-form', { site: 'maintenance' })
  assert.equal((await browser.open('/login')).status, 503)
  assert.equal(vendor.count('*', '/_*'), 0)
})

test('by hand: the command prints address and people, and ends on a signal', async () => {
  const main = new URL('../src/demo-vendor/main.ts', import.meta.url).pathname
  const child = spawn(process.execPath, [main, '--port', '0', '--mode', 'gzip'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  child.stdout.setEncoding('utf8')
  for await (const part of child.stdout) {
    output += part
    if (output.includes('Ctrl-C')) break
  }
  const url = /http:\/\/127\.0\.0\.1:\d+/.exec(output)?.[0]
  assert.equal((await fetch(`${url}/login`)).headers.get('content-encoding'), 'gzip')
  assert.match(output, /ada@example\.org +lovelace-1843/)
  child.kill('SIGTERM')
  const [code] = await once(child, 'exit')
  assert.equal(code, 0)
})
