import assert from 'node:assert/strict'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import type { Exchange } from '../../src/record/exchange.ts'
import { makeRecording } from '../../src/record/recorder.ts'
import { createReplayer } from '../../src/record/replayer.ts'
import { answerScript, recordScript, runScript } from './help/child.ts'
import { startVendor } from './help/vendor.ts'

const BYTES = Buffer.from(Array.from({ length: 70_000 }, (_, i) => (i * 7) % 256))

function vendor(request: IncomingMessage, response: ServerResponse): void {
  const path = new URL(request.url ?? '/', 'http://v').pathname
  const chunks: Buffer[] = []
  request.on('data', chunk => chunks.push(chunk))
  request.on('end', () => {
    const body = Buffer.concat(chunks)
    if (path === '/redirect') response.writeHead(302, { location: '/text' }).end()
    else if (path === '/text')
      response.writeHead(200, { 'content-type': 'text/plain', 'x-host': request.headers.host }).end('été')
    else if (path === '/gzip')
      response
        .writeHead(200, { 'content-type': 'text/html', 'content-encoding': 'gzip' })
        .end(gzipSync('<p>packed</p>'))
    else if (path === '/bytes') response.writeHead(200, { 'content-type': 'application/octet-stream' }).end(BYTES)
    else if (path === '/cookies') response.writeHead(200, { 'set-cookie': ['a=1; Path=/', 'b=2; HttpOnly'] }).end('ok')
    else if (path === '/head') response.writeHead(200, { 'content-length': '1234' }).end()
    else if (path === '/nothing') response.writeHead(204).end()
    else if (path === '/unchanged') response.writeHead(304, { etag: '"x"' }).end()
    else if (path === '/echo')
      response
        .writeHead(200, { 'content-type': 'text/plain' })
        .end(`${request.method} ${request.headers['content-type']} ${body.length}`)
    else if (path === '/cut') {
      response.writeHead(200, { 'content-length': '100' })
      response.write('half')
      setTimeout(() => request.socket.destroy(), 20)
    } else response.writeHead(404).end('no such page')
  })
}

const ALL_CLIENTS = `
  const https = require('https'), http = require('http')
  const plain = (path, options = {}) => new Promise((resolve, reject) => {
    const mod = options.tls ? https : http
    const request = mod.request({ host: options.tls ? 'secure.vendor.test' : 'vendor.test', path, method: options.method || 'GET', agent: options.agent, rejectUnauthorized: options.rejectUnauthorized }, response => {
      const chunks = []; response.on('data', c => chunks.push(c)); response.on('error', reject)
      response.on('end', () => resolve({ status: response.statusCode, headers: response.headers, cookies: response.headers['set-cookie'], body: Buffer.concat(chunks) }))
    })
    request.on('error', reject); request.end(options.body)
  })
  const digest = buffer => require('crypto').createHash('sha1').update(buffer).digest('hex')
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 })
  report({ text: (await plain('/text', { agent })).body.toString(), again: (await plain('/text', { agent })).headers['x-host'] })
  report({ fetch: await (await fetch('http://vendor.test/redirect')).text(), gzip: await (await fetch('http://vendor.test/gzip')).text() })
  report({ tls: (await plain('/text', { tls: true, rejectUnauthorized: false })).headers['x-host'] })
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0'
  report({ tlsFetch: await (await fetch('https://secure.vendor.test/text')).text() })
  report({ bytes: digest((await plain('/bytes')).body), cookies: (await plain('/cookies')).cookies })
  const head = await plain('/head', { method: 'HEAD' }); const none = await plain('/nothing'); const same = await plain('/unchanged')
  report({ head: [head.status, head.body.length], none: [none.status, none.body.length], same: same.status })
  const request = require('@cypress/request'); const pool = { maxSockets: 2 }
  const req = options => new Promise((resolve, reject) => request({ jar: true, pool, forever: true, ...options }, (e, r, b) => e ? reject(e) : resolve([r.statusCode, b])))
  report({ request: await req({ url: 'http://vendor.test/redirect' }), form: await req({ url: 'http://vendor.test/echo', method: 'POST', form: { a: 'b c' } }) })
  report({ requestTls: await req({ url: 'https://secure.vendor.test/text', strictSSL: false }), gzip: await req({ url: 'http://vendor.test/gzip', gzip: true }) })
  const multi = await req({ url: 'http://vendor.test/echo', method: 'POST', formData: { file: { value: Buffer.from('abc'), options: { filename: 'a.txt' } }, name: 'x' } })
  report({ multipart: [multi[0], /^POST multipart\\/form-data; boundary=/.test(multi[1])] })
  report({ parallel: (await Promise.all([1, 2, 3, 4].map(() => plain('/text')))).map(r => r.body.toString()) })
`

const EXPECTED = [
  { text: 'été', again: 'vendor.test' },
  { fetch: 'été', gzip: '<p>packed</p>' },
  { tls: 'secure.vendor.test' },
  { tlsFetch: 'été' },
]

test('every client goes through the recorder unchanged, TLS included, and replays the same offline', async () => {
  await using plain = await startVendor(vendor)
  await using secure = await startVendor(vendor, true)
  const pins = {
    'vendor.test': { host: '127.0.0.1', port: plain.port, tls: false },
    'secure.vendor.test': { host: '127.0.0.1', port: secure.port, tls: true },
  }
  const recorded = await recordScript(ALL_CLIENTS, pins)
  assert.equal(recorded.code, 0, recorded.stderr)
  assert.deepEqual(recorded.reports.slice(0, 4), EXPECTED)
  const [, , , , bytes, heads, request] = recorded.reports as Record<string, unknown>[]
  const { createHash } = await import('node:crypto')
  assert.deepEqual(bytes, {
    bytes: createHash('sha1').update(BYTES).digest('hex'),
    cookies: ['a=1; Path=/', 'b=2; HttpOnly'],
  })
  assert.deepEqual(heads, { head: [200, 0], none: [204, 0], same: 304 })
  assert.deepEqual(request, { request: [200, 'été'], form: [200, 'POST application/x-www-form-urlencoded 7'] })

  const { har } = makeRecording(recorded.exchanges, 'done', { fields: {}, keepFiles: true, startedAt: Date.now() })
  const replayer = createReplayer(har)
  const replayed = await answerScript(ALL_CLIENTS, replayer.handle)
  assert.equal(replayed.code, 0, replayed.stderr)
  assert.deepEqual(replayer.unknown, [])
  assert.deepEqual(replayed.reports, recorded.reports)
})

test('a vendor that cannot be reached gives the konnector the same error as without a recorder', async () => {
  const script = `
    const http = require('http')
    const error = await new Promise(resolve => http.get('http://vendor.test/', () => resolve('none')).on('error', resolve))
    report(error.code)
    report(await fetch('http://vendor.test/').catch(e => e.cause.code))`
  const pins = { 'vendor.test': { host: '127.0.0.1', port: 1, tls: false } }
  const recorded = await recordScript(script, pins)
  assert.deepEqual(recorded.reports, ['ECONNREFUSED', 'ECONNREFUSED'])
  const { har } = makeRecording(recorded.exchanges, 'done', { fields: {}, startedAt: Date.now() })
  const replayed = await answerScript(script, createReplayer(har).handle)
  assert.deepEqual(replayed.reports, ['ECONNREFUSED', 'ECONNREFUSED'])
})

test('a certificate that nobody trusts is refused through the recorder as without', async () => {
  await using secure = await startVendor(vendor, true)
  const pins = { 'vendor.test': { host: '127.0.0.1', port: secure.port, tls: true } }
  const exchanges: Exchange[] = []
  const { forwarder } = await import('../../src/record/forward.ts')
  const handle = forwarder({ pins: {}, onExchange: exchange => exchanges.push(exchange) })
  const result = await answerScript(
    `report(await fetch('https://127.0.0.1:${secure.port}/text').catch(e => e.cause.code))`,
    handle,
  )
  assert.deepEqual(result.reports, ['DEPTH_ZERO_SELF_SIGNED_CERT'])
  assert.equal(pins['vendor.test'].tls, true)
})

test('an answer that breaks off and a request that is given up are recorded as such', async () => {
  await using plain = await startVendor(vendor)
  const pins = { 'vendor.test': { host: '127.0.0.1', port: plain.port, tls: false } }
  const recorded = await recordScript(
    `report(await fetch('http://vendor.test/cut').then(r => r.text()).catch(() => 'broken'))`,
    pins,
  )
  assert.deepEqual(recorded.reports, ['broken'])
  assert.equal(recorded.exchanges.length, 1)
  assert.ok(recorded.exchanges[0]!.error ?? recorded.exchanges[0]!.aborted)
})

test('pins without a recorder: http plain, https plain too unless the pin says https', async () => {
  await using plain = await startVendor(vendor)
  await using secure = await startVendor(vendor, true)
  const pins = {
    'vendor.test': { host: '127.0.0.1', port: plain.port, tls: false },
    'secure.vendor.test': { host: '127.0.0.1', port: secure.port, tls: true },
  }
  const result = await runScript(
    `report(await (await fetch('http://vendor.test/text')).text())
     report(await (await fetch('https://vendor.test/text')).text())
     report(await (await fetch('https://secure.vendor.test/text')).text())
     const request = require('@cypress/request')
     report(await new Promise((resolve, reject) => request('https://vendor.test/redirect', (e, r, b) => e ? reject(e) : resolve(b))))`,
    { stack: 0, pins },
  )
  assert.deepEqual(result.reports, ['été', 'été', 'été', 'été'], result.stderr)
})

test('replay refuses what was not recorded, naming the nearest', async () => {
  await using plain = await startVendor(vendor)
  const pins = { 'vendor.test': { host: '127.0.0.1', port: plain.port, tls: false } }
  const { exchanges } = await recordScript(`await fetch('http://vendor.test/text?page=1')`, pins)
  const { har } = makeRecording(exchanges, 'done', { fields: {}, startedAt: Date.now() })
  const replayer = createReplayer(har)
  const result = await answerScript(
    `report(await fetch('http://vendor.test/text?page=2').catch(e => e.cause.message))
     report(await fetch('http://other.test:8080/').catch(e => e.cause.code))`,
    replayer.handle,
  )
  assert.match(
    String(result.reports[0]),
    /GET http:\/\/vendor\.test\/text\?page=2 is not in the recording.*"page" was "1" and is "2".*--record/,
  )
  assert.equal(result.reports[1], 'ERR_NOT_RECORDED')
  assert.equal(replayer.unknown.length, 2)
})
