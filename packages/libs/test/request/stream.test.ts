import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { PassThrough, Readable, Stream } from 'node:stream'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import Bluebird from 'bluebird'
import requestFactory, { RequestError } from '../../src/request/index.ts'
import { startVendor } from './vendor.ts'

// biome-ignore lint/suspicious/noExplicitAny: Bluebird chains
type Any = any

test('a request is an event emitter, a stream and a promise; it is sent on the next tick', async () => {
  await using vendor = await startVendor()
  const sent = requestFactory({ json: false })(vendor.url)
  assert.ok(sent instanceof EventEmitter)
  assert.ok(sent instanceof Stream)
  assert.equal(sent.req, undefined, 'not sent yet')
  for (const method of ['then', 'catch', 'finally', 'cancel', 'promise', 'pipe', 'abort', 'on'] as const) {
    assert.equal(typeof sent[method], 'function', method)
  }
  assert.equal(await sent, 'ok')
})

test('then() gives a Bluebird 3 promise', async () => {
  await using vendor = await startVendor((_seen, response) => void response.end('[1,2,3]'))
  const request = requestFactory()
  const chain = (): Any => request(vendor.url).then(body => body)
  assert.deepEqual(await chain().mapSeries((n: number) => n * 2), [2, 4, 6])
  assert.deepEqual(await chain().map((n: number) => n + 1), [2, 3, 4])
  assert.equal(await chain().spread((a: number, b: number) => a + b), 3)
  const seen: unknown[] = []
  assert.deepEqual(
    await chain()
      .tap((list: unknown) => seen.push(list))
      .delay(1)
      .timeout(5000),
    [1, 2, 3],
  )
  assert.deepEqual(seen, [[1, 2, 3]])
  const promise: Any = request(vendor.url).promise()
  assert.equal(typeof promise.isCancelled, 'function')
  let done = 0
  assert.deepEqual(await request(vendor.url).finally(() => done++), [1, 2, 3])
  assert.equal(done, 1)
})

test('our Bluebird is a copy: the konnector’s own keeps its settings', async () => {
  await using vendor = await startVendor()
  await requestFactory()(vendor.url)
  let cancellation: unknown
  new Bluebird((resolve, _reject, onCancel) => {
    cancellation = onCancel
    resolve(0)
  })
  assert.equal(cancellation, undefined, 'cancellation is not turned on for it')
})

test('catch by class, as Bluebird has it', async () => {
  const vendor = await startVendor()
  await vendor[Symbol.asyncDispose]()
  const caught = await (requestFactory()(vendor.url) as Any).catch(RequestError, (error: Any) => error.cause.code)
  assert.equal(caught, 'ECONNREFUSED')
})

test('a request returned from an async function becomes its body; wrapped, it stays a stream', async () => {
  await using vendor = await startVendor()
  const request = requestFactory({ json: false })
  assert.equal(await (async () => request(vendor.url))(), 'ok')
  const { stream } = await (async () => ({ stream: request(vendor.url) }))()
  assert.equal(await text(stream.pipe(new PassThrough())), 'ok')
})

test('piping out gives the bytes, and response comes first', async () => {
  await using vendor = await startVendor(
    (_seen, response) => void response.setHeader('content-type', 'a/b').end('bytes'),
  )
  const sent = requestFactory({ json: false })(vendor.url)
  const body = text(sent.pipe(new PassThrough()))
  const [response] = await once(sent, 'response')
  assert.equal(response.headers['content-type'], 'a/b')
  assert.equal(await body, 'bytes')
})

test('piping in sends the bytes', async () => {
  await using vendor = await startVendor()
  const sent = requestFactory({ json: false }).post(vendor.url)
  Readable.from([Buffer.from('up')]).pipe(sent as Any)
  assert.equal(await sent, 'ok')
  assert.equal(vendor.last().text, 'up')
})

test('events: request, socket, redirect, response, data, end, complete', async () => {
  await using vendor = await startVendor(({ url }, response) => {
    if (url === '/') response.writeHead(302, { location: '/end' }).end()
    else response.end('body')
  })
  const sent = requestFactory({ json: false })(vendor.url)
  const seen: string[] = []
  for (const name of ['request', 'socket', 'redirect', 'response', 'data', 'end', 'complete']) {
    sent.on(name, () => seen.push(name))
  }
  await sent
  assert.deepEqual(
    seen.filter(name => name !== 'socket'),
    ['request', 'redirect', 'request', 'response', 'data', 'end', 'complete'],
  )
  assert.ok(seen.includes('socket'))
})

test('a piped request that nobody awaits keeps no copy of the body; one that is awaited has it', async () => {
  await using vendor = await startVendor((_seen, response) => void response.end('bytes'))
  const request = requestFactory({ json: false })
  const alone = request(vendor.url)
  const complete = once(alone, 'complete')
  assert.equal(await text(alone.pipe(new PassThrough())), 'bytes')
  await complete
  assert.equal(alone.response.body, undefined)

  const both = request(vendor.url)
  const piped = text(both.pipe(new PassThrough()))
  assert.equal(await both, 'bytes')
  assert.equal(await piped, 'bytes')
})

test('a failed download that was piped tells `error`, and is no unhandled rejection', async () => {
  await using vendor = await startVendor((_seen, response) => void response.writeHead(500).end('down'))
  const unhandled: unknown[] = []
  const listener = (reason: unknown) => unhandled.push(reason)
  process.on('unhandledRejection', listener)
  try {
    const sent = requestFactory({ json: false })(vendor.url)
    assert.equal(await text(sent.pipe(new PassThrough())), 'down')
    const refused = requestFactory({ json: false })('http://127.0.0.1:1/')
    refused.pipe(new PassThrough())
    const [error] = await once(refused, 'error').catch(reason => [reason])
    assert.equal(error.code, 'ECONNREFUSED')
    await new Promise(resolve => setImmediate(() => setImmediate(resolve)))
    assert.deepEqual(unhandled, [])
  } finally {
    process.off('unhandledRejection', listener)
  }
})

/** Runs a script in a process of its own: the test runner takes unhandled rejections and exceptions for itself. */
async function runScript(body: string): Promise<string> {
  const factory = JSON.stringify(new URL('../../src/request/index.ts', import.meta.url).href)
  const script = `import requestFactory from ${factory}; const vendor = process.argv[1]; ${body}`
  await using vendor = await startVendor((_seen, response) => void response.writeHead(500).end('down'))
  const child = spawn(process.execPath, ['--input-type=module', '-e', script, vendor.url])
  const output = Promise.all([text(child.stdout), text(child.stderr)])
  await once(child, 'close')
  const [out, err] = await output
  assert.equal(err, '')
  return out
}

test('a rejection that nobody looks at is told to the process', async () => {
  const out = await runScript(`
    process.on('unhandledRejection', reason => console.log(reason.name, reason.statusCode))
    requestFactory()(vendor)`)
  assert.equal(out, 'StatusCodeError 500\n')
})

test('a callback that throws is told to the process, and does not keep the promise pending', async () => {
  const out = await runScript(`
    process.on('uncaughtException', error => console.log('thrown', error.message))
    const request = requestFactory({ json: false, simple: false })
    console.log('body', await request(vendor, () => { throw new Error('mine') }))`)
  assert.equal(out, 'thrown mine\nbody down\n')
})

test('cancel() and abort() abort the HTTP request', async () => {
  for (const method of ['cancel', 'abort'] as const) {
    let closed: () => void = () => {}
    const connectionClosed = new Promise<void>(resolve => {
      closed = resolve
    })
    let arrived: () => void = () => {}
    const requestArrived = new Promise<void>(resolve => {
      arrived = resolve
    })
    await using vendor = await startVendor((_seen, response) => {
      response.on('close', closed)
      arrived()
    })
    const sent = requestFactory()(vendor.url)
    let ended = 0
    if (method === 'cancel') sent.finally(() => ended++)
    await requestArrived
    sent[method]()
    await connectionClosed
    if (method === 'cancel') {
      await new Promise(resolve => setImmediate(resolve))
      assert.equal(ended, 1, 'finally runs on cancellation')
      assert.equal((sent.promise() as Any).isCancelled(), true)
    }
  }
})
