import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { test } from 'node:test'
import requestFactory, { RequestError } from '../../src/request/index.ts'
import { startVendor } from './vendor.ts'

const date = new Date('2026-01-02T03:04:05.678Z')

test('form: urlencoded as request does it', async () => {
  await using vendor = await startVendor()
  const request = requestFactory({ json: false })
  const table: [name: string, options: object, sent: string][] = [
    ['rfc 3986', { form: { a: "!'()* ~é+&=" } }, 'a=%21%27%28%29%2A%20~%C3%A9%2B%26%3D'],
    ['array', { form: { a: [1, 2] } }, 'a%5B0%5D=1&a%5B1%5D=2'],
    ['nested', { form: { a: { b: 'c' } } }, 'a%5Bb%5D=c'],
    ['null', { form: { k: null } }, 'k='],
    ['undefined', { form: { a: 1, b: undefined } }, 'a=1'],
    ['date', { form: { d: date } }, 'd=2026-01-02T03%3A04%3A05.678Z'],
    ['empty array', { form: { a: [], b: 1 } }, 'b=1'],
    ['boolean', { form: { a: true } }, 'a=true'],
    ['string', { form: "a=é b!'()*" }, 'a=é b%21%27%28%29%2A'],
    ['useQuerystring', { form: { a: [1, 2] }, useQuerystring: true }, 'a=1&a=2'],
  ]
  for (const [name, options, sent] of table) {
    await request.post(vendor.url, options)
    assert.equal(vendor.last().text, sent, name)
    assert.equal(vendor.last().headers['content-type'], 'application/x-www-form-urlencoded', name)
    assert.equal(vendor.last().headers['content-length'], String(Buffer.byteLength(sent)), name)
  }
})

test('JSON bodies', async () => {
  await using vendor = await startVendor()
  const request = requestFactory()
  for (const options of [{ body: { a: 'é' } }, { body: { a: 'é' }, json: true }, { json: { a: 'é' } }]) {
    await request.post(vendor.url, options)
    assert.equal(vendor.last().text, '{"a":"é"}')
    assert.equal(vendor.last().headers['content-type'], 'application/json')
    assert.equal(vendor.last().headers.accept, 'application/json')
  }
  await request.post(vendor.url, { json: false, body: 'raw' })
  assert.equal(vendor.last().text, 'raw')
  await request.post(vendor.url, { json: false, body: Buffer.from([0, 255]) })
  assert.deepEqual([...vendor.last().body], [0, 255])
})

test('a body that cannot be sent as it is rejects, instead of ending the process', async () => {
  await using vendor = await startVendor()
  const request = requestFactory({ json: false })
  for (const body of [{ a: 1 }, 5, true]) {
    await assert.rejects(
      async () => request.post(vendor.url, { body }),
      (error: Error) => error instanceof RequestError && /Argument error, options\.body/.test(error.message),
    )
  }
  await request.post(vendor.url, { body: ['a', 'b'] })
  assert.equal(vendor.last().text, 'ab')
  assert.equal(vendor.seen.length, 1, 'nothing else was sent')
})

test('a POST without body sends content-length: 0', async () => {
  await using vendor = await startVendor()
  await requestFactory().post(vendor.url)
  assert.equal(vendor.last().headers['content-length'], '0')
})

test('formData: text, number, Buffer, stream, file part, repeated key', async () => {
  await using vendor = await startVendor()
  await requestFactory().post(vendor.url, {
    formData: {
      text: 'é',
      number: 3,
      buffer: Buffer.from('bytes'),
      stream: Readable.from([Buffer.from('flow')]),
      file: { value: Buffer.from('%PDF'), options: { filename: 'bill.pdf', contentType: 'application/pdf' } },
      list: ['1', '2'],
    },
  })
  const { headers, text } = vendor.last()
  const boundary = /^multipart\/form-data; ?boundary=(.+)$/.exec(headers['content-type'] ?? '')?.[1]
  assert.ok(boundary)
  const parts = text.split(`--${boundary}`).slice(1, -1)
  const content = parts.map(part => [/name="([^"]+)"/.exec(part)?.[1], part.split('\r\n\r\n')[1]?.trim()])
  assert.deepEqual(content, [
    ['text', 'é'],
    ['number', '3'],
    ['buffer', 'bytes'],
    ['stream', 'flow'],
    ['file', '%PDF'],
    ['list', '1'],
    ['list', '2'],
  ])
  assert.match(parts[4] ?? '', /filename="bill\.pdf"\r\nContent-Type: application\/pdf/)
})

test('FIX-7: formData with a boolean is sent as text, as are null, dates and bigints', async () => {
  await using vendor = await startVendor()
  const formData = { yes: true, no: [false], none: null, absent: undefined, date, big: 10n }
  await requestFactory().post(vendor.url, { formData })
  const content = [...vendor.last().text.matchAll(/name="([^"]+)"\r\n\r\n([^\r]*)\r\n/g)].map(([, name, value]) => [
    name,
    value,
  ])
  assert.deepEqual(content, [
    ['yes', 'true'],
    ['no', 'false'],
    ['none', ''],
    ['date', date.toISOString()],
    ['big', '10'],
  ])
})

test('FIX-7: a value that cannot be sent rejects, and nothing is sent', async () => {
  await using vendor = await startVendor()
  await assert.rejects(
    async () => requestFactory().post(vendor.url, { formData: { a: { b: 1 } } }),
    error => error instanceof RequestError && /formData: the value of "a" cannot be sent/.test(error.message),
  )
  assert.equal(vendor.seen.length, 0)
})

test('qs: with it the query is parsed and encoded again, without it the address is left alone', async () => {
  await using vendor = await startVendor()
  const request = requestFactory()
  const table: [address: string, options: object, sent: string][] = [
    ['/?a=b+c&d[]=e', {}, '/?a=b+c&d[]=e'],
    ['/?a=b+c&d[]=e', { qs: { f: 'g' } }, '/?a=b%20c&d%5B0%5D=e&f=g'],
    ['/?a=1', { qs: { a: 2 } }, '/?a=2'],
    ['/', { qs: { a: [1, 2], b: { c: 'd' }, e: null, f: undefined } }, '/?a%5B0%5D=1&a%5B1%5D=2&b%5Bc%5D=d&e='],
    ['/', { qs: { a: [1, 2] }, useQuerystring: true }, '/?a=1&a=2'],
    ['/', { qs: { a: [1, 2] }, qsStringifyOptions: { arrayFormat: 'brackets' } }, '/?a%5B%5D=1&a%5B%5D=2'],
    ['/x', { qs: {} }, '/x'],
  ]
  for (const [address, options, sent] of table) {
    await request(vendor.url + address, options)
    assert.equal(vendor.last().url, sent, `${address} ${JSON.stringify(options)}`)
  }
})

test('auth: basic, bearer, in the address', async () => {
  await using vendor = await startVendor()
  const request = requestFactory()
  const basic = `Basic ${Buffer.from('me:secret').toString('base64')}`
  const table: [address: string, options: object, header: string][] = [
    [vendor.url, { auth: { user: 'me', pass: 'secret' } }, basic],
    [vendor.url, { auth: { username: 'me', password: 'secret' } }, basic],
    [vendor.url.replace('://', '://me:secret@'), {}, basic],
    [vendor.url, { auth: { bearer: 'tok' } }, 'Bearer tok'],
  ]
  for (const [address, options, header] of table) {
    await request(address, options)
    assert.equal(vendor.last().headers.authorization, header)
  }
})

test('auth: sendImmediately false answers a digest challenge', async () => {
  await using vendor = await startVendor(({ headers }, response) => {
    if (headers.authorization) response.end('in')
    else response.writeHead(401, { 'www-authenticate': 'Digest realm="r", nonce="n", qop="auth"' }).end()
  })
  const auth = { user: 'me', pass: 'secret', sendImmediately: false }
  assert.equal(await requestFactory()(`${vendor.url}/d`, { auth }), 'in')
  assert.equal(vendor.seen.length, 2)
  assert.match(
    vendor.last().headers.authorization ?? '',
    /^Digest username="me", realm="r", nonce="n", uri="\/d", qop=auth/,
  )
})

test('har: one entry as the request', async () => {
  await using vendor = await startVendor()
  const har = {
    url: `${vendor.url}/h`,
    method: 'POST',
    queryString: [{ name: 'q', value: '1' }],
    headers: [{ name: 'X-Har', value: 'yes' }],
    postData: { mimeType: 'application/x-www-form-urlencoded', params: [{ name: 'a', value: 'b c' }] },
  }
  await requestFactory()({ har })
  const { method, url, headers, text } = vendor.last()
  assert.deepEqual([method, url, headers['x-har'], text], ['POST', '/h?q=1', 'yes', 'a=b%20c'])
})
