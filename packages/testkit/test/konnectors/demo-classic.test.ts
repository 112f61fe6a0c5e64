import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertAllSaved, assertFailure, assertNothingNew, assertSuccess } from './expectations.ts'
import { openWorkshop } from './run-konnector.ts'

const ADA = { login: 'ada@example.org', password: 'lovelace-1843' }
const PDFS = '/invoices/*/pdf'

test('demo-classic saves every invoice, finds nothing new the second time, then only what is new', async () => {
  await using workshop = await openWorkshop('demo-classic')
  assertSuccess(await workshop.run(ADA))
  const kept = await workshop.kept()
  await assertAllSaved(kept, workshop, ADA.login)
  assert.deepEqual(
    new Set(kept.bills.map(({ contractId }) => contractId)),
    new Set(['EL-204881', 'WA-204882', 'CH-204883']),
  )

  await assertNothingNew(workshop, () => workshop.run(ADA), PDFS)

  const added = workshop.vendor.addInvoice({ amountCents: 123456 })
  const downloads = workshop.vendor.count('GET', PDFS)
  assertSuccess(await workshop.run(ADA))
  assert.equal(workshop.vendor.count('GET', PDFS), downloads + 1)
  assert.equal((await workshop.kept()).bills.find(({ vendorRef }) => vendorRef === added.ref)?.amount, 1234.56)
})

test('demo-classic: wrong password, locked, code asked, new terms', async () => {
  await using workshop = await openWorkshop('demo-classic')
  const { vendor } = workshop
  assertFailure(await workshop.run({ ...ADA, password: 'wrong' }), 'LOGIN_FAILED')
  assert.equal(vendor.count('POST', '/login/check'), 1, 'a refused password is not tried again')
  assertFailure(await workshop.run({ login: 'grace@example.org', password: 'hopper-1906' }), 'CHALLENGE_ASKED')
  vendor.setMode('new-terms')
  assertFailure(await workshop.run(ADA), 'USER_ACTION_NEEDED.CGU_FORM')
  vendor.setMode({})
  for (let i = 0; i < 5; i++) await failLogin(vendor.url, ADA.login)
  assertFailure(await workshop.run(ADA), 'LOGIN_FAILED.TOO_MANY_ATTEMPTS')
  assert.deepEqual((await workshop.kept()).bills, [])
})

test('demo-classic: vendor down at the door, and on the way', async () => {
  await using workshop = await openWorkshop('demo-classic', { mode: 'maintenance' })
  assertFailure(await workshop.run(ADA), 'VENDOR_DOWN')
  workshop.vendor.setMode({ paths: { '/invoices': 'error' } })
  assertFailure(await workshop.run(ADA), 'VENDOR_DOWN')
})

test('demo-classic: a changed site is an error, not an empty success', async () => {
  await using workshop = await openWorkshop('demo-classic', { mode: 'changed-layout' })
  assertFailure(await workshop.run(ADA), 'INVALID_FORM')
  workshop.vendor.setMode({ paths: { '/invoices': 'changed-layout' } })
  assertFailure(await workshop.run(ADA), 'UNKNOWN_ERROR')
})

test('demo-classic: a new customer has nothing, and that is a success', async () => {
  await using workshop = await openWorkshop('demo-classic')
  assertSuccess(await workshop.run({ login: 'alan@example.org', password: 'turing-1912' }))
  assert.deepEqual((await workshop.kept()).bills, [])
})

test('demo-classic: bad downloads are not saved, and come with the next run', async () => {
  await using workshop = await openWorkshop('demo-classic', { invoices: 3 })
  const { vendor } = workshop
  const [first, second, third] = vendor.invoicesOf(ADA.login).map(({ ref }) => `/invoices/${ref}/pdf`)
  vendor.setMode({ paths: { [first!]: 'html-instead-of-pdf', [second!]: 'empty-pdf', [third!]: 'truncated' } })
  await workshop.run(ADA)
  const kept = await workshop.kept()
  assert.deepEqual(kept.files, [])
  assert.deepEqual(kept.bills, [])
  vendor.setMode({})
  assertSuccess(await workshop.run(ADA))
  await assertAllSaved(await workshop.kept(), workshop, ADA.login)
})

/** A failed login of somebody else with this name. */
async function failLogin(url: string, username: string): Promise<void> {
  const page = await fetch(`${url}/login`)
  const cookie = page.headers
    .getSetCookie()
    .map(line => line.split(';')[0])
    .join('; ')
  const csrf = /name="_csrf" value="([^"]+)"/.exec(await page.text())![1]!
  const body = new URLSearchParams({ username, password: 'guess', _csrf: csrf })
  assert.equal((await fetch(`${url}/login/check`, { method: 'POST', body, headers: { cookie } })).status, 200)
}
