import assert from 'node:assert/strict'
import { test } from 'node:test'
import requestFactory, { RequestError, StatusCodeError } from '../../src/request/index.ts'
import { type Handler, startSecureVendor, startVendor } from './vendor.ts'

const site: Handler = ({ method, url }, response) => {
  const status = /^\/(30\d)/.exec(url)?.[1]
  if (status) response.writeHead(Number(status), { location: '/end?x=1' }).end('moved')
  else if (url.startsWith('/loop')) response.writeHead(302, { location: '/loop' }).end()
  else response.end(`${method} ${url}`)
}

test('redirects are followed, with GET on 301/302/303/308 and the same method on 307', async () => {
  await using vendor = await startVendor(site)
  const request = requestFactory({ json: false })
  const table: [status: number, method: string, arrives: string][] = [
    [301, 'GET', 'GET'],
    [301, 'POST', 'GET'],
    [302, 'POST', 'GET'],
    [303, 'PUT', 'GET'],
    [308, 'POST', 'GET'],
    [307, 'POST', 'POST'],
    [302, 'HEAD', 'HEAD'],
  ]
  for (const [status, method, arrives] of table) {
    const full = await request({ url: `${vendor.url}/${status}`, method, resolveWithFullResponse: true })
    assert.equal(vendor.last().method, arrives, `${status} ${method}`)
    assert.equal(full.request.uri.href, `${vendor.url}/end?x=1`)
    assert.equal(vendor.last().headers.referer, `${vendor.url}/${status}`)
  }
})

test('the body and its headers are dropped, and kept on 307 and with followOriginalHttpMethod the method', async () => {
  await using vendor = await startVendor(site)
  const request = requestFactory({ json: false })
  await request.post(`${vendor.url}/302`, { form: { a: 1 } })
  assert.equal(vendor.last().text, '')
  assert.equal(vendor.last().headers['content-type'], undefined)
  await request.post(`${vendor.url}/307`, { form: { a: 1 } })
  assert.equal(vendor.last().text, 'a=1')
  await request.post(`${vendor.url}/302`, { form: { a: 1 }, followOriginalHttpMethod: true })
  assert.equal(vendor.last().method, 'POST')
})

test('followRedirect: false alone does not stop; with followAllRedirects: false a 302 is a StatusCodeError', async () => {
  await using vendor = await startVendor(site)
  const request = requestFactory({ json: false })
  assert.equal(await request(`${vendor.url}/302`, { followRedirect: false }), 'GET /end?x=1')
  const stop = { followRedirect: false, followAllRedirects: false }
  await assert.rejects(
    async () => request(`${vendor.url}/302`, stop),
    error =>
      error instanceof StatusCodeError && error.statusCode === 302 && error.response.headers.location === '/end?x=1',
  )
  assert.equal(await request(`${vendor.url}/302`, { ...stop, simple: false }), 'moved')
  // Without followAllRedirects, a POST redirect is not followed, a GET one is.
  assert.equal(await request.post(`${vendor.url}/302`, { followAllRedirects: false, simple: false }), 'moved')
  assert.equal(await request(`${vendor.url}/302`, { followAllRedirects: false }), 'GET /end?x=1')
})

test('at most 10 redirects, or maxRedirects', async () => {
  await using vendor = await startVendor(site)
  const isLoop = (error: unknown) => error instanceof RequestError && /Exceeded maxRedirects/.test(error.message)
  await assert.rejects(async () => requestFactory()(`${vendor.url}/loop`), isLoop)
  assert.equal(vendor.seen.length, 11)
  await assert.rejects(async () => requestFactory()(`${vendor.url}/loop`, { maxRedirects: 2 }), isLoop)
  assert.equal(vendor.seen.length, 14)
})

test('authorization is dropped when the host changes, kept on the same host', async () => {
  await using other = await startVendor()
  await using vendor = await startVendor(({ url }, response) => {
    const elsewhere = `http://localhost:${other.port}/`
    response.writeHead(302, { location: url === '/out' ? elsewhere : other.url }).end()
  })
  const lookup = (_host: string, options: { all?: boolean }, done: Any) =>
    options.all ? done(null, [{ address: '127.0.0.1', family: 4 }]) : done(null, '127.0.0.1', 4)
  const request = requestFactory({ json: false, lookup, headers: { authorization: 'Bearer t' } })
  await request(`${vendor.url}/out`)
  assert.equal(other.last().headers.authorization, undefined)
  await request(`${vendor.url}/port`)
  assert.equal(other.last().headers.authorization, 'Bearer t')
})

test('a redirect between http and https is followed, both ways', async () => {
  await using plain = await startVendor(({ url }, response) => {
    if (url === '/up') response.writeHead(302, { location: `${secure.url}/in` }).end()
    else response.end('plain')
  })
  await using secure = await startSecureVendor(({ url }, response) => {
    if (url === '/down') response.writeHead(302, { location: `${plain.url}/in` }).end()
    else response.end('secure')
  })
  const request = requestFactory({ json: false, strictSSL: false })
  assert.equal(await request(`${plain.url}/up`), 'secure')
  assert.equal(await request(`${secure.url}/down`), 'plain')
})

// biome-ignore lint/suspicious/noExplicitAny: callbacks of node:dns
type Any = any
