import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openWorkshop } from '../core/konnector-process.ts'
import { startVendor } from '../request/vendor.ts'

// real-usage.md section 10, 2: helpers called as `authenticate.bind(this)(...)`, a bound method given to another helper;
// the methods of a request function need no `this`.
test('pattern 2: bound helpers, methods handed over, request methods without this', async () => {
  await using vendor = await startVendor((seen, response) => void response.end(JSON.stringify(seen.method)))
  await using workshop = await openWorkshop()
  const ended = await workshop.run(`
    const { BaseKonnector, requestFactory } = require('cozy-konnector-libs')
    const { get, post, put } = requestFactory({ json: true })
    module.exports = new BaseKonnector(start)
    async function start(fields) {
      await authenticate.bind(this)(fields.login)
      const kept = await attempt(this.saveAccountData.bind(this), { seen: 1 })
      const answers = await Promise.all([get, post, put].map(send => send('${vendor.url}')))
      console.log('> ' + JSON.stringify([kept, answers, this._account.state]))
    }
    async function authenticate(login) { if (login) await this.deactivateAutoSuccessfulLogin() }
    async function attempt(work, ...parameters) { return work(...parameters) }
  `)
  assert.equal(ended.code, 0, ended.stdout + ended.stderr)
  assert.match(ended.stdout, /> \[\{"seen":1\},\["GET","POST","PUT"\],"HANDLE_LOGIN_SUCCESS"\]\n/)
})
