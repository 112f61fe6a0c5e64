import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import requestFactory, { RequestError, StatusCodeError, TransformError } from '../../src/request/index.ts'
import { type Handler, startVendor } from './vendor.ts'

// biome-ignore lint/suspicious/noExplicitAny: errors and responses of the compatible API
type Any = any

const PAGE = '<html><body><h1>é</h1></body></html>'

const site: Handler = ({ url }, response) => {
  if (url === '/json') response.setHeader('x-mark', 'm').end('{"a":[1]}')
  else if (url === '/text') response.end('not json')
  else if (url === '/empty') response.end()
  else if (url === '/page') response.setHeader('x-mark', 'm').end(PAGE)
  else if (url === '/latin1')
    response.setHeader('content-type', 'text/html; charset=iso-8859-1').end(Buffer.from(PAGE, 'latin1'))
  else if (url === '/gzip') response.setHeader('content-encoding', 'gzip').end(gzipSync('{"z":1}'))
  else if (url === '/deflate') response.setHeader('content-encoding', 'deflate').end(deflateSync('{"d":1}'))
  else if (url === '/br') response.setHeader('content-encoding', 'br').end(brotliCompressSync('{"b":1}'))
  else if (url === '/bom') response.end('\uFEFF{"a":1}')
  else response.writeHead(Number(url.slice(1)) || 404, { 'x-mark': 'm' }).end('<b>no</b>')
}

const failure = async (promise: PromiseLike<unknown>): Promise<Any> => {
  try {
    await promise
  } catch (error) {
    return error
  }
  throw new Error('it did not reject')
}

test('resolve values', async () => {
  await using vendor = await startVendor(site)
  const request = requestFactory()
  const table: [path: string, options: object, expected: unknown][] = [
    ['/json', {}, { a: [1] }],
    ['/text', {}, 'not json'],
    ['/empty', {}, undefined],
    ['/empty', { json: false }, ''],
    ['/json', { json: false }, '{"a":[1]}'],
    ['/json', { json: false, encoding: null }, Buffer.from('{"a":[1]}')],
    ['/page', { json: false }, PAGE],
    ['/latin1', { json: false, encoding: 'latin1' }, PAGE],
    ['/latin1', { json: false, encoding: 'binary' }, PAGE],
    ['/latin1', { json: false }, Buffer.from(PAGE, 'latin1').toString('utf8')],
    ['/json', { json: false, encoding: 'base64' }, Buffer.from('{"a":[1]}').toString('base64')],
    ['/gzip', { gzip: true }, { z: 1 }],
    ['/deflate', { gzip: true }, { d: 1 }],
    ['/br', { gzip: true, json: false, encoding: null }, brotliCompressSync('{"b":1}')],
    ['/gzip', { json: false, encoding: null }, gzipSync('{"z":1}')],
    ['/404', { simple: false }, '<b>no</b>'],
    ['/json', { transform: (body: Any, response: Any) => [body.a, response.statusCode] }, [[1], 200]],
    ['/json', { transform: async () => 'async' }, 'async'],
  ]
  for (const [path, options, expected] of table) {
    assert.deepEqual(await request(vendor.url + path, options), expected, `${path} ${JSON.stringify(options)}`)
  }
})

test('gzip is off by default: nothing is asked for', async () => {
  await using vendor = await startVendor(site)
  await requestFactory()(`${vendor.url}/json`)
  assert.equal(vendor.last().headers['accept-encoding'], undefined)
  await requestFactory({ gzip: true })(`${vendor.url}/json`)
  assert.equal(vendor.last().headers['accept-encoding'], 'gzip, deflate')
})

test('json: true sends accept: application/json; cheerio does not', async () => {
  await using vendor = await startVendor(site)
  await requestFactory()(`${vendor.url}/json`)
  assert.equal(vendor.last().headers.accept, 'application/json')
  await requestFactory({ cheerio: true })(`${vendor.url}/page`)
  assert.equal(vendor.last().headers.accept, undefined)
})

test('cheerio gives $', async () => {
  await using vendor = await startVendor(site)
  const $ = await requestFactory({ cheerio: true })(`${vendor.url}/page`)
  assert.equal($('h1').text(), 'é')
})

test('the full response', async () => {
  await using vendor = await startVendor(site)
  const full: Any = await requestFactory({ resolveWithFullResponse: true })(`${vendor.url}/json`)
  assert.equal(full.statusCode, 200)
  assert.deepEqual(full.body, { a: [1] })
  assert.equal(full.headers['x-mark'], 'm')
  assert.equal(full.request.uri.href, `${vendor.url}/json`)
  assert.equal(full.request.href, `${vendor.url}/json`)
  const plain = full.toJSON()
  assert.deepEqual(Object.keys(plain), ['statusCode', 'body', 'headers', 'request'])
  assert.equal(plain.request.uri.href, `${vendor.url}/json`)
})

test('FIX-6: cheerio with the full response keeps headers', async () => {
  await using vendor = await startVendor(site)
  const full: Any = await requestFactory({ cheerio: true, resolveWithFullResponse: true })(`${vendor.url}/page`)
  assert.equal(full.body('h1').text(), 'é')
  assert.equal(full.headers['x-mark'], 'm')
  assert.equal(full.statusCode, 200)
  assert.equal(full.request.uri.href, `${vendor.url}/page`)
  assert.ok(full.rawHeaders.includes('x-mark'))
})

test('HEAD resolves with the headers, or the response', async () => {
  await using vendor = await startVendor(site)
  const request = requestFactory()
  assert.equal(((await request.head(`${vendor.url}/json`)) as Any)['x-mark'], 'm')
  assert.equal(((await request.head(`${vendor.url}/json`, { resolveWithFullResponse: true })) as Any).statusCode, 200)
  assert.throws(() => request.head(vendor.url, { body: 'x' }), /HEAD requests MUST NOT include a request body/)
})

test('a status outside 2xx is a StatusCodeError, 304 included', async () => {
  await using vendor = await startVendor(site)
  for (const status of [304, 400, 404, 500, 503]) {
    const error = await failure(requestFactory()(`${vendor.url}/${status}`))
    assert.ok(error instanceof StatusCodeError)
    assert.equal(error.name, 'StatusCodeError')
    assert.equal(error.statusCode, status)
    const body = status === 304 ? undefined : '<b>no</b>'
    assert.equal(error.message, `${status} - ${JSON.stringify(body)}`)
    assert.equal(error.error, body)
    assert.equal(error.options.uri, `${vendor.url}/${status}`)
    assert.equal(error.options.simple, true)
    assert.equal(error.response.statusCode, status)
    assert.equal(error.response.headers['x-mark'], 'm')
  }
})

test('with a transform, the error has the transformed response and the raw body', async () => {
  await using vendor = await startVendor(site)
  const request = requestFactory({ cheerio: true })
  const error = await failure(request(`${vendor.url}/500`))
  assert.equal(error.response('b').text(), 'no')
  assert.equal(error.error, '<b>no</b>')
  assert.equal(error.message, '500 - "<b>no</b>"')
  const full = await failure(request(`${vendor.url}/500`, { resolveWithFullResponse: true }))
  assert.equal(full.response.headers['x-mark'], 'm')
  const raw = await failure(request(`${vendor.url}/500`, { transform2xxOnly: true }))
  assert.equal(raw.response.body, '<b>no</b>')
})

test('a transform that throws is a TransformError', async () => {
  await using vendor = await startVendor(site)
  const cause = new Error('bad page')
  const transform = () => {
    throw cause
  }
  for (const path of ['/page', '/500']) {
    const error = await failure(requestFactory({ transform })(vendor.url + path))
    assert.ok(error instanceof TransformError)
    assert.equal(error.name, 'TransformError')
    assert.equal(error.message, 'Error: bad page')
    assert.equal(error.cause, cause)
    assert.equal(error.error, cause)
    assert.equal(typeof error.response.statusCode, 'number')
  }
})

test('wrong addresses are RequestErrors, not throws', async () => {
  const request = requestFactory()
  const table: [sent: () => PromiseLike<unknown>, message: string][] = [
    [() => request('nowhere'), 'Error: Invalid URI "nowhere"'],
    [() => request(''), 'Error: options.uri is a required argument'],
    [() => request({}), 'Error: options.uri is a required argument'],
    [() => request(undefined as Any), 'Error: options.uri is a required argument'],
    [() => request('ftp://host/'), 'Error: Invalid protocol: ftp:'],
  ]
  for (const [send, message] of table) {
    const error = await failure(send())
    assert.ok(error instanceof RequestError)
    assert.equal(error.message, message)
    assert.equal(error.cause, error.error)
    assert.equal(String(error.cause), message)
  }
})

test('network failures carry their code at err.cause.code', async () => {
  const vendor = await startVendor()
  await vendor[Symbol.asyncDispose]()
  const refused = await failure(requestFactory()(vendor.url))
  assert.ok(refused instanceof RequestError)
  assert.equal(refused.cause.code, 'ECONNREFUSED')
  assert.match(refused.message, /^Error: connect ECONNREFUSED 127\.0\.0\.1:/)
  assert.equal(refused.options.uri, vendor.url)

  const lookup = (_host: string, _options: object, done: Any) =>
    done(Object.assign(new Error('getaddrinfo ENOTFOUND nowhere.test'), { code: 'ENOTFOUND' }))
  const unknown = await failure(requestFactory({ lookup })('http://nowhere.test/'))
  assert.equal(unknown.cause.code, 'ENOTFOUND')
})

test('timeout: milliseconds without a byte, ESOCKETTIMEDOUT', async () => {
  await using vendor = await startVendor(() => {})
  const error = await failure(requestFactory({ timeout: 60 })(vendor.url))
  assert.ok(error instanceof RequestError)
  assert.equal(error.cause.code, 'ESOCKETTIMEDOUT')
  assert.equal(error.cause.connect, false)
})

test('timeout while connecting: ETIMEDOUT', async () => {
  // The name never resolves, so the socket stays connecting.
  const error = await failure(requestFactory({ timeout: 60, lookup: () => {} })('http://slow.test/'))
  assert.equal(error.cause.code, 'ETIMEDOUT')
  assert.equal(error.cause.connect, true)
})

test('an answer cut in the middle is a RequestError', async () => {
  const server = createServer(socket => {
    socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf'))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  try {
    const error = await failure(requestFactory()(`http://127.0.0.1:${(server.address() as Any).port}/`))
    assert.ok(error instanceof RequestError)
    assert.equal(error.cause.message, 'aborted')
  } finally {
    server.close()
  }
})

test('JSON.stringify of an error still says what it is', async () => {
  await using vendor = await startVendor(site)
  const error = await failure(requestFactory()(`${vendor.url}/404`))
  const { name, message, statusCode } = JSON.parse(JSON.stringify(error))
  assert.deepEqual([name, message, statusCode], ['StatusCodeError', '404 - "<b>no</b>"', 404])
})
