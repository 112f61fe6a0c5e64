import assert from 'node:assert/strict'
import { test } from 'node:test'
import { criticalOf, openWorkshop } from '../core/konnector-process.ts'
import { startVendor } from '../request/vendor.ts'

// real-usage.md section 10, 14: OAuth konnectors read `fields.access_token`, and throw when the vendor refuses it.
test('pattern 14: an OAuth konnector whose token is refused', async () => {
  await using vendor = await startVendor(({ headers }, response) => {
    response.writeHead(headers.authorization === 'Bearer fresh-access-token' ? 200 : 401).end('{}')
  })
  const konnector = `
    const { BaseKonnector, errors, log, requestFactory } = require('cozy-konnector-libs')
    const request = requestFactory({ json: true })
    module.exports = new BaseKonnector(async ({ access_token }) => {
      log('info', 'token ' + access_token)
      try {
        await request('${vendor.url}/me', { auth: { bearer: access_token } })
      } catch (err) {
        if (err.statusCode === 401) throw errors.USER_ACTION_NEEDED_OAUTH_OUTDATED
        throw err
      }
    })`
  for (const [access_token, critical] of [
    ['aged-access-token', 'USER_ACTION_NEEDED.OAUTH_OUTDATED'],
    ['fresh-access-token', undefined],
  ]) {
    await using workshop = await openWorkshop({ account: { oauth: { access_token } } })
    const ended = await workshop.run(konnector)
    assert.equal(criticalOf(ended), critical, ended.stdout)
    assert.ok(ended.lines.some(({ message }) => message === 'token ***'))
  }
})
