import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parse } from 'node:url'
import { promisify } from 'node:util'
import requestFactory, {
  createJar,
  DEFAULT_USER_AGENT,
  getRequestOptions,
  mergeDefaultOptions,
  transformWithCheerio,
} from '../../src/request/index.ts'
import { mergeOptions } from '../../src/request/merge-options.ts'
import { USER_AGENTS } from '../../src/request/user-agent.ts'
import { startVendor } from './vendor.ts'

const DEFAULTS = { debug: false, json: true, cheerio: false, headers: {}, followAllRedirects: true }

test('[spec] default options, under the caller’s', () => {
  assert.deepEqual(mergeDefaultOptions(), DEFAULTS)
  const given = { debug: true, followAllRedirects: false }
  assert.deepEqual(mergeDefaultOptions(given), { ...DEFAULTS, ...given })
  assert.deepEqual(given, { debug: true, followAllRedirects: false }, 'the caller’s object is not changed')
})

test('[spec] cheerio: true forces json: false', () => {
  assert.equal(mergeDefaultOptions({ cheerio: true, json: true }).json, false)
  assert.equal(mergeDefaultOptions({ cheerio: true }).json, false)
  assert.equal(mergeDefaultOptions({ cheerio: false, json: false }).json, false)
})

test('[spec] userAgent table', () => {
  const mine = { 'User-Agent': 'My specific User-Agent' }
  const table: [options: object, agent: string | undefined, transform: boolean][] = [
    [{ cheerio: false }, undefined, false],
    [{ cheerio: true }, DEFAULT_USER_AGENT, true],
    [{ cheerio: true, userAgent: true }, DEFAULT_USER_AGENT, true],
    [{ cheerio: true, userAgent: false }, undefined, true],
    [{ cheerio: true, headers: mine }, mine['User-Agent'], true],
    [{ headers: mine }, mine['User-Agent'], false],
    [{ userAgent: true }, DEFAULT_USER_AGENT, false],
    [{ userAgent: 'its text is ignored' }, DEFAULT_USER_AGENT, false],
    [{ userAgent: false, headers: mine }, mine['User-Agent'], false],
  ]
  for (const [options, agent, transform] of table) {
    const made = getRequestOptions(mergeDefaultOptions(options))
    assert.equal(made.headers['User-Agent'], agent, JSON.stringify(options))
    assert.equal(made.transform !== undefined, transform, JSON.stringify(options))
  }
})

test('the default agent is one of ten desktop browsers', () => {
  assert.equal(new Set(USER_AGENTS).size, 10)
  assert.ok(USER_AGENTS.includes(DEFAULT_USER_AGENT))
})

test('[spec] the cheerio transform gives $, or a copy of the response with it', () => {
  assert.equal(transformWithCheerio('<h1>Hello, World!</h1>').text(), 'Hello, World!')
  assert.equal(transformWithCheerio('<h1>Hello, World!</h1>', {}, true).body.text(), 'Hello, World!')
})

test('headers: undefined is a TypeError when the factory is called', () => {
  assert.throws(() => requestFactory({ headers: undefined } as object), TypeError)
})

test('the factory gives a function with exactly these keys, and defaults() the same kind', () => {
  const keys = ['get', 'head', 'post', 'put', 'patch', 'del', 'delete', 'cookie', 'jar', 'defaults']
  const request = requestFactory()
  assert.equal(typeof request, 'function')
  assert.deepEqual(Object.keys(request), keys)
  assert.deepEqual(Object.keys(request.defaults({ headers: { a: '1' } })), keys)
})

test('call forms: (uri), (uri, options), (options) with uri or url, parsed URLs, a last callback', async () => {
  await using vendor = await startVendor((seen, response) => void response.end(`${seen.method} ${seen.url}`))
  const request = requestFactory({ json: false })
  const at = `${vendor.url}/a?b=c`
  const forms: [name: string, sent: PromiseLike<unknown>, expected: string][] = [
    ['uri', request(at), 'GET /a?b=c'],
    ['uri, options', request(at, { method: 'PUT' }), 'PUT /a?b=c'],
    ['{uri}', request({ uri: at }), 'GET /a?b=c'],
    ['{url}', request({ url: at }), 'GET /a?b=c'],
    ['{url: parsed}', request({ url: parse(at) }), 'GET /a?b=c'],
    ['{uri: URL}', request({ uri: new URL(at) }), 'GET /a?b=c'],
    ['{uri: URL, qs}', request({ uri: new URL(at), qs: { d: 'e' } }), 'GET /a?b=c&d=e'],
    ['parsed', request(parse(at)), 'GET /a?b=c'],
    ['get', request.get(at), 'GET /a?b=c'],
    ['post', request.post({ url: at }), 'POST /a?b=c'],
    ['put', request.put(at), 'PUT /a?b=c'],
    ['patch', request.patch(at), 'PATCH /a?b=c'],
    ['del', request.del(at), 'DELETE /a?b=c'],
    ['delete', request.delete(at, { headers: {} }), 'DELETE /a?b=c'],
    ['verb wins', request.post(at, { method: 'GET' }), 'POST /a?b=c'],
    ['baseUrl', request('/a?b=c', { baseUrl: vendor.url }), 'GET /a?b=c'],
  ]
  for (const [name, sent, expected] of forms) assert.equal(await sent, expected, name)

  for (const send of [
    (done: Any) => request(at, done),
    (done: Any) => request(at, {}, done),
    (done: Any) => request({ uri: at }, done),
    (done: Any) => request({ uri: at, callback: done }),
    (done: Any) => request.get(at, done),
  ]) {
    const [response, body] = await new Promise<Any[]>((resolve, reject) =>
      send((error: unknown, ...rest: unknown[]) => (error ? reject(error) : resolve(rest))),
    )
    assert.deepEqual([response.statusCode, body], [200, 'GET /a?b=c'])
  }
})

test('methods work without `this`, and promisify works on a callback form', async () => {
  await using vendor = await startVendor()
  const { get, defaults } = requestFactory({ json: false })
  assert.equal(await get(vendor.url), 'ok')
  assert.equal(await defaults({})(vendor.url), 'ok')
  const response = await promisify((uri: string, done: Any) => void get(uri, done))(vendor.url)
  assert.equal((response as Any).statusCode, 200)
})

test('defaults merge deeply, undefined never overrides, class instances pass by reference', async () => {
  const jar = createJar()
  const target = { headers: { a: '1', b: '2' }, form: { list: ['x', 'y'] }, jar, json: true }
  const merged = mergeOptions(target, {
    headers: { b: '3', c: '4' },
    form: { list: ['z'] },
    jar: undefined,
    json: false,
  })
  assert.deepEqual(merged, {
    headers: { a: '1', b: '3', c: '4' },
    form: { list: ['z', 'y'] },
    jar,
    json: false,
  })
  assert.equal(merged.jar, jar)
  assert.deepEqual(target.headers, { a: '1', b: '2' }, 'defaults are not changed')
  assert.equal(({} as Any).polluted, undefined)
  mergeOptions({}, JSON.parse('{"__proto__": {"polluted": true}}'))
  assert.equal(({} as Any).polluted, undefined)

  await using vendor = await startVendor()
  const base = requestFactory({ headers: { 'X-A': '1' } })
  const more = base.defaults({ headers: { 'X-B': '2' } })
  await more(vendor.url, { headers: { 'X-C': '3', 'X-B': undefined } })
  const { 'x-a': a, 'x-b': b, 'x-c': c } = vendor.last().headers
  assert.deepEqual([a, b, c], ['1', '2', '3'])
  await base(vendor.url)
  assert.equal(vendor.last().headers['x-b'], undefined)
})

test('Node options reach http.request: lookup', async () => {
  await using vendor = await startVendor()
  const lookup = (_host: string, options: { all?: boolean }, done: Any) =>
    options.all ? done(null, [{ address: '127.0.0.1', family: 4 }]) : done(null, '127.0.0.1', 4)
  assert.equal(await requestFactory({ json: false, lookup })(`http://vendor.test:${vendor.port}/`), 'ok')
  assert.equal(vendor.last().headers.host, `vendor.test:${vendor.port}`)
})

test('OAuth 1 is refused with a sentence, and nothing is sent', async () => {
  await using vendor = await startVendor()
  await assert.rejects(async () => requestFactory()(vendor.url, { oauth: { consumer_key: 'k' } }), {
    name: 'RequestError',
    message: /OAuth 1 .* is no longer supported/,
  })
  assert.equal(vendor.seen.length, 0)
})

// biome-ignore lint/suspicious/noExplicitAny: callbacks of the compatible API
type Any = any
