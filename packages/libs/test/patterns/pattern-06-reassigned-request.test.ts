import assert from 'node:assert/strict'
import { test } from 'node:test'
import requestFactory, { type RequestFunction } from '../../src/request/index.ts'
import { startVendor } from '../request/vendor.ts'

// real-usage.md section 10, 6: `request` of the module replaced between two steps, and request.defaults with a token.
let request: RequestFunction = requestFactory({ cheerio: true, jar: true, headers: { 'X-App': 'web' } })

async function logIn(url: string): Promise<void> {
  const $ = await request(url)
  const token = $('meta[name=token]').attr('content')
  request = requestFactory({ jar: true, headers: { 'X-App': 'api' } })
  request = request.defaults({ headers: { Authorization: `Bearer ${token}` } })
}

test('pattern 6: request reassigned, defaults with an Authorization header', async () => {
  await using vendor = await startVendor(({ url, headers }, response) => {
    if (url === '/') response.setHeader('set-cookie', 'sid=6').end('<meta name="token" content="t0k">')
    else response.end(JSON.stringify([headers.authorization, headers['x-app'], headers.cookie]))
  })
  await logIn(vendor.url)
  assert.deepEqual(await request.get(`${vendor.url}/api`), ['Bearer t0k', 'api', 'sid=6'])
})
