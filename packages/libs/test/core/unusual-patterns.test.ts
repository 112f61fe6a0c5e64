// Patterns of `sdk/real-usage.md` section 10 that concern what this folder tests. The others: 1, 2, 12, 13 in
// base-konnector-run.test.ts, 10 in small-tools.test.ts, 4 to 9 and 18 beside requests and saving.
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, describe, it } from 'node:test'
import { criticalOf, openWorkshop } from './konnector-process.ts'

const vendor = createServer((request, response) => {
  if (request.url === '/login') response.setHeader('set-cookie', 'XSRF=t0ken-of-form; Path=/')
  response.end(JSON.stringify({ cookie: request.headers.cookie ?? null, xsrf: request.headers['x-xsrf'] ?? null }))
})
let url: string
before(async () => {
  await new Promise<void>(resolve => vendor.listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(vendor.address() as AddressInfo).port}`
})
after(() => vendor.close())

describe('unusual patterns', () => {
  it('3 and 5: several request functions on one CookieKonnector, one made in the middle; a cookie read to build a header', async () => {
    await using workshop = await openWorkshop()
    const ended = await workshop.run(`
      const { CookieKonnector } = require('cozy-konnector-libs')
      class Mine extends CookieKonnector {
        async fetch() {
          await this.request('${url}/login')
          const { value } = this._jar._jar.toJSON().cookies.find(({ key }) => key === 'XSRF')
          this.request = this.requestFactory({ json: true, headers: { 'x-xsrf': value } })
          const requestText = this.requestFactory({ json: false, cheerio: false })
          console.log('> ' + JSON.stringify([await this.request('${url}/api'), typeof (await requestText('${url}/api'))]))
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

  it('11: variables of the environment assigned before and after the require', async () => {
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

  it('14: an OAuth konnector whose token is refused', async () => {
    await using workshop = await openWorkshop({ account: { oauth: { access_token: 'aged-access-token' } } })
    const ended = await workshop.run(`
      const { BaseKonnector, errors, log } = require('cozy-konnector-libs')
      module.exports = new BaseKonnector(async ({ access_token }) => {
        log('info', 'token ' + access_token)
        if (access_token === 'aged-access-token') throw errors.USER_ACTION_NEEDED_OAUTH_OUTDATED
      })`)
    assert.equal(criticalOf(ended), 'USER_ACTION_NEEDED.OAUTH_OUTDATED')
    assert.ok(ended.lines.some(({ message }) => message === 'token ***'))
  })

  it('15: waitForTwoFaCode in a loop, with retry', async () => {
    await using workshop = await openWorkshop()
    const path = await workshop.write(`
      const { BaseKonnector, log } = require('cozy-konnector-libs')
      module.exports = new BaseKonnector(async function () {
        for (let retry = false; ; retry = true) {
          const code = await this.waitForTwoFaCode({ type: 'sms', retry, heartBeat: 20, endTime: Date.now() + 10000 })
          if (code === '222222') return log('info', 'in')
          log('info', 'wrong code ' + code)
        }
      })`)
    const started = workshop.start(path)
    await started.said(/Setting TWOFA_NEEDED\.SMS state/)
    await stateIs(workshop, 'TWOFA_NEEDED.SMS')
    await workshop.changeAccount({ state: null, twoFACode: '111111' })
    await stateIs(workshop, 'TWOFA_NEEDED_RETRY.SMS')
    await workshop.changeAccount({ state: null, twoFACode: '222222' })
    const ended = await started.ended
    assert.equal(ended.code, 0, ended.stdout + ended.stderr)
    const said = ended.lines.filter(({ type }) => type === 'info').map(({ message }) => message)
    assert.deepEqual(said, ['wrong code ***', 'in'])
    assert.deepEqual([(await workshop.account()).state, (await workshop.account()).twoFACode], [null, null])
  })

  it('19: the old client registered with a library of documents', async () => {
    await using workshop = await openWorkshop()
    // What cozy-doctypes calls on it (sdk/exports.md section 2).
    const ended = await workshop.run(`
      const { BaseKonnector, cozyClient } = require('cozy-konnector-libs')
      module.exports = new BaseKonnector(async () => {
        const doctype = 'io.cozy.bank.accounts'
        const index = await cozyClient.data.defineIndex(doctype, ['number'])
        const none = await cozyClient.data.query(index, { selector: { number: '1' }, sort: [{ number: 'desc' }] })
        const doc = await cozyClient.data.create(doctype, { number: '1', balance: 1 })
        await cozyClient.data.updateAttributes(doctype, doc._id, { balance: 2 })
        const { rows } = await cozyClient.fetchJSON('GET', '/data/' + doctype + '/_all_docs?include_docs=true')
        const bulk = await cozyClient.fetchJSON('POST', '/data/' + doctype + '/_bulk_docs', { docs: [{ number: '2' }] })
        console.log('> ' + JSON.stringify([none, rows.filter(({ doc }) => doc.number).map(({ doc }) => doc.balance), bulk[0].ok]))
      })`)
    assert.equal(ended.code, 0, ended.stdout + ended.stderr)
    assert.match(ended.stdout, /> \[\[\],\[2\],true\]/)
  })
})

/** Waits until the konnector has written this state. */
async function stateIs(workshop: Awaited<ReturnType<typeof openWorkshop>>, state: string): Promise<void> {
  const end = Date.now() + 10_000
  while ((await workshop.account()).state !== state) {
    if (Date.now() > end) throw new Error(`the account did not reach ${state}`)
    await new Promise(setImmediate)
  }
}
