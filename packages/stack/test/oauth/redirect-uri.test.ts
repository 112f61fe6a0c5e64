import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Tenant } from '../../src/ground/tenant.ts'
import { assertRedirectUri, destination, formActionSource, withParameters } from '../../src/rooms/oauth/redirect-uri.ts'

const tenant: Tenant = {
  id: 'x',
  domain: 'alice.example.net',
  oldDomain: 'alice.old.example',
  url: 'https://alice.example.net/',
  locale: 'en',
}

const refused = (uri: unknown) =>
  assert.throws(
    () => assertRedirectUri(uri, tenant),
    (error: { status?: number; body?: { error?: string } }) =>
      error.status === 400 && error.body?.error === 'invalid_redirect_uri',
    String(uri),
  )

test('a redirect URI leads to a client, never to the instance, a script or a header', () => {
  for (const uri of [
    '',
    42,
    null,
    'not a uri',
    '/relative',
    '//no.scheme',
    'https://client.example/cb#fragment',
    'https://client.example/cb#',
    'https://alice.example.net/cb',
    'http://alice.example.net/cb',
    'https://ALICE.example.net/cb',
    'https://alice.old.example/',
    'https://alice.example.net@evil.example/',
    'https://user:pass@client.example/',
    'javascript:alert(1)',
    'JavaScript:alert(1)',
    'data:text/html,x',
    'vbscript:x',
    'file:///etc/passwd',
    'blob:https://client.example/1',
    'https://client.example/\r\nSet-Cookie: a=b',
    'https://client.example/\tx',
    'https://client.example/ x',
    'https://client.example/"><script>',
    'https://client.example/é',
    'https://client.example\\@evil.example/',
    `https://client.example/${'x'.repeat(2048)}`,
  ]) {
    refused(uri)
  }
})

test('web pages, devices and applications are accepted as they are', () => {
  for (const uri of [
    'http://localhost:3333/do_access',
    'http://127.0.0.1:1/cb?a=b',
    'http://[::1]:8080/',
    'https://client.example',
    'cozydrive://auth',
    'com.example.app:/cb',
    'https://alice.example.net.evil.example/',
  ]) {
    assert.doesNotThrow(() => assertRedirectUri(uri, tenant), uri)
  }
})

test('parameters are added to what is there', () => {
  assert.equal(
    withParameters('http://localhost:3333/cb', { a: '1', state: 'x y&z' }),
    'http://localhost:3333/cb?a=1&state=x+y%26z',
  )
  assert.equal(withParameters('http://localhost:3333', { a: '1' }), 'http://localhost:3333?a=1')
  assert.equal(withParameters('https://c.example/cb?k=v', { a: '1' }), 'https://c.example/cb?k=v&a=1')
  assert.equal(withParameters('https://c.example/cb?', { a: '1' }), 'https://c.example/cb?a=1')
  assert.equal(withParameters('cozydrive://auth', { a: '\r\n' }), 'cozydrive://auth?a=%0D%0A')
})

test('what a policy and a person are told of it', () => {
  assert.equal(formActionSource('http://localhost:3333/cb?x'), 'http://localhost:3333')
  assert.equal(formActionSource('cozydrive://auth'), 'cozydrive:')
  assert.equal(destination('https://client.example/cb'), 'client.example')
  assert.equal(destination('com.example.app:/cb'), 'com.example.app')
})
