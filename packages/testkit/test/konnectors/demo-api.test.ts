import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { CLIENT_ID, CLIENT_SECRET, startDemoVendor } from '@konnectory/testkit/demo-vendor'
import { assertAllSaved, assertFailure, assertNothingNew, assertSuccess } from './expectations.ts'
import { openWorkshop } from './run-konnector.ts'

const ADA = 'ada@example.org'
const PDFS = '/api/v1/invoices/*/pdf'
const secret = { client_id: CLIENT_ID, client_secret: CLIENT_SECRET }

test('demo-api saves every invoice by cursor, waits when too fast, finds nothing new the second time', async () => {
  await using workshop = await openWorkshop('demo-api')
  workshop.vendor.setMode({ paths: { '/api/v1/invoices': { do: 'rate-limited', times: 1 } } })
  const { access_token } = workshop.vendor.issueTokens(ADA)
  assertSuccess(await workshop.run({ access_token }))
  assert.equal(workshop.vendor.requests.filter(({ status }) => status === 429).length, 1)
  await assertAllSaved(await workshop.kept(), workshop, ADA)
  await assertNothingNew(workshop, () => workshop.run({ access_token }), PDFS)
})

test('demo-api refreshes a refused token once and keeps the new ones', async () => {
  let now = new Date()
  await using workshop = await openWorkshop('demo-api', { invoices: 2, clock: () => now })
  const { access_token, refresh_token } = workshop.vendor.issueTokens(ADA, { expiresIn: 60 })
  now = new Date(now.getTime() + 120_000)
  const fields = { access_token, refresh_token }
  assertSuccess(await workshop.run(fields, { parameters: { secret } }))
  assert.equal(workshop.vendor.count('POST', '/oauth/token'), 1)
  await assertAllSaved(await workshop.kept(), workshop, ADA)
})

// A vendor that is down: see recordings.test.ts.
test('demo-api: consent withdrawn, no way to refresh: the owner must connect again', async () => {
  await using workshop = await openWorkshop('demo-api', { invoices: 2 })
  const { vendor } = workshop
  const tokens = vendor.issueTokens(ADA)
  vendor.revokeTokens(ADA)
  const { access_token, refresh_token } = tokens
  assertFailure(
    await workshop.run({ access_token, refresh_token }, { parameters: { secret } }),
    'USER_ACTION_NEEDED.OAUTH_OUTDATED',
  )
  assertFailure(await workshop.run({ access_token }), 'USER_ACTION_NEEDED.OAUTH_OUTDATED')
})

test('the token of the example configuration opens the demo vendor', async () => {
  await using vendor = await startDemoVendor()
  const file = new URL('../../../../konnectors/demo-api/konnector-dev-config.example.json', import.meta.url)
  const { fields } = JSON.parse(await readFile(file, 'utf8')) as { fields: { access_token: string } }
  const headers = { authorization: `Bearer ${fields.access_token}` }
  assert.equal((await fetch(`${vendor.url}/api/v1/me`, { headers })).status, 200)
})
