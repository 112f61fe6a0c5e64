import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { PassThrough } from 'node:stream'
import { mock, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { installFetchCompat } from '../../src/cozy-client/node-response.ts'
import { phantomModule, phantomModules } from '../../src/phantom/index.ts'
import requestFactory, { RequestError, StatusCodeError, TransformError } from '../../src/request/index.ts'
import { startVendor } from '../request/vendor.ts'

// biome-ignore lint/suspicious/noExplicitAny: these are CommonJS modules as konnectors see them
type Any = any

const fromLibs = createRequire(new URL('../../src/phantom/index.ts', import.meta.url))
const fromCli = createRequire(new URL('../../../cli/src/x.ts', import.meta.url))

/** What a konnector gets for a name it does not declare. */
function phantom(specifier: string): Any {
  const found = phantomModule(specifier)
  if (!found) throw new Error(`nothing answers for ${specifier}`)
  return (found.from === 'cli' ? fromCli : fromLibs)(found.target)
}

test('every entry of the table can be required, and says why it is there', () => {
  for (const [name, { target, from, why }] of Object.entries(phantomModules)) {
    assert.ok(why.length > 10, name)
    if (from === 'file') assert.ok(existsSync(target), name)
    assert.ok(['function', 'object'].includes(typeof phantom(name)), name)
  }
})

test('paths inside hoisted packages are answered; other names are not', () => {
  assert.equal(phantom('lodash/get')({ a: 1 }, 'a'), 1)
  assert.equal(phantom('date-fns/format')(new Date(2026, 0, 2), 'yyyy-MM-dd'), '2026-01-02')
  const moment = phantom('moment')
  phantom('moment/locale/fr')
  assert.equal(moment('2026-01-02').locale('fr').format('MMMM'), 'janvier')
  assert.equal(phantom('bluebird/js/release/bluebird'), phantom('bluebird'))
  for (const name of ['lodashes', 'cheerio/slim', 'request/lib/helpers', 'constructor', '__proto__', 'left-pad']) {
    assert.equal(phantomModule(name), undefined, name)
  }
})

test('request: callbacks and streams, no promise', async () => {
  await using vendor = await startVendor((seen, response) => void response.end(`${seen.method} ${seen.text}`))
  const request = phantom('request')
  const call = (send: (done: Any) => Any) =>
    new Promise((resolve, reject) =>
      send((error: unknown, _response: unknown, body: unknown) => (error ? reject(error) : resolve(body))),
    )
  const sent = request(vendor.url)
  assert.equal(sent.then, undefined)
  assert.equal(await call(done => request(vendor.url, done)), 'GET ')
  assert.equal(await call(done => request.post({ url: vendor.url, form: { a: 1 } }, done)), 'POST a=1')
  assert.equal(await call(done => request.options(vendor.url, done)), 'OPTIONS ')
  assert.equal(await call(done => request.options({ url: vendor.url }, done)), 'OPTIONS ')
  assert.equal(await call(done => request.options(vendor.url, { json: true }, done)), 'OPTIONS ')
  assert.equal(await call(done => request.defaults({ method: 'PUT' })(vendor.url, done)), 'PUT ')
  assert.equal(await call(done => request.forever()(vendor.url, done)), 'GET ')
  assert.ok(sent instanceof request.Request)
  assert.equal(typeof request.jar().getCookieString, 'function')
  assert.equal(request.cookie('a=1').key, 'a')
  assert.equal(request.debug, false)
})

test('request-promise, and its errors are the classes that requestFactory throws', async () => {
  await using vendor = await startVendor((_seen, response) => void response.writeHead(404).end('no'))
  const rp = phantom('request-promise')
  const known = phantom('request-promise/errors')
  assert.equal(known.StatusCodeError, StatusCodeError)
  assert.equal(known.RequestError, RequestError)
  assert.equal(known.TransformError, TransformError)
  for (const send of [rp, rp.defaults({ json: true }), requestFactory()]) {
    await assert.rejects(
      async () => send(vendor.url),
      (error: Any) => error instanceof known.StatusCodeError && error.statusCode === 404,
    )
  }
  assert.equal(await rp({ uri: vendor.url, simple: false }), 'no')
  assert.equal(typeof rp(vendor.url, { simple: false }).promise().tap, 'function')
  // A jar made by one works in the other.
  const jar = rp.jar()
  jar.setCookie('a=1', vendor.url)
  await requestFactory({ jar, simple: false })(vendor.url)
  assert.equal(vendor.last().headers.cookie, 'a=1')
})

test('request-promise-native gives native promises', async () => {
  await using vendor = await startVendor()
  const promise = phantom('request-promise-native')(vendor.url).then((body: string) => body)
  assert.equal(promise.constructor, Promise)
  assert.equal(await promise, 'ok')
  assert.equal(phantom('request-promise-native/errors'), phantom('request-promise/errors'))
})

test('request-debug sees the requests of the process until stopDebugging', async () => {
  await using vendor = await startVendor()
  const request = phantom('request-promise')
  const requestDebug = phantom('request-debug')
  const seen: unknown[] = []
  requestDebug(request, (type: string, data: Any, sent: Any) =>
    seen.push([type, data.statusCode ?? data.method, sent.uri.href]),
  )
  await request(vendor.url)
  await requestFactory()(vendor.url)
  request.stopDebugging()
  await request(vendor.url)
  const one = [
    ['request', 'GET', `${vendor.url}/`],
    ['response', 200, `${vendor.url}/`],
  ]
  assert.deepEqual(seen, [...one, ...one])
  assert.throws(() => requestDebug(() => {}), /Pass what requiring the module request gave/)
})

test('cozy-logger: the function, its methods, namespaces', () => {
  const lines: Any[] = []
  const restore = mock.method(console, 'log', (line: string) => void lines.push(JSON.parse(line)))
  const log = phantom('cozy-logger')
  try {
    log('info', 'one', 'label', 'mine')
    log.warn('two')
    log.namespace('ns')('debug', 'three')
    log.namespace('ns').error('four')
  } finally {
    restore.mock.restore()
  }
  assert.deepEqual(
    lines.map(({ type, message, namespace }) => [type, message, namespace]),
    [
      ['info', 'one', 'mine'],
      ['warn', 'two', 'cozy-konnector-libs'],
      ['debug', 'three', 'ns'],
      ['error', 'four', 'ns'],
    ],
  )
  for (const name of ['setLevel', 'addFilter', 'setNoRetry', 'Secret', 'default'])
    assert.equal(typeof log[name], 'function', name)
})

test('cozy-flags: read, set, nested, list, reset, plugin', async () => {
  const flag = phantom('cozy-flags/dist/flag').default
  assert.equal(flag, phantom('cozy-flags'))
  assert.equal(flag('unset'), null)
  assert.equal(flag('a.b', 1), 1)
  assert.equal(flag('a.b'), 1)
  flag.enable({ 'harvest.x': { deep: { er: true } }, on: true })
  flag.enable(['listed'])
  assert.deepEqual(
    [flag('harvest.x.deep.er'), flag('harvest.x.no.er'), flag('on'), flag('listed')],
    [true, null, true, true],
  )
  assert.deepEqual(flag.list(), ['a.b', 'harvest.x', 'listed', 'on'])
  flag.reset()
  assert.deepEqual(flag.list(), [])

  const client = {
    stackClient: { fetchJSON: async (_verb: string, path: string) => ({ data: { attributes: { path } } }) },
  }
  await new flag.plugin(client).initializing
  assert.equal(flag('path'), '/settings/flags')
  const refused = { stackClient: { fetchJSON: () => Promise.reject(new Error('403')) } }
  await new flag.plugin(refused).initializing
  assert.equal(flag.plugin.pluginName, 'flags')
})

test('cozy-client: the class, Q, models; plugins register', async () => {
  const { default: CozyClient, CozyClient: named, Q, models } = phantom('cozy-client')
  assert.equal(CozyClient, named)
  assert.equal(Q('io.cozy.files').where({ a: 1 }).toDefinition().doctype, 'io.cozy.files')
  assert.equal(models.document.Qualification.getByLabel('pay_sheet').label, 'pay_sheet')
  assert.equal(phantom('cozy-client/dist/models'), models)
  assert.equal(phantom('cozy-client/dist/models/document'), models.document)
  // cozy-doctypes tells the clients apart by it.
  assert.equal(phantom('cozy-client/dist/CozyClient').default, CozyClient)
  const client = CozyClient.fromEnv()
  assert.ok(client instanceof CozyClient)
  for (const method of ['query', 'queryAll', 'save', 'collection'])
    assert.equal(typeof client[method], 'function', method)
  class Plugin {
    static pluginName = 'mine'
    constructor(given: unknown) {
      assert.equal(given, client)
    }
  }
  await client.registerPlugin(Plugin)
  assert.ok(client.plugins.mine instanceof Plugin)
  const heard: unknown[] = []
  client.on('login', () => heard.push('login'))
  await client.login()
  assert.deepEqual(heard, ['login'])
})

test('node-fetch and isomorphic-fetch: buffer(), Node streams, raw headers, form-data, timeout', async () => {
  await using vendor = await startVendor(({ url, text, headers }, response) => {
    if (url === '/slow') return
    response.setHeader('set-cookie', ['a=1', 'b=2']).end(`${headers['content-type'] ?? ''}|${text}`)
  })
  const fetch = phantom('node-fetch')
  assert.equal(phantom('isomorphic-fetch'), fetch)
  assert.equal(fetch.default, fetch)
  const response = await fetch(vendor.url, { method: 'POST', body: 'x' })
  assert.equal((await response.buffer()).toString(), 'text/plain;charset=UTF-8|x')
  assert.ok(Buffer.isBuffer(await (await fetch(vendor.url)).buffer()))
  assert.deepEqual((await fetch(vendor.url)).headers.raw()['set-cookie'], ['a=1', 'b=2'])
  assert.deepEqual(await (await fetch(`${vendor.url}`, {})).text(), '|')
  // At the start of a run the global fetch gets the same members: both on top of each other.
  const native = globalThis.fetch
  installFetchCompat()
  try {
    assert.ok(Buffer.isBuffer(await (await fetch(vendor.url)).buffer()))
  } finally {
    globalThis.fetch = native
  }
  const { text } = await import('node:stream/consumers')
  const { body } = await fetch(vendor.url, { method: 'POST', body: 'flow' })
  assert.equal(typeof body.pipe, 'function')
  assert.equal(await text(body.pipe(new PassThrough())), 'text/plain;charset=UTF-8|flow')
  const FormData = createRequire(fromLibs.resolve('@cypress/request'))('form-data')
  const form = new FormData()
  form.append('a', 'b')
  const sent = await (await fetch(vendor.url, { method: 'POST', body: form })).text()
  assert.match(sent, /^multipart\/form-data; ?boundary=[\s\S]*name="a"\r\n\r\nb\r\n/)
  await assert.rejects(fetch(`${vendor.url}/slow`, { timeout: 30 }), { name: 'TimeoutError' })
  await assert.rejects(fetch(vendor.url, { agent: {} }), /`agent` option is not available/)
  assert.equal(fetch.Headers, Headers)
  assert.ok(fetch.isRedirect(302))
})

test('opn prints the address where nothing opens it', () => {
  const file = fileURLToPath(new URL('../../src/phantom/opn.cjs', import.meta.url))
  const script = `require(${JSON.stringify(file)})('https://v.fr/oauth').then(opener => console.log(opener))`
  const { stdout, stderr } = spawnSync(process.execPath, ['-e', script], {
    env: { PATH: '/nonexistent' },
    encoding: 'utf8',
  })
  assert.equal(stderr, 'Open this address in a browser: https://v.fr/oauth\n')
  assert.equal(stdout, 'undefined\n')
})
