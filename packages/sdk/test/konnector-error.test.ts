import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { StackError } from '@konnectory/client'
import { HttpError, NetworkError } from '../src/http/http-errors.ts'
import { errors, KonnectorError, verdictOn } from '../src/konnector-error.ts'

const http = (status: number) =>
  new HttpError({ status, method: 'GET', url: 'https://x.example/', headers: new Headers(), body: '' })

describe('what a thrown value makes of the run', () => {
  const cases: [string, unknown, string, boolean?][] = [
    ['a code', errors.loginFailed('because'), 'LOGIN_FAILED'],
    ['an action of the owner', errors.userActionNeeded('CHANGE_PASSWORD'), 'USER_ACTION_NEEDED.CHANGE_PASSWORD'],
    ['any action of the owner', errors.userActionNeeded(), 'USER_ACTION_NEEDED'],
    ['a code of one’s own', new KonnectorError('VENDOR_DOWN.NIGHTLY', { noRetry: true }), 'VENDOR_DOWN.NIGHTLY', true],
    ['a 5xx of the vendor', http(503), 'VENDOR_DOWN'],
    ['a 4xx of the vendor', http(404), '404 from GET https://x.example/'],
    ['no answer of the vendor', new NetworkError('GET', 'https://x.example/', 'ENOTFOUND', 'gone'), 'VENDOR_DOWN'],
    ['a full storage', new StackError(413, 'POST', '/files', 'full'), 'DISK_QUOTA_EXCEEDED'],
    ['a text', 'LOGIN_FAILED', 'LOGIN_FAILED'],
    ['an Error', new Error('odd'), 'odd'],
    ['an Error that is not to be retried', Object.assign(new Error('odd'), { no_retry: true }), 'odd', true],
    ['an Error without a text', new Error(''), 'UNKNOWN_ERROR'],
    ['FIX-2: null', null, 'UNKNOWN_ERROR'],
    ['FIX-2: undefined', undefined, 'UNKNOWN_ERROR'],
    ['an object', { code: 1 }, 'UNKNOWN_ERROR'],
  ]
  for (const [name, thrown, message, noRetry = false] of cases) {
    test(name, () => assert.deepEqual(verdictOn(thrown), { message, noRetry }))
  }
})

test('the codes are there under the names konnectors know', () => {
  assert.equal(Object.keys(errors.codes).length, 26)
  assert.equal(errors.codes.USER_ACTION_NEEDED_TWOFA_EXPIRED, 'USER_ACTION_NEEDED.TWOFA_EXPIRED')
  assert.equal(errors.codes.UNKNOWN_ERROR_PARTIAL_SYNC, 'UNKNOWN_ERROR.PARTIAL_SYNC')
})
