import assert from 'node:assert/strict'
import { test } from 'node:test'
import Bluebird from 'bluebird'
import requestFactory, { createJar, TransformError } from '../../src/request/index.ts'
import { signin } from '../../src/signin.ts'
import { type Handler, startVendor } from '../request/vendor.ts'

// biome-ignore lint/suspicious/noExplicitAny: pages and responses of the compatible API
type Any = any

const PAGE = `
  <span id="no-form"></span>
  <form id="bare"><input name="u" value="1"></form>
  <form id="login" action="in?x=1" method="get">
    <input name="csrf" type="hidden" value="t0k">
    <input name="username" type="text">
    <input name="password" type="password">
    <input name="remember" type="checkbox" value="yes" checked>
    <input name="spam" type="checkbox" value="yes">
    <input name="off" value="x" disabled>
    <select name="lang"><option value="en">en</option><option value="fr" selected>fr</option></select>
    <textarea name="note">hi</textarea>
    <input name="twice" value="1"><input name="twice" value="2">
    <input type="submit" name="go" value="ok">
  </form>`

const site: Handler = ({ method, url, text, headers }, response) => {
  if (url === '/down') response.writeHead(503).end('down')
  else if (method === 'GET') response.setHeader('set-cookie', 'sid=1').end(PAGE)
  else if (text.includes('password=wrong')) response.writeHead(403).end('<p>no</p>')
  else if (text.includes('password=json')) response.end('{"ok":true}')
  else response.setHeader('x-mark', 'm').end(`<p>in</p><i>${headers.cookie ?? ''}</i>`)
}

const form = '#login'

test('the form is filled in and posted, with its own values', async () => {
  await using vendor = await startVendor(site)
  const url = `${vendor.url}/dir/page`
  const promise = signin({ url, formSelector: form, formData: { username: 'me', password: 'é&' }, jar: createJar() })
  assert.equal(typeof (promise as Any).tap, 'function', 'a Bluebird promise')
  const $ = await promise
  assert.equal($('p').text(), 'in')
  assert.equal($('i').text(), 'sid=1')
  const { method, url: path, headers, text } = vendor.last()
  assert.deepEqual([method, path, headers.referer], ['POST', '/dir/in?x=1', url])
  assert.equal(headers['content-type'], 'application/x-www-form-urlencoded')
  assert.deepEqual(Object.fromEntries(new URLSearchParams(text)), {
    csrf: 't0k',
    username: 'me',
    password: 'é&',
    remember: 'yes',
    lang: 'fr',
    note: 'hi',
    twice: '2',
  })
})

test('[spec] a form without action is posted to the page itself', async () => {
  await using vendor = await startVendor(site)
  assert.match(await signin({ url: `${vendor.url}/p?q=1`, formSelector: '#bare', parse: 'raw' }), /<p>in/)
  assert.deepEqual([vendor.last().url, vendor.last().text], ['/p?q=1', 'u=1'])
})

test('formData may be a function of the page', async () => {
  await using vendor = await startVendor(site)
  const formData = ($: Any) => ({ password: $('input[name=csrf]').val() })
  await signin({ url: vendor.url, formSelector: form, formData })
  assert.equal(new URLSearchParams(vendor.last().text).get('password'), 't0k')
})

test('[spec] wrong arguments throw at once', () => {
  assert.throws(() => signin({ formSelector: form } as Any), /signin: `url` must be defined/)
  assert.throws(() => signin({ url: 'http://x' } as Any), /signin: `formSelector` must be defined/)
  assert.throws(() => signin(), /must be defined/)
  assert.throws(
    () => signin({ url: 'http://x', formSelector: form, parse: 'other' } as Any),
    /UNKNOWN_PARSING_STRATEGY/,
  )
})

test('[spec] a selector that matches no form: INVALID_FORM', async () => {
  await using vendor = await startVendor(site)
  for (const formSelector of ['#no-form', '#nothing']) {
    await assert.rejects(async () => signin({ url: vendor.url, formSelector }), { message: 'INVALID_FORM' })
  }
})

test('parse: cheerio, json, raw; JSON that cannot be parsed is a TransformError', async () => {
  await using vendor = await startVendor(site)
  const run = (parse: 'cheerio' | 'json' | 'raw', password: string) =>
    signin({ url: vendor.url, formSelector: form, formData: { password }, parse })
  assert.equal((await run('cheerio', 'x'))('p').text(), 'in')
  assert.deepEqual(await run('json', 'json'), { ok: true })
  assert.equal(await run('raw', 'json'), '{"ok":true}')
  await assert.rejects(
    async () => run('json', 'x'),
    error => error instanceof TransformError,
  )
})

test('[spec] validate: falsy is LOGIN_FAILED, a throw passes unchanged', async () => {
  await using vendor = await startVendor(site)
  const run = (validate: Any) => async () => signin({ url: vendor.url, formSelector: form, validate })
  await assert.rejects(
    run(() => false),
    { message: 'LOGIN_FAILED' },
  )
  await assert.rejects(
    run(() => undefined),
    { message: 'LOGIN_FAILED' },
  )
  const mine = new Error('USER_ACTION_NEEDED')
  await assert.rejects(
    run(() => Promise.reject(mine)),
    error => error === mine,
  )
  await assert.rejects(
    run(() => {
      throw mine
    }),
    error => error === mine,
  )
  let given: Any[] = []
  await run((...args: Any[]) => {
    given = args
    return true
  })()
  const [status, $, full] = given
  assert.deepEqual([status, $('p').text()], [200, 'in'])
  assert.equal(full.headers['x-mark'], 'm')
  assert.equal(full.request.uri.href, `${vendor.url}/in?x=1`)
})

test('FIX-8: an async validate is awaited', async () => {
  await using vendor = await startVendor(site)
  const run = (validate: Any) => async () => signin({ url: vendor.url, formSelector: form, validate, parse: 'raw' })
  await assert.rejects(
    run(async () => false),
    { message: 'LOGIN_FAILED' },
  )
  await assert.rejects(
    run(() => Bluebird.delay(1).then(() => false)),
    { message: 'LOGIN_FAILED' },
  )
  assert.match(await run(async () => true)(), /<p>in/)
})

test('[spec] no answer or an error status, in either request: VENDOR_DOWN', async () => {
  await using vendor = await startVendor(site)
  const closed = await startVendor()
  await closed[Symbol.asyncDispose]()
  const wrong = { formData: { password: 'wrong' } }
  for (const options of [{ url: `${vendor.url}/down` }, { url: closed.url }, { url: vendor.url, ...wrong }]) {
    await assert.rejects(async () => signin({ formSelector: form, ...options }), { message: 'VENDOR_DOWN' })
  }
})

test('VENDOR_DOWN comes with one error line, of a page its beginning only', async t => {
  const lines: string[] = []
  t.mock.method(console, 'log', (line: string) => void lines.push(line))
  await using vendor = await startVendor((_seen, response) => void response.writeHead(503).end('x'.repeat(5000)))
  await assert.rejects(async () => signin({ url: vendor.url, formSelector: form }), { message: 'VENDOR_DOWN' })
  const { type, message } = JSON.parse(lines.join('\n'))
  assert.equal(type, 'error')
  assert.match(message, /^503 - "x{490,500}… \(5008 characters\)$/)
})

test('simple: false lets validate see other statuses; the default accepts 200 only', async () => {
  await using vendor = await startVendor(site)
  const options = { url: vendor.url, formSelector: form, formData: { password: 'wrong' }, simple: false }
  await assert.rejects(async () => signin(options), { message: 'LOGIN_FAILED' })
  const $ = await signin({ ...options, validate: (status: number) => status === 403 })
  assert.equal($('p').text(), 'no')
})

test('requestInstance is used, and then other request options are not', async () => {
  await using vendor = await startVendor(site)
  const jar = createJar()
  const requestInstance = requestFactory({ cheerio: true, jar, headers: { 'X-Mine': 'yes' } })
  await signin({ url: vendor.url, formSelector: form, requestInstance, headers: { 'X-Ignored': 'yes' } })
  assert.equal(vendor.last().headers['x-mine'], 'yes')
  assert.equal(vendor.last().headers['x-ignored'], undefined)
  assert.equal(jar.getCookieString(vendor.url), 'sid=1')
})

test('other options go to the requests: headers, encoding', async () => {
  await using vendor = await startVendor(({ method }, response) => {
    response.end(method === 'GET' ? PAGE : Buffer.from('<p>é</p>', 'latin1'))
  })
  const options = { url: vendor.url, formSelector: form, encoding: 'latin1', headers: { 'X-Mine': 'yes' } }
  assert.equal((await signin(options))('p').text(), 'é')
  assert.equal(vendor.last().headers['x-mine'], 'yes')
  assert.equal(vendor.last().headers.referer, vendor.url)
})
