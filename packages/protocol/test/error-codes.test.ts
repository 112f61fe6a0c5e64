import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ERROR_CODES, errorCodeFacts, OTHER_ERROR_CODES } from '../src/error-codes.ts'

describe('error codes', () => {
  it('are the 26 of the specification', () => {
    assert.equal(Object.keys(ERROR_CODES).length, 26)
  })

  it('stop automatic runs for two families, but for the terms form', () => {
    for (const [code, facts] of Object.entries(ERROR_CODES)) {
      const stops = /^(LOGIN_FAILED|USER_ACTION_NEEDED)/.test(code)
      assert.equal(facts.stopsAutomaticRuns, stops && code !== 'USER_ACTION_NEEDED.CGU_FORM', code)
      // the server tries neither family again
      assert.equal(facts.retry, !stops, code)
      assert.ok(facts.meaning.length > 10, code)
    }
  })

  it('are recognised with details of their own, which mean what their family means', () => {
    assert.equal(errorCodeFacts('LOGIN_FAILED').outcome, 'bad_credentials')
    assert.equal(errorCodeFacts('LOGIN_FAILED.NO_PERSON').outcome, 'bad_credentials')
    assert.equal(errorCodeFacts('LOGIN_FAILED.TOO_MANY_ATTEMPTS').outcome, 'blocked')
    assert.equal(errorCodeFacts('USER_ACTION_NEEDED.TWOFA_EXPIRED').outcome, 'two_factor')
    assert.equal(errorCodeFacts('VENDOR_DOWN.WHATEVER').act, 'vendor')
    assert.equal(errorCodeFacts('UNKNOWN_ERROR.PARTIAL_SYNC').outcome, 'partial')
    assert.equal(errorCodeFacts(' context deadline exceeded ').outcome, 'limit')
    assert.equal(errorCodeFacts('CANNOT_FIND_ACCOUNT').act, 'owner')
  })

  it('any other text is a broken konnector', () => {
    for (const text of [
      '',
      "Cannot read properties of undefined (reading 'x')",
      'toString',
      '__proto__',
      'constructor.x',
    ]) {
      assert.equal(errorCodeFacts(text), ERROR_CODES.UNKNOWN_ERROR)
    }
  })

  it('of the libraries are disjoint from those of authors', () => {
    for (const code of Object.keys(OTHER_ERROR_CODES)) assert.ok(!(code in ERROR_CODES), code)
  })
})
