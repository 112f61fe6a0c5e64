import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { BadAnswerError, createHttp, HttpError, NetworkError } from '../../src/http/index.ts'
import { startVendor } from '../vendor-server.ts'

const echo = { '/echo': (_: unknown, response: { end(text: string): void }, body: string) => response.end(body) }

describe('requests', () => {
  test('forms, JSON, queries and headers are sent as they should be', async () => {
    await using vendor = await startVendor(echo)
    const http = createHttp({ baseUrl: vendor.url, headers: { 'x-a': '1', 'x-b': '1' } })
    await http.post('/echo', { form: { login: 'é&', list: ['1', '2'], none: undefined } })
    await http.put('/echo', { json: { a: 1 }, headers: { 'x-b': '2', 'x-a': undefined } })
    await http.get('/echo?a=1', { query: { b: 'c d', a: [2, true] } })
    await http.patch('/echo', { body: new Uint8Array([65, 66]) })
    await http.delete('/echo', { auth: { user: 'u', password: 'p' } })
    await http.head('/echo', { auth: { bearer: 't' } })
    const [form, json, query, bytes, basic, bearer] = vendor.requests
    assert.equal(form?.body, 'login=%C3%A9%26&list=1&list=2')
    assert.equal(form?.headers['content-type'], 'application/x-www-form-urlencoded;charset=UTF-8')
    assert.match(form?.headers['user-agent'] ?? '', /Firefox/)
    assert.deepEqual([json?.body, json?.headers['content-type']], ['{"a":1}', 'application/json'])
    assert.deepEqual([json?.headers['x-a'], json?.headers['x-b']], [undefined, '2'])
    assert.equal(query?.path, '/echo?a=1&b=c+d&a=2&a=true')
    assert.deepEqual([bytes?.method, bytes?.body], ['PATCH', 'AB'])
    assert.equal(basic?.headers.authorization, 'Basic dTpw')
    assert.deepEqual([bearer?.method, bearer?.headers.authorization], ['HEAD', 'Bearer t'])
  })

  test('credentials in an address become a header', async () => {
    await using vendor = await startVendor(echo)
    await createHttp().get(`${vendor.url.replace('//', '//me:p%40ss@')}/echo`)
    assert.equal(vendor.requests[0]?.headers.authorization, `Basic ${btoa('me:p@ss')}`)
  })

  test('two bodies are a mistake', async () => {
    await assert.rejects(createHttp().post('http://x.example/', { form: {}, json: {} }), /only one of form, json/)
  })

  test('extend shares the cookies', async () => {
    await using vendor = await startVendor({
      '/set': (_, response) => response.setHeader('set-cookie', 'a=1').end(),
      ...echo,
    })
    const http = createHttp({ baseUrl: vendor.url })
    await http.get('/set')
    await http.extend({ headers: { 'x-api': '1' } }).get('/echo')
    assert.deepEqual([vendor.requests[1]?.headers.cookie, vendor.requests[1]?.headers['x-api']], ['a=1', '1'])
  })
})

describe('redirects', () => {
  test('keep the cookies of every hop, and POST becomes GET', async () => {
    await using vendor = await startVendor({
      '/login': (_, response) => response.writeHead(302, { location: '/step', 'set-cookie': ['sid=1', 'x=2'] }).end(),
      '/step': (_, response) => response.writeHead(301, { location: 'home?q=1', 'set-cookie': 'x=3' }).end(),
      '/home': (_, response) => response.end('welcome'),
    })
    const http = createHttp()
    const response = await http.post(`${vendor.url}/login`, { form: { a: 1 } })
    assert.deepEqual(
      [await response.text(), response.url, response.redirected],
      ['welcome', `${vendor.url}/home?q=1`, true],
    )
    const home = vendor.requests[2]
    assert.deepEqual([home?.method, home?.body, home?.headers.cookie], ['GET', '', 'sid=1; x=3'])
    assert.equal(home?.headers['content-type'], undefined)
  })

  const methods: [status: number, method: string, then: string, body: string][] = [
    [301, 'POST', 'GET', ''],
    [302, 'POST', 'GET', ''],
    [303, 'POST', 'GET', ''],
    [307, 'POST', 'POST', 'a=1'],
    [308, 'POST', 'POST', 'a=1'],
    [302, 'PUT', 'PUT', 'a=1'],
    [303, 'PUT', 'GET', ''],
    [303, 'HEAD', 'HEAD', ''],
  ]
  for (const [status, method, then, body] of methods) {
    test(`${status} after ${method} is a ${then}`, async () => {
      await using vendor = await startVendor({
        '/from': (_, response) => response.writeHead(status, { location: '/to' }).end(),
        '/to': (_, response) => response.end(),
      })
      await createHttp().request(method, `${vendor.url}/from`, method === 'HEAD' ? {} : { form: { a: 1 } })
      assert.deepEqual([vendor.requests[1]?.method, vendor.requests[1]?.body], [then, body])
    })
  }

  test('authorization stays on its host', async () => {
    await using vendor = await startVendor({
      '/near': (_, response) => response.writeHead(302, { location: '/far' }).end(),
      '/far': (_, response) => response.writeHead(302, { location: `${vendor.otherUrl}/end` }).end(),
      '/end': (_, response) => response.end(),
    })
    await createHttp().get(`${vendor.url}/near`, { auth: { bearer: 't' } })
    assert.deepEqual(
      vendor.requests.map(request => request.headers.authorization),
      ['Bearer t', 'Bearer t', undefined],
    )
  })

  test('ten are followed, not eleven', async () => {
    let left = 0
    await using vendor = await startVendor({
      '/loop': (_, response) => {
        if (left-- > 0) response.writeHead(302, { location: '/loop' }).end()
        else response.end('end')
      },
    })
    left = 10
    assert.equal(await createHttp().get(`${vendor.url}/loop`).text(), 'end')
    left = 11
    await assert.rejects(createHttp().get(`${vendor.url}/loop`), BadAnswerError)
  })

  test('manual gives the redirect itself, with its cookies', async () => {
    await using vendor = await startVendor({
      '/from': (_, response) => response.writeHead(302, { location: 'app://done?code=1', 'set-cookie': 'a=1' }).end(),
    })
    const http = createHttp()
    const response = await http.get(`${vendor.url}/from`, { redirect: 'manual' })
    assert.deepEqual([response.status, response.headers.get('location')], [302, 'app://done?code=1'])
    assert.equal(http.jar.cookieHeader(vendor.url), 'a=1')
    await assert.rejects(http.get(`${vendor.url}/from`), /app: address/)
  })
})

describe('answers', () => {
  test('text is decoded with the charset of the header, the page, or UTF-8', async () => {
    const latin1 = (text: string) => Buffer.from(text, 'latin1')
    const pages: [type: string, body: Buffer][] = [
      ['text/html; charset=ISO-8859-1', latin1('é')],
      ['text/html; charset="windows-1252"', Buffer.from([0x80])],
      ['text/html', latin1('<html><head><meta charset="iso-8859-15">é')],
      ['text/html', latin1('<meta http-equiv="Content-Type" content="text/html; charset=iso-8859-1">é')],
      ['application/xml', latin1('<?xml version="1.0" encoding="ISO-8859-1"?>é')],
      ['text/html; charset=ISO-8859-1', Buffer.from('\uFEFFé')],
      ['text/plain', Buffer.from('é')],
      ['text/plain; charset=none', Buffer.from('é')],
    ]
    await using vendor = await startVendor({
      '/page': (request, response) => {
        const [type, body] = pages[Number(request.url?.split('?')[1])] as [string, Buffer]
        response.writeHead(200, { 'content-type': type }).end(body)
      },
    })
    const texts = await Promise.all(pages.map((_, index) => createHttp().get(`${vendor.url}/page?${index}`).text()))
    assert.deepEqual(
      texts.map(text => text.at(-1)),
      ['é', '€', 'é', 'é', 'é', 'é', 'é', 'é'],
    )
  })

  test('compressed bodies come out as they were', async () => {
    await using vendor = await startVendor({
      '/zip': (_, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('{"a":1}')),
    })
    assert.deepEqual(await createHttp().get(`${vendor.url}/zip`).json(), { a: 1 })
  })

  test('what is not JSON says what it is, without showing it', async () => {
    await using vendor = await startVendor({
      '/html': (_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<p>secret name</p>'),
      '/empty': (_, response) => response.end(),
    })
    const http = createHttp()
    await assert.rejects(http.get(`${vendor.url}/html`).json(), (error: Error) => {
      assert.ok(error instanceof BadAnswerError)
      assert.match(error.message, /expected JSON, got 18 characters of text\/html/)
      return !error.message.includes('secret')
    })
    assert.equal(await http.get(`${vendor.url}/empty`).json(), undefined)
  })

  test('a bad status is an HttpError with all there is to know, and a message without the query', async () => {
    await using vendor = await startVendor({
      '/no': (_, response) => response.writeHead(403, { 'x-why': 'because' }).end('forbidden page'),
    })
    const http = createHttp()
    await assert.rejects(http.get(`${vendor.url}/no?token=secret`), (error: unknown) => {
      assert.ok(error instanceof HttpError)
      assert.deepEqual([error.status, error.body, error.headers.get('x-why')], [403, 'forbidden page', 'because'])
      assert.equal(error.message, `403 from GET ${vendor.url}/no?…`)
      return true
    })
    assert.equal((await http.get(`${vendor.url}/no`, { throwHttpErrors: false })).status, 403)
  })

  test('a body can be streamed', async () => {
    await using vendor = await startVendor({ '/file': (_, response) => response.end('x'.repeat(100_000)) })
    const { body } = await createHttp().get(`${vendor.url}/file`)
    let size = 0
    for await (const chunk of body ?? []) size += (chunk as Uint8Array).length
    assert.equal(size, 100_000)
  })
})

describe('no answer', () => {
  test('refused', async () => {
    const vendor = await startVendor({})
    await vendor[Symbol.asyncDispose]()
    await assert.rejects(createHttp().get(`${vendor.url}/?token=secret`), (error: unknown) => {
      assert.ok(error instanceof NetworkError)
      assert.equal(error.code, 'ECONNREFUSED')
      return !error.message.includes('secret')
    })
  })

  test('cut in the middle of a body', async () => {
    await using vendor = await startVendor({
      '/cut': (_, response) => {
        response.writeHead(200, { 'content-length': '1000' }).write('half')
        setImmediate(() => response.destroy())
      },
    })
    const response = createHttp().get(`${vendor.url}/cut`)
    await assert.rejects(response.text(), NetworkError)
  })

  test('silence before and during an answer runs into the timeout; a slow answer does not', async () => {
    await using vendor = await startVendor({
      '/silent': () => {},
      '/stops': (_, response) => response.writeHead(200).write('x'),
      '/slow': async (_, response) => {
        for (let i = 0; i < 5; i++) {
          response.write('x')
          await new Promise(resolve => setTimeout(resolve, 60))
        }
        response.end()
      },
    })
    const http = createHttp({ timeout: 200 })
    await assert.rejects(http.get(`${vendor.url}/silent`), { name: 'NetworkError', code: 'TIMEOUT' })
    await assert.rejects(http.get(`${vendor.url}/stops`).text(), { name: 'NetworkError', code: 'TIMEOUT' })
    assert.equal(await http.get(`${vendor.url}/slow`).text(), 'xxxxx')
  })

  test('an abort rejects with its own reason', async () => {
    await using vendor = await startVendor({ '/silent': () => stop.abort(new Error('enough')) })
    const stop = new AbortController()
    await assert.rejects(createHttp({ signal: stop.signal }).get(`${vendor.url}/silent`), { message: 'enough' })
  })
})

describe('retries', () => {
  const failing = (times: number, status = 503, headers: Record<string, string> = {}) =>
    startVendor({
      '/': (_, response) => {
        if (times-- > 0) response.writeHead(status, { 'retry-after': '0', ...headers }).end()
        else response.end('at last')
      },
    })

  test('are made when asked for, and only then', async () => {
    await using vendor = await failing(2)
    await assert.rejects(createHttp().get(vendor.url), HttpError)
    assert.equal(await createHttp({ retries: 1 }).get(vendor.url).text(), 'at last')
    assert.equal(vendor.requests.length, 3)
  })

  test('are not made for what may not be sent twice, nor for what will not pass', async () => {
    await using vendor = await failing(99)
    await assert.rejects(createHttp({ retries: 3 }).post(vendor.url), HttpError)
    await using gone = await failing(99, 404)
    await assert.rejects(createHttp({ retries: 3 }).get(gone.url), HttpError)
    assert.deepEqual([vendor.requests.length, gone.requests.length], [1, 1])
  })

  test('give up on a vendor that asks for too much patience', async () => {
    await using vendor = await failing(99, 429, { 'retry-after': '3600' })
    await assert.rejects(createHttp({ retries: 3 }).get(vendor.url), { status: 429 })
    assert.equal(vendor.requests.length, 1)
  })
})
