import assert from 'node:assert/strict'
import { test } from 'node:test'
import { criticalOf, openWorkshop } from '../core/konnector-process.ts'

// real-usage.md section 10, 13: members of `errors` that do not exist, read at import and used as messages.
test('pattern 13: errors.UNKOWN_ERROR and errors.LOGIN_FAILED.NO_PERSON', async () => {
  await using workshop = await openWorkshop()
  const thrown: [expression: string, critical: string][] = [
    ['errors.UNKOWN_ERROR', 'UNKNOWN_ERROR'],
    ['new Error(NO_PERSON)', 'Error'],
    ['new Error(errors.USER_ACTION_NEEDED.CHANGE_PASSWORD)', 'Error'],
  ]
  for (const [expression, critical] of thrown) {
    const ended = await workshop.run(`
      const { BaseKonnector, errors } = require('cozy-konnector-libs')
      const NO_PERSON = errors.LOGIN_FAILED.NO_PERSON
      module.exports = new BaseKonnector(async () => { throw ${expression} })`)
    assert.deepEqual([ended.code, criticalOf(ended)], [1, critical], expression)
  }
})
