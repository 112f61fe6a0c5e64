import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { test } from 'node:test'
import { phantomModules } from '../../src/phantom/index.ts'
import requestFactory from '../../src/request/index.ts'
import { startVendor } from '../request/vendor.ts'

const require = createRequire(import.meta.url)
const phantom = (name: string) => require(phantomModules[name]?.target as string)

// real-usage.md section 10, 18: `new Buffer`, and request / request-promise used next to requestFactory.
test('pattern 18: new Buffer, require("request") and require("request-promise") beside requestFactory', async () => {
  await using vendor = await startVendor(({ url, headers, text }, response) => {
    if (url === '/login') response.setHeader('set-cookie', 'sid=1').end('in')
    else response.end(`${headers.authorization ?? ''}|${headers.cookie ?? ''}|${text}`)
  })
  const request = phantom('request')
  const rp = phantom('request-promise')
  const { StatusCodeError } = phantom('request-promise/errors')

  const jar = request.jar()
  await rp({ uri: `${vendor.url}/login`, jar })
  // biome-ignore lint/suspicious/noExplicitAny: `new Buffer` is what is under test
  const key = new (Buffer as any)('me:secret').toString('base64')
  const headers = { authorization: `Basic ${key}` }
  assert.equal(await requestFactory({ json: false, jar })(vendor.url, { headers }), `Basic ${btoa('me:secret')}|sid=1|`)
  const body = await new Promise((resolve, reject) => {
    request.post({ url: vendor.url, jar, form: { a: 1 } }, (error: unknown, _response: unknown, text: string) =>
      error ? reject(error) : resolve(text),
    )
  })
  assert.equal(body, '|sid=1|a=1')
  await assert.rejects(
    async () =>
      requestFactory()(vendor.url, {
        simple: true,
        transform: () => Promise.reject(new StatusCodeError(500, 'x', {}, {})),
      }),
    { name: 'TransformError' },
  )
})
