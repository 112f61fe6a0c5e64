import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { accountIdentifier } from '../src/account.ts'
import { readFields } from '../src/fields.ts'

describe('field values', () => {
  const specs = {
    login: {},
    password: { type: 'password' },
    remember: { type: 'checkbox' },
    region: { type: 'dropdown', default: { name: 'North', value: 'n' }, options: [{ value: 'n' }, { value: 's' }] },
    nickname: { type: 'text', required: false },
    old: { type: 'text', isRequired: false },
    token: { type: 'hidden' },
    advancedFields: { folderPath: { advanced: true } },
  }

  test('checkboxes are booleans, defaults are filled in, nothing undeclared is lost', () => {
    const { fields, missing } = readFields(specs, {
      login: 'me',
      password: 'p',
      remember: 'true',
      more: 1,
      nickname: '',
    })
    assert.deepEqual(fields, { login: 'me', password: 'p', remember: true, region: 'n', more: 1 })
    assert.deepEqual(missing, [])
    assert.equal(readFields({ c: { type: 'checkbox', default: true } }, {}).fields.c, true)
    assert.equal(readFields({ c: { type: 'checkbox', default: true } }, { c: false }).fields.c, false)
  })

  test('required ones that hold nothing are told; hidden ones and checkboxes are nobody’s to fill in', () => {
    assert.deepEqual(readFields(specs, { password: '' }).missing, ['login', 'password'])
  })
})

test('what names an account: what it says itself, the role, then well-known names', () => {
  const values = { login: 'l', email: 'e', contract: 'c', other: 'o' }
  assert.equal(accountIdentifier({ identifier: 'other' }, {}, values), 'o')
  assert.equal(accountIdentifier({}, { contract: { role: 'identifier' } }, values), 'c')
  assert.equal(accountIdentifier({}, {}, values), 'l')
  assert.equal(accountIdentifier({}, {}, { email: 'e' }), 'e')
  assert.equal(accountIdentifier({}, {}, { password: 'p' }), undefined)
})
