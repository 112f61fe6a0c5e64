/** What every driver must do with a konnector that means well. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { startDemoVendor } from '@konnectory/testkit/demo-vendor'
import type { DriverName } from '../src/index.ts'
import { certificate } from './help/certificate.ts'
import { openJail } from './help/jail.ts'
import { startSite } from './help/sites.ts'

const root = join(import.meta.dirname, '../../..')

/** `@cypress/request` with what it needs, in one file, as a konnector's build makes it. */
function bundle(source: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'kr-bundle-'))
  try {
    const entry = join(folder, 'index.js')
    writeFileSync(entry, source)
    const args = [entry, '--bundle', '--platform=node', '--log-level=error', `--outfile=${join(folder, 'out.js')}`]
    execFileSync(join(root, 'node_modules/.bin/esbuild'), args, {
      env: { ...process.env, NODE_PATH: join(root, 'node_modules') },
    })
    return readFileSync(join(folder, 'out.js'), 'utf8')
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

export function konnectorSuite(driver: DriverName): void {
  const jail = openJail(driver)

  test(`${driver}: fetch, node:http and @cypress/request reach the vendor by its pinned name`, async () => {
    await using vendor = await startDemoVendor({ port: 0 })
    const result = await jail.run(
      bundle(`
        const request = require('@cypress/request')
        const http = require('node:http')
        const say = (name, got) => console.log(JSON.stringify({ try: name, got: String(got) }))
        fetch('http://vendor.test/').then(async r => say('fetch', r.status + ' ' + (await r.text()).includes('<html')), e => say('fetch', e.cause))
        http.get('http://vendor.test/', r => { r.resume(); r.on('end', () => say('http', r.statusCode)) }).on('error', e => say('http', e))
        request('http://vendor.test/', (e, r, body) => say('request', e || r.statusCode + ' ' + body.includes('<html')))
        request({ url: 'http://vendor.test/', agentOptions: { keepAlive: true }, forever: true }, (e, r) => say('own agent', e || r.statusCode))
      `),
      {
        domains: ['vendor.test'],
        pinnedHosts: [{ host: 'vendor.test', address: '127.0.0.1', port: Number(new URL(vendor.url).port) }],
      },
    )
    assert.deepEqual(result.tries, { fetch: '200 true', http: '200', request: '200 true', 'own agent': '200' })
    assert.deepEqual(result.refused, [])
    assert.equal(result.end, 'exit')
    assert.ok(result.traffic.bytesDown > 1000, `${result.traffic.bytesDown} bytes counted`)
  })

  test(`${driver}: over TLS too, the certificate checked by the konnector itself`, async () => {
    await using site = await startSite({ secure: true })
    const result = await jail.run(
      bundle(`
        const request = require('@cypress/request')
        const https = require('node:https'), tls = require('node:tls')
        const say = (name, got) => console.log(JSON.stringify({ try: name, got: String(got) }))
        fetch('https://vendor.test/a').then(async r => say('fetch', await r.text()), e => say('fetch', e.cause))
        https.get('https://www.vendor.test/b', r => { r.setEncoding('utf8'); r.on('data', d => say('https', d)) }).on('error', e => say('https', e))
        https.get('https://vendor.test/b', { agent: false }, r => { r.setEncoding('utf8'); r.on('data', d => say('no agent', d)) }).on('error', e => say('no agent', e))
        request.post({ url: 'https://vendor.test/c', body: 'x'.repeat(300000) }, (e, r, body) => say('request', e || body))
        const s = tls.connect(443, 'vendor.test', { servername: 'vendor.test' }, () => { say('tls', s.authorized); s.destroy() }).on('error', e => say('tls', e))
      `),
      {
        domains: ['vendor.test', '*.vendor.test'],
        pinnedHosts: ['vendor.test', 'www.vendor.test'].map(host => ({ host, address: '127.0.0.1', port: site.port })),
        files: { 'ca.pem': certificate },
        env: { NODE_EXTRA_CA_CERTS: driver === 'none' ? writeCertificate() : '/konnector/ca.pem' },
      },
    )
    assert.deepEqual(result.tries, {
      fetch: 'GET /a 0',
      https: 'GET /b 0',
      'no agent': 'GET /b 0',
      request: 'POST /c 300000',
      tls: 'true',
    })
  })

  test(`${driver}: talks to the stack, a large upload and keep-alive included, and to no other name of it`, async () => {
    const asked: string[] = []
    const server = createServer((request, response) => {
      let bytes = 0
      request.on('data', chunk => {
        bytes += chunk.length
      })
      request.on('end', () => {
        asked.push(`${request.method} ${request.headers.host} ${request.headers['x-forwarded-for'] ?? '-'} ${bytes}`)
        response.writeHead(request.url === '/204' ? 204 : 200, { 'x-one': 'é'.normalize() === 'é' ? 'ok' : '' })
        response.end(request.url === '/204' ? undefined : `${request.headers.authorization} ${bytes}`)
      })
    })
    await new Promise<void>(listening => server.listen(0, '127.0.0.1', () => listening()))
    const port = (server.address() as AddressInfo).port
    try {
      const result = await jail.run(
        `
        const url = process.env.COZY_URL, headers = { authorization: 'Bearer ' + process.env.COZY_CREDENTIALS, 'x-forwarded-for': '1.2.3.4' }
        ;(async () => {
          await attemptAsync('get', async () => (await fetch(url + 'data', { headers })).text())
          await attemptAsync('empty', async () => (await fetch(url + '204', { headers })).status)
          const big = new ReadableStream({ async start(c) { for (let i = 0; i < 64; i++) c.enqueue(new Uint8Array(65536)); c.close() } })
          await attemptAsync('upload', async () => (await fetch(url + 'files', { method: 'POST', headers, body: big, duplex: 'half' })).text())
          await attemptAsync('other', () => new Promise((resolve, reject) => {
            require('node:http').get(url, { headers: { host: 'bob.localhost' } }, r => resolve(r.statusCode)).on('error', reject)
          }))
        })()`,
        {
          env: { COZY_URL: `http://alice.localhost:${port}/`, COZY_CREDENTIALS: 'secret' },
          stack: { host: 'alice.localhost', port },
        },
      )
      assert.deepEqual(result.tries, {
        get: 'worked: Bearer secret 0',
        empty: 'worked: 204',
        upload: 'worked: Bearer secret 4194304',
        other: 'worked: 403',
      })
      assert.deepEqual(asked, [
        `GET alice.localhost:${port} - 0`,
        `GET alice.localhost:${port} - 0`,
        `POST alice.localhost:${port} - 4194304`,
      ])
      assert.deepEqual(
        result.refused.map(({ reason }) => reason),
        ['host_header'],
      )
    } finally {
      server.closeAllConnections()
      server.close()
    }
  })

  test(`${driver}: a websocket to the stack, and none to another name of it`, async () => {
    const server = createServer()
    server.on('upgrade', (request, socket) => {
      const accept = createHash('sha1')
        .update(`${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
        .digest('base64')
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
      )
      // A text frame without a mask, as servers send them.
      socket.write(Buffer.concat([Buffer.from([0x81, 5]), Buffer.from('hello')]))
      socket.on('error', () => {})
    })
    await new Promise<void>(listening => server.listen(0, '127.0.0.1', () => listening()))
    const port = (server.address() as AddressInfo).port
    try {
      const result = await jail.run(
        `
        const ws = new WebSocket('ws://alice.localhost:${port}/realtime/')
        ws.onmessage = e => { report('message', e.data); ws.close(); setTimeout(() => process.exit(), 50) }
        ws.onerror = e => report('error', e.message)
        require('node:http').request({ host: 'alice.localhost', port: ${port}, headers: { host: 'bob.localhost', connection: 'Upgrade', upgrade: 'websocket' } })
          .on('upgrade', () => report('other', 'worked')).on('error', e => report('other', e.code)).end()`,
        { stack: { host: 'alice.localhost', port } },
      )
      assert.deepEqual(result.tries, { message: 'hello', other: 'ECONNRESET' })
    } finally {
      server.closeAllConnections()
      server.close()
    }
  })

  test(`${driver}: a stack at localhost is reached, other ports of loopback are the jail's own`, async () => {
    await using site = await startSite()
    const result = await jail.run(
      `(async () => {
        await attemptAsync('stack', async () => (await fetch(process.env.COZY_URL + 'x')).text())
        const own = require('node:http').createServer((q, r) => r.end('own')).listen(0, '127.0.0.1', () =>
          attemptAsync('own', async () => (await fetch('http://127.0.0.1:' + own.address().port)).text()).finally(() => process.exit()))
      })()`,
      { env: { COZY_URL: `http://localhost:${site.port}/` }, stack: { host: 'localhost', port: site.port } },
    )
    assert.deepEqual(result.tries, { stack: 'worked: GET /x 0', own: 'worked: own' })
  })

  test(`${driver}: environment, input, working directory and exit code are what was asked for`, async () => {
    const result = await jail.run(
      `
      report('env', Object.keys(process.env).sort().join())
      report('fields', process.env.COZY_FIELDS)
      report('input', fs.readFileSync(0, 'utf8'))
      report('cwd', path.basename(process.cwd()) === path.basename(__dirname))
      report('locale', new Intl.DateTimeFormat('fr', { dateStyle: 'long', timeZone: 'Europe/Paris' }).format(0))
      process.exitCode = 3`,
      { env: { COZY_FIELDS: '{"a":"é"}', COZY_URL: 'https://alice.example/' }, input: 'hello' },
    )
    const { env, ...rest } = result.tries
    assert.equal(
      env!.replace(',PWD', ''),
      'COZY_FIELDS,COZY_URL,HOME,KONNECTORY_GATE,LANG,NODE_OPTIONS,PATH',
      'nothing of the server, nothing more',
    )
    assert.deepEqual(rest, { fields: '{"a":"é"}', input: 'hello', cwd: 'true', locale: '1 janvier 1970' })
    assert.equal(result.code, 3)
    assert.equal(result.end, 'exit')
  })

  test(`${driver}: runs the script for deleted accounts in its own folder`, async () => {
    const result = await jail.run('', {
      entry: 'scripts/onDelete.js',
      files: {
        'scripts/onDelete.js': `console.log(require('node:path').basename(process.cwd()), process.argv[1].endsWith('onDelete.js'))`,
      },
    })
    assert.deepEqual(result.said, ['scripts true'])
    await assert.rejects(jail.run('', { entry: '../x.js' }), /leads out of the konnector's folder/)
    await assert.rejects(jail.run('', { entry: 'none.js' }), /There is no file none.js/)
  })

  test(`${driver}: what a konnector never gets is refused before it starts`, async () => {
    await assert.rejects(jail.run('', { env: { LD_PRELOAD: '/x.so' } }), /"LD_PRELOAD" is not one a konnector is given/)
    await assert.rejects(jail.run('', { env: { NODE_OPTIONS: '-r x' } }), /"NODE_OPTIONS" is not one/)
    await assert.rejects(jail.run('', { env: { COZY_FIELDS: 'x'.repeat(131_072) } }), /COZY_FIELDS is longer/)
    await assert.rejects(jail.run('', { limits: { memoryMb: 0 } }), /limit memoryMb cannot be 0/)
    await assert.rejects(jail.run('', { limits: { seconds: Number.NaN } }), /limit seconds cannot be NaN/)
    await assert.rejects(jail.run('', { domains: ['*.com'] }), /is not a domain/)
  })

  test(`${driver}: the clock and a cancellation end it with SIGKILL`, async () => {
    const slow = `process.on('SIGTERM', () => {}); process.on('SIGINT', () => {}); console.log('up'); setInterval(() => {}, 1000)`
    const late = await jail.run(slow, { limits: { seconds: 1 } })
    assert.deepEqual([late.end, late.cause], ['timeout', 'time'])
    assert.ok(late.durationMs >= 1000 && late.durationMs < 6000, `${late.durationMs} ms`)
    assert.match(late.remarks.at(-1)!, /ended after 1 s/)

    const controller = new AbortController()
    const cancelled = await jail.run(slow, { signal: controller.signal, onLine: () => controller.abort() })
    assert.deepEqual([cancelled.end, cancelled.cause], ['killed', 'cancelled'])
    const before = await jail.run(slow, { signal: AbortSignal.abort() })
    assert.deepEqual([before.end, before.cause], ['killed', 'cancelled'])
  })

  test(`${driver}: ten at once do not get in each other's way`, async () => {
    const results = await Promise.all(
      Array.from({ length: 10 }, (_, index) =>
        jail.run(`console.log(process.env.COZY_JOB_ID)`, { env: { COZY_JOB_ID: `j${index}` } }),
      ),
    )
    assert.deepEqual(
      results.map(({ said, code }) => [said[0], code]),
      results.map((_, index) => [`j${index}`, 0]),
    )
  })
}

let certificateFile: string | undefined
/** Where an unconfined konnector can read it. */
function writeCertificate(): string {
  if (!certificateFile) {
    const folder = mkdtempSync(join(tmpdir(), 'kr-ca-'))
    after(() => rmSync(folder, { recursive: true, force: true }))
    chmodSync(folder, 0o755)
    certificateFile = join(folder, 'ca.pem')
    writeFileSync(certificateFile, certificate)
  }
  return certificateFile
}
