import assert from 'node:assert/strict'
import { test } from 'node:test'
import requestFactory from '../../src/request/index.ts'
import { startVendor } from '../request/vendor.ts'

// real-usage.md section 10, 5: a cookie read from the jar's serialised form becomes a header (XSRF tokens).
test('pattern 5: an XSRF cookie from the serialised jar', async () => {
  await using vendor = await startVendor(({ url, headers }, response) => {
    if (url === '/') response.setHeader('set-cookie', ['sid=1; HttpOnly', 'XSRF-TOKEN=t%3D1; Path=/']).end()
    else response.writeHead(headers['x-xsrf-token'] === 't=1' ? 200 : 403).end(headers.cookie)
  })
  const jar = requestFactory().jar()
  const request = requestFactory({ json: false, jar })
  await request(vendor.url)
  const { cookies } = jar._jar.toJSON() ?? { cookies: [] }
  const token = decodeURIComponent(String(cookies.find(({ key }) => key === 'XSRF-TOKEN')?.value))
  const answer = await request.post(`${vendor.url}/api`, { headers: { 'X-XSRF-TOKEN': token } })
  assert.equal(answer, 'sid=1; XSRF-TOKEN=t%3D1')

  const found = jar.getCookies(vendor.url).find(cookie => cookie.key === 'XSRF-TOKEN')
  assert.equal(found?.value, 't%3D1')
})
