import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertAllSaved, assertFailure, assertNothingNew, assertSuccess } from './expectations.ts'
import { openWorkshop } from './run-konnector.ts'

const ADA = { login: 'ada@example.org', password: 'lovelace-1843' }
const PDFS = '/invoices/*/pdf'

test('demo-typed saves invoices and identity, keeps its session, finds nothing new the second time', async () => {
  await using workshop = await openWorkshop('demo-typed')
  assertSuccess(await workshop.run(ADA))
  const kept = await workshop.kept()
  await assertAllSaved(kept, workshop, ADA.login)
  const [identity] = kept.documents['io.cozy.identities'] ?? []
  assert.deepEqual((identity!.contact as { name: unknown }).name, { givenName: 'Ada', familyName: 'Lovelace' })

  const logins = workshop.vendor.count('POST', '/login/check')
  await assertNothingNew(workshop, () => workshop.run(ADA), PDFS)
  assert.equal(workshop.vendor.count('POST', '/login/check'), logins, 'the saved session is used')

  workshop.vendor.endSessions()
  assertSuccess(await workshop.run(ADA))
  assert.equal(workshop.vendor.count('POST', '/login/check'), logins + 1)
})

// A wrong password and a vendor that is down: see recordings.test.ts.
test('demo-typed: a changed site and missing files are errors, not successes', async () => {
  await using workshop = await openWorkshop('demo-typed', { invoices: 3 })
  const { vendor } = workshop
  vendor.setMode({ paths: { '/invoices': 'changed-layout' } })
  assertFailure(await workshop.run(ADA), 'UNKNOWN_ERROR')
  vendor.setMode({ paths: { [PDFS]: 'html-instead-of-pdf' } })
  assertFailure(await workshop.run(ADA), 'UNKNOWN_ERROR.PARTIAL_SYNC')
  assert.deepEqual((await workshop.kept()).bills, [])
})

test('demo-typed reads pages in another charset, compressed', async () => {
  await using workshop = await openWorkshop('demo-typed', { invoices: 3, mode: ['latin1', 'gzip'] })
  assertSuccess(await workshop.run(ADA))
  await assertAllSaved(await workshop.kept(), workshop, ADA.login)
})
