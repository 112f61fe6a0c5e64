import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ERROR_CODES } from '@konnectory/protocol'
import { errors } from '../../src/errors.ts'

describe('errors', () => {
  it('are the codes of the protocol, named after their value', () => {
    assert.deepEqual(Object.values(errors).sort(), Object.keys(ERROR_CODES).sort())
    for (const [name, value] of Object.entries(errors)) assert.equal(name, value.replaceAll('.', '_'))
    assert.equal(Object.keys(errors).length, 26)
    assert.equal(errors.USER_ACTION_NEEDED_TWOFA_EXPIRED, 'USER_ACTION_NEEDED.TWOFA_EXPIRED')
  })

  it('that do not exist are undefined, and members of a code too', () => {
    const any = errors as unknown as Record<string, Record<string, unknown>>
    assert.equal(any.UNKOWN_ERROR, undefined)
    assert.equal(any.LOGIN_FAILED?.NO_PERSON, undefined)
  })
})
