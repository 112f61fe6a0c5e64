import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, afterEach, before, beforeEach, describe, it, mock } from 'node:test'
import { CookieKonnector } from '../../src/cookie-konnector.ts'
import { cozyClient } from '../../src/cozy-client/index.ts'
import { forgetSecrets } from '../../src/log.ts'
import { openHouse } from './house.ts'

/** What tough-cookie 2.5 wrote: sessions of konnectors built before. */
const OLD_SESSION = JSON.stringify({
  version: 'tough-cookie@2.5.0',
  storeType: 'MemoryCookieStore',
  rejectPublicSuffixes: true,
  cookies: [
    {
      key: 'sid',
      value: 'old-session-value',
      domain: '127.0.0.1',
      path: '/',
      hostOnly: true,
      creation: '2024-01-01T00:00:00.000Z',
    },
  ],
})

/** A vendor that sets a cookie when asked, and says which ones it was sent. */
const vendor = createServer((request, response) => {
  const wanted = new URL(request.url ?? '/', 'http://x').searchParams.get('set')
  if (wanted) response.setHeader('set-cookie', `sid=${wanted}; Path=/`)
  response.end(JSON.stringify({ cookie: request.headers.cookie ?? null }))
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
  forgetSecrets()
  process.env = { ...env }
})

class Mine extends CookieKonnector {
  work: () => unknown = () => undefined

  async testSession() {
    return true
  }

  override fetch() {
    return this.work()
  }
}

const withAccount = (attributes: Record<string, unknown>) => ({
  fixture: { 'io.cozy.accounts': [{ _id: 'acc1', ...attributes }] },
})
const stored = async () => JSON.parse((await cozyClient.data.find('io.cozy.accounts', 'acc1')).data.auth.session)
const values = (session: { cookies: { value: string }[] }) => session.cookies.map(({ value }) => value)

describe('CookieKonnector', () => {
  it('needs testSession', () => {
    class Without extends CookieKonnector {}
    assert.throws(() => new Without(), /Could not find a testSession method/)
  })

  it('saves the cookies at the end of a run, and sends them in the next', async () => {
    await using _house = await openHouse(withAccount({ data: { kept: 1, auth: { other: 2 } } }))
    const first = new Mine()
    first.work = async () => {
      assert.deepEqual(await first.request(`${url}?set=first-session`), { cookie: null })
    }
    await first.run()
    assert.deepEqual(values(await stored()), ['first-session'])
    const { data } = await cozyClient.data.find('io.cozy.accounts', 'acc1')
    assert.equal(data.kept, 1)
    assert.deepEqual(Object.keys(data.auth), ['session'])

    const second = new Mine({ json: false })
    let answer: unknown
    second.work = async () => {
      answer = await second.request(url)
    }
    await second.run()
    assert.equal(answer, '{"cookie":"sid=first-session"}')
  })

  it('does not save when the run fails', async () => {
    await using _house = await openHouse(withAccount({}))
    const konnector = new Mine()
    konnector.terminate = () => {}
    konnector.work = async () => {
      await konnector.request(`${url}?set=some-session`)
      throw new Error('LOGIN_FAILED')
    }
    await konnector.run()
    assert.equal((await cozyClient.data.find('io.cozy.accounts', 'acc1')).data, undefined)
  })

  it('reads the sessions of former versions, and writes what they read', async () => {
    await using _house = await openHouse(withAccount({ data: { auth: { session: OLD_SESSION } } }))
    const konnector = new Mine()
    await konnector.initAttributes()
    assert.deepEqual(await konnector.request(url), { cookie: 'sid=old-session-value' })
    await konnector.saveSession()
    const { version, storeType, rejectPublicSuffixes, cookies } = await stored()
    assert.match(version, /^tough-cookie@/)
    assert.deepEqual([storeType, rejectPublicSuffixes], ['MemoryCookieStore', true])
    assert.deepEqual(
      [cookies[0].key, cookies[0].value, cookies[0].domain, cookies[0].path],
      ['sid', 'old-session-value', '127.0.0.1', '/'],
    )
  })

  it('goes on without session when the saved one cannot be read', async () => {
    await using _house = await openHouse(withAccount({ data: { auth: { session: '{broken' } } }))
    const konnector = new Mine()
    await konnector.initAttributes()
    assert.equal(await konnector.initSession(), false)
    assert.deepEqual(await konnector.request(url), { cookie: null })
  })

  it('FIX-5: resetSession empties the jar in use, and what comes afterwards is sent and saved', async () => {
    await using _house = await openHouse(withAccount({ data: { auth: { session: OLD_SESSION } } }))
    const konnector = new Mine()
    await konnector.initAttributes()
    const { _jar } = konnector
    await konnector.resetSession()
    assert.equal(konnector._jar, _jar)
    assert.deepEqual(values(await stored()), [])
    assert.deepEqual(await konnector.request(`${url}?set=new-session`), { cookie: null })
    assert.deepEqual(await konnector.request(url), { cookie: 'sid=new-session' })
    await konnector.saveSession()
    assert.deepEqual(values(await stored()), ['new-session'])
  })

  it('FIX-5: forgets the session when pages say RESET_SESSION, and the state with it', async () => {
    await using _house = await openHouse(
      withAccount({ state: 'RESET_SESSION', data: { auth: { session: OLD_SESSION } } }),
    )
    const konnector = new Mine()
    await konnector.initAttributes()
    assert.deepEqual(await konnector.request(url), { cookie: null })
    assert.deepEqual(values(await stored()), [])
    assert.equal((await cozyClient.data.find('io.cozy.accounts', 'acc1')).state, null)
  })

  it('goes on when the reset cannot be written, without the old session', async () => {
    await using _house = await openHouse(
      withAccount({ state: 'RESET_SESSION', data: { auth: { session: OLD_SESSION } } }),
    )
    const lines: string[] = []
    mock.method(console, 'log', (line: string) => lines.push(line))
    mock.method(cozyClient.data, 'updateAttributes', () => Promise.reject(new Error('stack is away')))
    const konnector = new Mine()
    await konnector.initAttributes()
    assert.deepEqual(await konnector.request(url), { cookie: null })
    assert.match(lines.join('\n'), /"type":"warn".*Could not reset the session: stack is away/)
  })

  it('downloads files and bills with its cookies, and leaves testSession to its author', async () => {
    await using _house = await openHouse(withAccount({ auth: { login: 'me' } }))
    const konnector = new Mine()
    const testSession = mock.method(konnector, 'testSession')
    konnector.work = async () => {
      await konnector.request(`${url}?set=session-of-files`)
      const options = { contentType: 'application/json', validateFile: () => true, linkBankOperations: false }
      const bill = { vendor: 'V', date: new Date(), amount: 1, fileurl: url, filename: 'bill.json' }
      await konnector.saveFiles([{ fileurl: url, filename: 'file.json' }], { folderPath: '/' }, options)
      await konnector.saveBills([bill], { folderPath: '/' }, options)
    }
    await konnector.run()
    for (const path of ['/file.json', '/bill.json']) {
      const { _id } = await cozyClient.files.statByPath(path)
      const saved = await (await cozyClient.files.downloadById(_id)).json()
      assert.deepEqual(saved, { cookie: 'sid=session-of-files' }, path)
    }
    assert.equal(testSession.mock.callCount(), 0)
  })

  it('makes further requests on the same jar, whatever their options', async () => {
    await using _house = await openHouse(withAccount({}))
    const konnector = new Mine()
    const requestText = konnector.requestFactory({ json: false, jar: true } as never)
    await konnector.request(`${url}?set=shared-session`)
    assert.equal(await requestText(url), '{"cookie":"sid=shared-session"}')
    assert.equal(konnector._jar._jar.toJSON()?.cookies[0]?.value, 'shared-session')
    assert.equal(konnector._jar.getCookieString(url), 'sid=shared-session')
  })

  it('takes the cookies of a browser', async () => {
    await using _house = await openHouse(withAccount({}))
    const konnector = new Mine()
    await konnector.initAttributes()
    const { CookieJar } = (await import('../../src/heavy.cjs')).default.toughCookie()
    const browser = new CookieJar()
    browser.setCookieSync('sid=from-browser', url)
    await konnector.saveSession({ getCookieJar: () => browser })
    assert.deepEqual(values(await stored()), ['from-browser'])
    assert.deepEqual(await konnector.request(url), { cookie: 'sid=from-browser' })
  })
})
