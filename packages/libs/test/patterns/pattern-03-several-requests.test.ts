import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CookieKonnector } from '../../src/cookie-konnector.ts'
import { openWorkshop } from '../core/konnector-process.ts'
import { startVendor } from '../request/vendor.ts'

// real-usage.md section 10, 3: a CookieKonnector built with request options, `this.request` replaced in the middle of
// the run, several instances side by side; all on one jar.
class VendorKonnector extends CookieKonnector {
  requestJson = this.requestFactory({ cheerio: false, json: true })

  async testSession() {
    return true
  }

  async walk(url: string) {
    const $ = await this.request(`${url}/login`)
    const data = await this.requestJson(`${url}/json`)
    this.request = this.requestFactory({ cheerio: false, json: false, headers: { 'X-Step': '2' } })
    const text = await this.request(`${url}/text`)
    return [$('h1').text(), data, text]
  }
}

test('pattern 3: request options, several request functions, one jar', async () => {
  await using vendor = await startVendor(({ url, headers }, response) => {
    if (url === '/login') response.setHeader('set-cookie', 'sid=1; Path=/').end('<h1>Welcome</h1>')
    else if (url === '/json') response.end(JSON.stringify({ cookie: headers.cookie }))
    else response.end(`${headers.cookie} ${headers['x-step']} ${headers['user-agent'] ?? 'no agent'}`)
  })
  const konnector = new VendorKonnector({ cheerio: true, json: false })
  assert.deepEqual(await konnector.walk(vendor.url), ['Welcome', { cookie: 'sid=1' }, 'sid=1 2 no agent'])
  assert.equal(konnector._jar.getCookieString(vendor.url), 'sid=1')
})

test('pattern 3: in a run, with its session saved; a cookie of the jar becomes a header', async () => {
  await using vendor = await startVendor(({ url, headers }, response) => {
    if (url === '/login') response.setHeader('set-cookie', 'XSRF=t0ken-of-form; Path=/')
    response.end(JSON.stringify({ cookie: headers.cookie ?? null, xsrf: headers['x-xsrf'] ?? null }))
  })
  await using workshop = await openWorkshop()
  const ended = await workshop.run(`
    const { CookieKonnector } = require('cozy-konnector-libs')
    class Mine extends CookieKonnector {
      async fetch() {
        await this.request('${vendor.url}/login')
        const { value } = this._jar._jar.toJSON().cookies.find(({ key }) => key === 'XSRF')
        this.request = this.requestFactory({ json: true, headers: { 'x-xsrf': value } })
        const requestText = this.requestFactory({ json: false, cheerio: false })
        console.log('> ' + JSON.stringify([await this.request('${vendor.url}/api'), typeof (await requestText('${vendor.url}/api'))]))
      }
      async testSession() { return false }
    }
    const mine = new Mine({ cheerio: true, json: false, debug: false })
    mine.run()`)
  assert.equal(ended.code, 0, ended.stdout + ended.stderr)
  assert.match(ended.stdout, /> \[\{"cookie":"XSRF=t0ken-of-form","xsrf":"t0ken-of-form"\},"string"\]/)
  const { data } = (await workshop.account()) as { data: { auth: { session: string } } }
  assert.match(data.auth.session, /t0ken-of-form/)
})
