import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createSecretMask, MASK } from '../../src/standalone/secrets.ts'

test('a code of two factors and a kept session are not shown with the account', () => {
  const { hideIn } = createSecretMask({}, [])
  const account = { state: 'TWOFA_NEEDED.SMS', twoFACode: '248396', data: { auth: { session: '{"cookies":[]}' } } }
  assert.deepEqual(hideIn(account), {
    state: 'TWOFA_NEEDED.SMS',
    twoFACode: MASK,
    data: { auth: { session: MASK } },
  })
  assert.deepEqual(hideIn({ twoFACode: null }), { twoFACode: null }, 'that there is none may be seen')
})
