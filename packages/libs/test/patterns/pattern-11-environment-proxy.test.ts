import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { openWorkshop } from '../core/konnector-process.ts'
import { startVendor } from '../request/vendor.ts'

// real-usage.md section 10, 11: process.env.SENTRY_DSN, NODE_ENV and http_proxy assigned before or after the require.
const KONNECTOR = `
  process.env.SENTRY_DSN = process.env.SENTRY_DSN || 'https://key@errors.vendor.test/1'
  const { requestFactory, log } = require('@konnectory/libs')
  const request = requestFactory({ json: false })
  const [vendor, proxy] = process.argv.slice(1)
  async function start() {
    const direct = await request(vendor)
    process.env.http_proxy = proxy
    const through = await request(vendor)
    delete process.env.http_proxy
    const again = await request(vendor)
    process.env.NODE_ENV = 'production'
    log('info', [direct, through, again].join())
  }
  start()`

test('pattern 11: environment assigned around the require', async () => {
  await using vendor = await startVendor((_seen, response) => void response.end('direct'))
  await using proxy = await startVendor((_seen, response) => void response.end('proxied'))
  const cwd = fileURLToPath(new URL('../..', import.meta.url))
  const env = { PATH: process.env.PATH, NODE_ENV: 'development', NO_COLOR: '1' }
  const child = spawn(process.execPath, ['-e', KONNECTOR, vendor.url, proxy.url], { cwd, env })
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  assert.equal(err, '')
  assert.equal(JSON.parse(out).message, 'direct,proxied,direct')
  assert.equal(proxy.last().url, `${vendor.url}/`)
})

test('pattern 11: LOG_LEVEL assigned after the require, a DSN before it', async () => {
  await using workshop = await openWorkshop()
  const ended = await workshop.run(`
    process.env.SENTRY_DSN = process.env.SENTRY_DSN || 'https://a@sentry.invalid/1'
    const { BaseKonnector, log } = require('cozy-konnector-libs')
    process.env.LOG_LEVEL = 'warn'
    module.exports = new BaseKonnector(async () => { log('info', 'hidden'); log('warn', 'shown') })`)
  assert.equal(ended.code, 0)
  assert.deepEqual(
    ended.lines.map(({ message }) => message),
    ['shown'],
  )
})
