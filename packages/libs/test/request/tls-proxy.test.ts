import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import requestFactory, { RequestError } from '../../src/request/index.ts'
import { startSecureVendor, startVendor } from './vendor.ts'

const PROXY_VARIABLES = ['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'https_proxy', 'NO_PROXY', 'no_proxy']
const before = Object.fromEntries(PROXY_VARIABLES.map(name => [name, process.env[name]]))
const clearProxies = () => {
  for (const name of PROXY_VARIABLES) delete process.env[name]
}
clearProxies()
afterEach(clearProxies)
process.on('exit', () => Object.assign(process.env, before))

// biome-ignore lint/suspicious/noExplicitAny: callbacks of node:dns
type Any = any
const lookup = (_host: string, options: { all?: boolean }, done: Any) =>
  options.all ? done(null, [{ address: '127.0.0.1', family: 4 }]) : done(null, '127.0.0.1', 4)

test('[spec] a self-signed certificate is refused with Node’s message', async () => {
  await using vendor = await startSecureVendor()
  await assert.rejects(
    async () => requestFactory()(vendor.url),
    error =>
      error instanceof RequestError &&
      /self-signed certificate/.test(error.message) &&
      error.cause.code === 'DEPTH_ZERO_SELF_SIGNED_CERT',
  )
})

test('[spec] a certificate of another host is refused', async () => {
  await using vendor = await startSecureVendor()
  const request = requestFactory({ ca: vendor.certificate, lookup })
  await assert.rejects(async () => request(`https://wrong.test:${vendor.port}/`), {
    name: 'RequestError',
    message: /Hostname\/IP does not match certificate's altnames/,
  })
})

test('[spec] a certificate that has expired is refused', async () => {
  await using vendor = await startSecureVendor(undefined, -1)
  const request = requestFactory({ json: false, ca: vendor.certificate, lookup })
  await assert.rejects(async () => request(`https://localhost:${vendor.port}/`), {
    name: 'RequestError',
    message: /certificate has expired/,
  })
})

test('ca, strictSSL: false and rejectUnauthorized: false', async () => {
  await using vendor = await startSecureVendor()
  const named = `https://localhost:${vendor.port}/`
  assert.equal(await requestFactory({ json: false, ca: vendor.certificate, lookup })(named), 'secure')
  assert.equal(await requestFactory({ json: false, strictSSL: false })(vendor.url), 'secure')
  assert.equal(await requestFactory({ json: false, rejectUnauthorized: false })(vendor.url), 'secure')
})

test('environment proxies are read at each request', async () => {
  await using proxy = await startVendor((_seen, response) => void response.end('through the proxy'))
  await using vendor = await startVendor()
  const request = requestFactory({ json: false })
  assert.equal(await request(vendor.url), 'ok')
  for (const name of ['http_proxy', 'HTTP_PROXY']) {
    process.env[name] = proxy.url
    assert.equal(await request(`${vendor.url}/x`), 'through the proxy', name)
    assert.equal(proxy.last().url, `${vendor.url}/x`)
    assert.equal(proxy.last().headers.host, `127.0.0.1:${vendor.port}`)
    delete process.env[name]
  }
  assert.equal(await request(vendor.url), 'ok')
})

test('NO_PROXY and the proxy option', async () => {
  await using proxy = await startVendor((_seen, response) => void response.end('through the proxy'))
  await using vendor = await startVendor()
  const request = requestFactory({ json: false })
  process.env.http_proxy = proxy.url
  for (const value of ['*', '127.0.0.1', `other.test,127.0.0.1:${vendor.port}`]) {
    process.env.NO_PROXY = value
    assert.equal(await request(vendor.url), 'ok', value)
  }
  process.env.NO_PROXY = 'other.test'
  assert.equal(await request(vendor.url), 'through the proxy')
  assert.equal(await request(vendor.url, { proxy: null }), 'ok')
  clearProxies()
  assert.equal(await request(vendor.url, { proxy: proxy.url }), 'through the proxy')
})

test('https goes through a proxy by CONNECT', async () => {
  const { createServer } = await import('node:http')
  const { connect } = await import('node:net')
  await using vendor = await startSecureVendor()
  const asked: string[] = []
  const proxy = createServer()
  proxy.on('connect', ({ url = '' }, client, head) => {
    asked.push(url)
    const upstream = connect(vendor.port, '127.0.0.1', () => {
      client.write('HTTP/1.1 200 OK\r\n\r\n')
      upstream.write(head)
      upstream.pipe(client).pipe(upstream)
    })
    for (const socket of [upstream, client]) socket.on('error', () => socket.destroy())
  })
  await new Promise<void>(resolve => proxy.listen(0, '127.0.0.1', resolve))
  try {
    process.env.https_proxy = `http://127.0.0.1:${(proxy.address() as Any).port}`
    const request = requestFactory({ json: false, strictSSL: false })
    const named = `https://localhost:${vendor.port}/`
    assert.equal(await request(named), 'secure')
    // Node refuses a number as the name of a TLS handshake: this used to end the process.
    assert.equal(await request(vendor.url), 'secure')
    assert.deepEqual(asked, [`localhost:${vendor.port}`, `127.0.0.1:${vendor.port}`])
    // Through a tunnel too, certificates are checked.
    assert.equal(await requestFactory({ json: false, ca: vendor.certificate })(named), 'secure')
    const strict = requestFactory({ json: false, ca: vendor.certificate })
    await assert.rejects(async () => strict(vendor.url), /IP: 127\.0\.0\.1 is not in the cert's list/)
  } finally {
    proxy.closeAllConnections()
    proxy.close()
  }
})

test('insecureHTTPParser reaches Node', async () => {
  const { createServer } = await import('node:net')
  // A header with a control character: refused by the strict parser.
  const server = createServer(socket => {
    socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nx-bad: a\u0001b\r\ncontent-length: 2\r\n\r\nok'))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as Any).port}/`
  try {
    await assert.rejects(async () => requestFactory({ json: false })(url), /Parse Error/)
    assert.equal(await requestFactory({ json: false, insecureHTTPParser: true })(url), 'ok')
  } finally {
    server.close()
  }
})
