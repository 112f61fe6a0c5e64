import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openWorkshop } from '../core/konnector-process.ts'

// real-usage.md section 10, 15: `waitForTwoFaCode` inside a loop, with `retry: true` after a wrong code.
test('pattern 15: waitForTwoFaCode in a loop, with retry', async () => {
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

/** Waits until the konnector has written this state. */
async function stateIs(workshop: Awaited<ReturnType<typeof openWorkshop>>, state: string): Promise<void> {
  const end = Date.now() + 10_000
  while ((await workshop.account()).state !== state) {
    if (Date.now() > end) throw new Error(`the account did not reach ${state}`)
    await new Promise(setImmediate)
  }
}
