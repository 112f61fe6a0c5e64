import assert from 'node:assert/strict'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import { createClient } from '../src/index.ts'
import { nodeFetch } from '../src/node-fetch.ts'

async function serve(listener: RequestListener) {
  const server = createServer(listener)
  let connections = 0
  server.on('connection', () => connections++)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    connections: () => connections,
    server,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}

test('answers read like fetch answers, over one kept connection', async () => {
  await using vendor = await serve((request, response) => {
    response.setHeader('content-type', 'application/json').setHeader('x-seen', request.method!)
    request.pipe(response.writeHead(request.url === '/missing' ? 404 : 200))
  })
  const posted = await nodeFetch(`${vendor.url}/a`, {
    method: 'POST',
    body: '{"a":"é"}',
    headers: { 'content-type': 'application/json' },
  })
  assert.deepEqual(
    [posted.ok, posted.status, posted.headers.get('X-Seen'), await posted.json()],
    [true, 200, 'POST', { a: 'é' }],
  )
  const missing = await nodeFetch(`${vendor.url}/missing`)
  assert.deepEqual([missing.ok, missing.status, await missing.text()], [false, 404, ''])
  assert.equal(vendor.connections(), 1)
})

test('streams go both ways without being held in memory', async () => {
  const size = 64 * 1024 * 1024
  const chunk = Buffer.alloc(1024 * 1024, 1)
  await using vendor = await serve((request, response) => {
    response.setHeader('content-type', 'application/octet-stream')
    request.pipe(response)
  })
  let sent = 0
  async function* bytes() {
    for (; sent < size; sent += chunk.length) yield chunk
  }
  const echoed = await nodeFetch(vendor.url, { method: 'PUT', body: bytes() as unknown as BodyInit })
  let received = 0
  let most = 0
  for await (const part of Readable.fromWeb(echoed.body as Parameters<typeof Readable.fromWeb>[0])) {
    received += part.length
    most = Math.max(most, sent - received)
  }
  assert.equal(received, size)
  assert.ok(most < size / 4, `the source was read ${most} bytes ahead of the reader`)
})

test('a body that fails while it is read, a refusal before its end, an abort: each rejects or answers as it should', async () => {
  await using vendor = await serve((request, response) => {
    if (request.url === '/refuse') response.writeHead(413, { connection: 'close' }).end('too big')
    else request.resume().on('end', () => request.url !== '/never' && response.end('ok'))
  })
  async function* broken() {
    yield Buffer.from('half')
    throw new Error('vendor hung up')
  }
  await assert.rejects(
    nodeFetch(vendor.url, { method: 'POST', body: broken() as unknown as BodyInit }),
    /vendor hung up/,
  )

  const endless = new Readable({
    read() {
      this.push(Buffer.alloc(65536))
    },
  })
  const refused = await nodeFetch(`${vendor.url}/refuse`, { method: 'POST', body: endless as unknown as BodyInit })
  assert.deepEqual([refused.status, await refused.text()], [413, 'too big'])
  await new Promise(resolve => (endless.destroyed ? resolve(null) : endless.once('close', resolve)))

  const controller = new AbortController()
  const aborted = nodeFetch(`${vendor.url}/never`, { signal: controller.signal })
  setImmediate(() => controller.abort())
  await assert.rejects(aborted, { name: 'AbortError' })
  await assert.rejects(nodeFetch('http://127.0.0.1:1/'), { code: 'ECONNREFUSED' })
})

test('an ignored answer leaves no connection waiting, and a connection closed meanwhile is replaced', async () => {
  await using vendor = await serve((request, response) => {
    response.setHeader('content-type', 'application/json')
    if (request.method === 'DELETE') response.end(JSON.stringify({ padding: 'x'.repeat(200_000) }))
    else response.end('{"ok":true}')
  })
  const client = createClient({ url: vendor.url, fetch: nodeFetch })
  await client.data.delete('t', { _id: 'a', _rev: '1-a' })
  await client.data.delete('t', { _id: 'a', _rev: '1-a' })
  assert.equal(vendor.connections(), 1)
  vendor.server.closeIdleConnections()
  assert.deepEqual(await client.json('GET', '/again'), { ok: true })
})
