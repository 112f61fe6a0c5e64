import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openJail } from '../help/jail.ts'
import { konnectorSuite } from '../konnector-suite.ts'

konnectorSuite('none')

test('none: warns on every run, and its self-test says that it confines nothing', async () => {
  const { runner, run, warnings } = openJail('none')
  for (const count of [1, 2]) {
    await run('')
    assert.equal(warnings.filter(text => text.includes('unconfined')).length, count)
  }
  const report = await runner.selfTest()
  assert.equal(report.holds, false)
})
