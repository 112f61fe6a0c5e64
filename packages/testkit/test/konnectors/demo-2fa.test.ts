import assert from 'node:assert/strict'
import { test } from 'node:test'
import { assertAllSaved, assertFailure, assertNothingNew, assertSuccess } from './expectations.ts'
import { openWorkshop } from './run-konnector.ts'

const GRACE = { login: 'grace@example.org', password: 'hopper-1906' }
const PDFS = '/invoices/*/pdf'

test('demo-2fa asks for the code, again when it was wrong, and never again on a trusted device', async () => {
  await using workshop = await openWorkshop('demo-2fa')
  const { vendor } = workshop
  let typed = 0
  const type = (output: string) => {
    const questions = output.match(/Enter the code/g)?.length ?? 0
    if (questions === typed) return undefined
    typed++
    return typed === 1 ? '000000' : vendor.lastCode()
  }
  assertSuccess(await workshop.run(GRACE, { type }))
  assert.equal(vendor.count('POST', '/login/2fa'), 2)
  await assertAllSaved(await workshop.kept(), workshop, GRACE.login)

  await assertNothingNew(workshop, () => workshop.run(GRACE), PDFS)
  assert.equal(vendor.count('POST', '/login/check'), 1, 'the saved session is used')

  vendor.endSessions()
  assertSuccess(await workshop.run(GRACE))
  assert.equal(vendor.count('POST', '/login/check'), 2)
  assert.equal(vendor.count('POST', '/login/2fa'), 2, 'a trusted device is not asked')
})

// A wrong password and a vendor that is down: see recordings.test.ts.
test('demo-2fa: a changed site is an error', async () => {
  await using workshop = await openWorkshop('demo-2fa', { mode: { paths: { '/invoices': 'changed-layout' } } })
  const type = (output: string) => (/Enter the code[^\n]*$/.test(output) ? workshop.vendor.lastCode() : undefined)
  assertFailure(await workshop.run(GRACE, { type }), 'UNKNOWN_ERROR')
})
