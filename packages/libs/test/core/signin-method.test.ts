import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, afterEach, before, beforeEach, describe, it, mock } from 'node:test'
import { BaseKonnector } from '../../src/base-konnector.ts'
import { CookieKonnector } from '../../src/cookie-konnector.ts'
import { cozyClient } from '../../src/cozy-client/index.ts'
import { openHouse } from './house.ts'

const vendor = createServer((request, response) => {
  if (request.method === 'GET') {
    response.setHeader('content-type', 'text/html')
    return response.end('<form id="login" action="/in"><input name="csrf" value="c1"></form>')
  }
  let body = ''
  request.on('data', chunk => {
    body += chunk
  })
  return request.on('end', () => {
    response.statusCode = body === 'csrf=c1&password=good' ? 200 : 403
    response.setHeader('set-cookie', 'sid=session-after-login')
    response.end('<h1>Hello</h1>')
  })
})
let url: string
before(async () => {
  await new Promise<void>(resolve => vendor.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(vendor.address() as AddressInfo).port}/`
})
after(() => {
  vendor.close()
  for (const event of ['uncaughtException', 'unhandledRejection', 'SIGTERM', 'SIGINT'])
    process.removeAllListeners(event)
})

const env = { ...process.env }
beforeEach(() => {
  mock.method(console, 'log', () => {})
  process.env.COZY_FIELDS = JSON.stringify({ account: 'acc1' })
})
afterEach(() => {
  mock.restoreAll()
  process.env = { ...env }
})

const form = (password: string) => ({ url, formSelector: '#login', formData: { password }, simple: false })

/** States of the account, in the order they were written. */
async function statesOf(konnector: BaseKonnector, work: () => Promise<unknown>): Promise<unknown[]> {
  await konnector.initAttributes()
  const update = mock.method(cozyClient.data, 'updateAttributes')
  await work()
  return update.mock.calls
    .map(call => (call.arguments[2] as { state?: unknown }).state)
    .filter(state => state !== undefined)
}

describe('BaseKonnector.signin', () => {
  it('tells the page before and after', async () => {
    await using _house = await openHouse()
    const konnector = new BaseKonnector()
    const states = await statesOf(konnector, async () => {
      const $ = await konnector.signin(form('good'))
      assert.equal($('h1').text(), 'Hello')
    })
    assert.deepEqual(states, ['HANDLE_LOGIN_SUCCESS', 'LOGIN_SUCCESS'])
  })

  it('leaves the second to the konnector when asked, and after a failure', async () => {
    await using _house = await openHouse()
    const quiet = new BaseKonnector()
    const options = { ...form('good'), notifySuccessfulLogin: false }
    assert.deepEqual(await statesOf(quiet, () => quiet.signin(options)), ['HANDLE_LOGIN_SUCCESS'])
    assert.equal(options.notifySuccessfulLogin, false)
    mock.restoreAll()
    mock.method(console, 'log', () => {})
    const wrong = new BaseKonnector()
    const states = await statesOf(wrong, () => assert.rejects(wrong.signin(form('bad')), { message: 'LOGIN_FAILED' }))
    assert.deepEqual(states, ['HANDLE_LOGIN_SUCCESS'])
  })
})

describe('the option notifySuccessfulLogin', () => {
  it('[spec] is not passed on to the requests', async () => {
    await using _house = await openHouse()
    const konnector = new BaseKonnector()
    await konnector.initAttributes()
    const wrongAnswer = { ...form('good'), notifySuccessfulLogin: true, parse: 'json', mine: 1 } as const
    await assert.rejects(konnector.signin(wrongAnswer), ({ name, options }) => {
      assert.deepEqual([name, options.mine, 'notifySuccessfulLogin' in options], ['TransformError', 1, false])
      return true
    })
  })
})

describe('CookieKonnector.signin', () => {
  it("uses the konnector's cookies, and saves them", async () => {
    await using _house = await openHouse()
    class Mine extends CookieKonnector {
      async testSession() {
        return false
      }
    }
    const konnector = new Mine()
    await konnector.initAttributes()
    await konnector.signin(form('good'))
    assert.equal(konnector._jar.getCookieString(url), 'sid=session-after-login')
    const { data } = await cozyClient.data.find('io.cozy.accounts', 'acc1')
    assert.match(data.auth.session, /session-after-login/)
  })
})
