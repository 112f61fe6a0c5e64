import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Account } from '@konnectory/protocol'
import { createAccountHandle } from '../src/account.ts'
import { createLogger } from '../src/logger.ts'
import { createTwoFactor, type TwoFactorQuestion } from '../src/two-factor.ts'
import { ACCOUNT, startStack } from './konnector-process.ts'

async function prepare(manual = true) {
  const stack = await startStack({ login: 'me' })
  const read = () => stack.client.data.get<Account>('io.cozy.accounts', ACCOUNT)
  const lines: string[] = []
  const log = createLogger({ write: text => void lines.push(text), namespace: 'x', human: false })
  const account = createAccountHandle(stack.client, await read(), 'me')
  const stop = new AbortController()
  const twoFactor = createTwoFactor({ account, log, signal: stop.signal, manual })
  /** The states the account went through. */
  const states = () =>
    stack.events.flatMap(event => (event.kind === 'document' && event.action === 'updated' ? [event.doc.state] : []))
  return { stack, read, lines, stop, twoFactor, states, [Symbol.asyncDispose]: () => stack[Symbol.asyncDispose]() }
}

describe('asking for a code', () => {
  const questions: [TwoFactorQuestion, string][] = [
    [{}, 'TWOFA_NEEDED.EMAIL'],
    [{ type: 'sms' }, 'TWOFA_NEEDED.SMS'],
    [{ type: 'app' }, 'TWOFA_NEEDED.APP'],
    [{ type: 'app_code', retry: true }, 'TWOFA_NEEDED_RETRY.APP_CODE'],
  ]
  for (const [question, state] of questions) {
    test(`${JSON.stringify(question)} is ${state}; two updates in all, and no code in the log`, async () => {
      await using run = await prepare()
      const code = run.twoFactor.ask({ ...question, every: 10 })
      // The owner answers when asked.
      while ((await run.read()).state !== state) await new Promise(setImmediate)
      await run.stack.client.data.updateAttributes('io.cozy.accounts', ACCOUNT, { twoFACode: '424242' })
      assert.equal(await code, '424242')
      assert.deepEqual(run.states(), [state, state, null], 'ours, the owner’s, ours')
      assert.equal((await run.read()).twoFACode, null)
      assert.ok(!run.lines.join().includes('424242'))
    })
  }

  test('an old code is not taken for the answer; the time passes, and the state stays', async () => {
    await using run = await prepare()
    await run.stack.client.data.updateAttributes('io.cozy.accounts', ACCOUNT, { twoFACode: 'old' })
    const asked = run.twoFactor.ask({ type: 'sms', every: 10, until: Date.now() + 100 })
    await assert.rejects(asked, { message: 'USER_ACTION_NEEDED.TWOFA_EXPIRED' })
    assert.equal((await run.read()).state, 'TWOFA_NEEDED.SMS')
  })

  test('nobody is there: the account is not touched', async () => {
    await using run = await prepare(false)
    await assert.rejects(run.twoFactor.ask(), { message: 'USER_ACTION_NEEDED.TWOFA_EXPIRED' })
    assert.deepEqual(run.states(), [])
    assert.match(run.lines.join(), /"type":"warn"/)
  })

  test('ends with the run', async () => {
    await using run = await prepare()
    const asked = run.twoFactor.ask({ every: 60_000 })
    run.stop.abort(new Error('the end'))
    await assert.rejects(asked, { message: 'the end' })
  })
})
