import assert from 'node:assert/strict'
import { test } from 'node:test'
import { criticalOf, openWorkshop } from '../core/konnector-process.ts'

// real-usage.md section 10, 12: errors thrown as bare texts, or as `errors.X` without `new Error`.
test('pattern 12: thrown texts are the error of the job', async () => {
  await using workshop = await openWorkshop()
  const thrown: [expression: string, critical: string][] = [
    [`'VENDOR_DOWN'`, 'VENDOR_DOWN'],
    [`'LOGIN_FAILED.WRONG_TWOFA_CODE'`, 'LOGIN_FAILED.WRONG_TWOFA_CODE'],
    ['errors.USER_ACTION_NEEDED_OAUTH_OUTDATED', 'USER_ACTION_NEEDED.OAUTH_OUTDATED'],
  ]
  for (const [expression, critical] of thrown) {
    const ended = await workshop.run(`
      const { BaseKonnector, errors } = require('cozy-konnector-libs')
      module.exports = new BaseKonnector(async () => { throw ${expression} })`)
    assert.deepEqual([ended.code, criticalOf(ended)], [1, critical])
  }
})
