import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { createSecretMask, isSecretField } from '../src/secrets.ts'

/** What a text looks like once these values are hidden. */
function masked(text: string, ...values: unknown[]): string {
  const { hide, mask } = createSecretMask()
  for (const value of values) hide(value)
  return mask(text)
}

describe('a hidden value is masked', () => {
  const password = `p&ss "w'ord é(1)`
  const forms: [string, string][] = [
    ['as it is', password],
    ['in a URL', encodeURIComponent(password)],
    ['in a form', new URLSearchParams({ p: password }).toString().slice(2)],
    ['in a form of request', encodeURIComponent(password).replace(/[!'()*]/g, c => `%${c.charCodeAt(0).toString(16)}`)],
    ['in JSON', JSON.stringify(password).slice(1, -1)],
    ['in base64', Buffer.from(password).toString('base64').replace(/=+$/, '')],
    ["in util.inspect's quotes", password.replaceAll("'", "\\'")],
  ]
  for (const [name, form] of forms) {
    test(name, () => assert.equal(masked(`<${form}> <${form}>`, password), '<***> <***>'))
  }

  test('whole, when it holds another one, in whatever order they came', () => {
    assert.equal(masked('abcdefgh abcd', 'abcd', 'abcdefgh'), '*** ***')
    assert.equal(masked('abcdefgh abcd', 'abcdefgh', 'abcd'), '*** ***')
  })

  test('as a whole word only, when it has less than four characters', () => {
    assert.equal(masked('code 12 of 1234, é12', '12'), 'code *** of 1234, é12')
  })

  test('also as a number, and inside of objects and arrays', () => {
    assert.equal(
      masked('482913 deep list true', 482913, { a: { b: 'deep' }, c: ['list'], d: true }),
      '*** *** *** true',
    )
  })

  test('with characters that mean something to a regular expression, or beyond ASCII', () => {
    assert.equal(masked('x a.b*c-(d)/é😀 y a-b-c', 'a.b*c-(d)/é😀'), 'x *** y a-b-c')
  })
})

test('half a character does no harm', () => {
  assert.equal(masked('x \ud83dabc y', '\ud83dabc'), 'x *** y')
})

test('nothing, blanks and single signs hide nothing: they are in every line', () => {
  const text = 'a / b: c    - true null'
  assert.equal(masked(text, undefined, null, '', '    ', '/', '-', true), text)
})

test('a mask that forgets hides nothing any more', () => {
  const { hide, mask, forget } = createSecretMask()
  hide('hunter22')
  hide('12')
  forget()
  assert.equal(mask('hunter22 12'), 'hunter22 12')
})

test('of two masks each has its own secrets', () => {
  createSecretMask().hide('hunter22')
  assert.equal(createSecretMask().mask('hunter22'), 'hunter22')
})

test('which fields are secret: those of type password, those that say so, those named like one', () => {
  const named = [
    ...['password', 'passwd', 'secret', 'dob', 'code', 'answer', 'access_token', 'refresh_token', 'appSecret'],
    ...['pin', 'otp', 'session', 'cookies', 'apiKey', 'Authorization'],
  ]
  for (const name of named) assert.equal(isSecretField(name), true, name)
  const plain = ['login', 'email', 'postal_code', 'token_type', 'expires_in', 'tokenExpire', 'scope', 'passport', 'zip']
  for (const name of plain) assert.equal(isSecretField(name), false, name)
  assert.equal(isSecretField('x', { type: 'password' }), true)
  assert.equal(isSecretField('login', { encrypted: true }), true)
  assert.equal(isSecretField('code', { type: 'text', encrypted: false }), false, 'the manifest knows better')
  assert.equal(isSecretField('password', { type: 'password', encrypted: false }), true, 'but not of a password')
})
