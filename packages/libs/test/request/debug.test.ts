import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mock, test } from 'node:test'
import { promisify } from 'node:util'
import requestFactory, { type DebugEvent, type DebugMode } from '../../src/request/index.ts'
import { type Handler, startVendor } from './vendor.ts'

const site: Handler = ({ url }, response) => {
  if (url === '/') response.writeHead(302, { location: '/end' }).end()
  else response.writeHead(200, { 'content-length': 7 }).end('{"a":1}')
}

/** What a factory with this debug mode prints for one POST of `a=1` that is redirected once. */
async function printed(debug: DebugMode): Promise<{ url: string; calls: unknown[][] }> {
  await using vendor = await startVendor(site)
  const calls: unknown[][] = []
  const restore = mock.method(console, 'error', (...args: unknown[]) => void calls.push(args))
  try {
    await requestFactory({ debug }).post(vendor.url, { form: { a: 1 } })
    // Scoped: another factory prints nothing.
    await requestFactory()(`${vendor.url}/quiet`)
  } finally {
    restore.mock.restore()
  }
  return { url: vendor.url, calls }
}

test('true prints objects', async () => {
  const { url, calls } = await printed(true)
  const shown = calls.map(([object]) => object as Record<string, Record<string, unknown>>)
  assert.deepEqual(
    shown.map(object => Object.keys(object)),
    [['request'], ['redirect'], ['request'], ['response']],
  )
  const [first, redirect, , response] = shown
  assert.equal(first?.request?.uri, `${url}/`)
  assert.equal(first?.request?.method, 'POST')
  assert.equal(first?.request?.body, 'a=1')
  assert.equal(redirect?.redirect?.statusCode, 302)
  assert.equal(redirect?.redirect?.uri, `${url}/end`)
  assert.deepEqual(response?.response?.body, { a: 1 })
  const ids = shown.map(object => Object.values(object)[0]?.debugId)
  assert.equal(new Set(ids).size, 1, 'one id for the events of one request')
})

test('json prints one line per event', async () => {
  const { url, calls } = await printed('json')
  const lines = calls.map(([line]) => JSON.parse(line as string))
  assert.deepEqual(
    lines.map(({ type }) => type),
    ['request', 'redirect', 'request', 'response'],
  )
  assert.equal(lines[0].data.uri, `${url}/`)
})

test('simple prints one line of text', async () => {
  const { url, calls } = await printed('simple')
  assert.deepEqual(calls, [
    [`POST -> ${url}/ Content-Length: 3`],
    [`<- 302 ${url}/end`],
    [`GET -> ${url}/end `],
    ['<- 200  Content-Length: 7'],
  ])
})

test('full adds headers and body; an object body is not spelled out', async () => {
  const { url, calls } = await printed('full')
  const [first, , , last] = calls.map(([textual]) => textual as string)
  assert.ok(first?.startsWith(`POST -> ${url}/ Content-Length: 3\n\nBEGIN HEADERS\n`))
  assert.match(
    first ?? '',
    /content-type: application\/x-www-form-urlencoded\n[\s\S]*END HEADERS\n\nBEGIN BODY\na=1\nEND BODY/,
  )
  assert.match(last ?? '', /BEGIN BODY\n\[object Object\]\nEND BODY/)
})

test('a function receives strings, type, data and the request', async () => {
  const events: DebugEvent[] = []
  const { calls } = await printed(event => void events.push(event))
  assert.deepEqual(calls, [], 'nothing is printed')
  assert.deepEqual(
    events.map(({ type }) => type),
    ['request', 'redirect', 'request', 'response'],
  )
  const [first] = events
  assert.equal(first?.strings.oneline.startsWith('POST -> '), true)
  assert.equal(first?.strings.body, 'a=1')
  assert.equal(first?.resp.method, 'GET', 'the request itself, as it is now')
})

test('NODE_DEBUG=request makes the HTTP library print its steps', async () => {
  await using vendor = await startVendor()
  const libs = JSON.stringify(new URL('../../src/request/index.ts', import.meta.url).href)
  const script = `import requestFactory from ${libs}; await requestFactory({ json: false })(${JSON.stringify(vendor.url)})`
  const env = { PATH: process.env.PATH, NODE_DEBUG: 'request' }
  const { stderr } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], { env })
  assert.match(stderr, /^REQUEST /)
  assert.match(stderr, /response end http:\/\/127\.0\.0\.1/)
})

test('defaults() of a debugged factory is debugged too', async () => {
  await using vendor = await startVendor(site)
  const types: string[] = []
  const request = requestFactory({ debug: ({ type }: DebugEvent) => void types.push(type) })
  await request.defaults({ headers: { a: '1' } })(`${vendor.url}/end`)
  assert.deepEqual(types, ['request', 'response'])
})
