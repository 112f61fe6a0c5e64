import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  appHost,
  DomainError,
  normaliseDomain,
  normaliseHost,
  splitHost,
  urlOf,
} from '../../src/rooms/instances/domain.ts'
import { throttleKey } from '../../src/rooms/instances/rates.ts'

test('a domain is lower-cased, in Unicode, with its port', () => {
  assert.equal(normaliseDomain('Alice.Example.NET', 'nested'), 'alice.example.net')
  assert.equal(normaliseDomain('xn--bcher-kva.example', 'nested'), 'bücher.example')
  assert.equal(normaliseDomain('BÜCHER.example:8080', 'nested'), 'bücher.example:8080')
  assert.equal(normaliseDomain('alice.localhost:08080', 'nested'), 'alice.localhost:8080')
})

test('each forbidden character is refused, and what is no domain', () => {
  for (const character of [' ', '/', ',', ';', '&', '?', '#', '@', '|', '=', "'", '"', '\t', '\n', '\u0000', '\u007f'])
    assert.throws(
      () => normaliseDomain(`al${character}ice.example.net`, 'nested'),
      DomainError,
      JSON.stringify(character),
    )
  for (const given of [
    '',
    ' ',
    '.example.net',
    'a..b',
    'alice.',
    ':8080',
    'a:0',
    'a:99999',
    'a:b',
    `${'a'.repeat(64)}.net`,
  ])
    assert.throws(() => normaliseDomain(given, 'nested'), DomainError, given)
})

test('with flat subdomains the first label has no dash; with nested it may', () => {
  assert.throws(() => normaliseDomain('my-alice.example.net', 'flat'), /no "-"/)
  assert.equal(normaliseDomain('alice.my-example.net', 'flat'), 'alice.my-example.net')
  assert.equal(normaliseDomain('my-alice.example.net', 'nested'), 'my-alice.example.net')
})

test('apps are found in hosts, and their hosts made', () => {
  assert.deepEqual(splitHost('drive.alice.x:80', 'nested'), { slug: 'drive', parent: 'alice.x:80' })
  assert.deepEqual(splitHost('alice-my-drive.x', 'flat'), { slug: 'my-drive', parent: 'alice.x' })
  for (const host of ['localhost', '.x', 'x.']) assert.equal(splitHost(host, 'nested'), undefined)
  for (const host of ['alice.x', '-drive.x', 'alice-.x']) assert.equal(splitHost(host, 'flat'), undefined)
  assert.equal(appHost('alice.x:80', 'drive', 'nested'), 'drive.alice.x:80')
  assert.equal(appHost('alice.x:80', 'drive', 'flat'), 'alice-drive.x:80')
})

test('a Host header is read as liberally as it is sent, and no further', () => {
  assert.equal(normaliseHost('ALICE.Example.net.'), 'alice.example.net')
  assert.equal(normaliseHost('xn--bcher-kva.example:8080'), 'bücher.example:8080')
  for (const host of ['', 'a b', 'a/b', 'a@b', `${'a.'.repeat(200)}net`, '[::1]'])
    assert.equal(normaliseHost(host), undefined)
})

test('URLs have the port that clients use, but not the usual one', () => {
  assert.equal(urlOf('alice.localhost', { scheme: 'http', port: 8080 }), 'http://alice.localhost:8080/')
  assert.equal(urlOf('alice.localhost:9', { scheme: 'http', port: 8080 }), 'http://alice.localhost:9/')
  assert.equal(urlOf('alice.example.net', { scheme: 'https', port: 443 }), 'https://alice.example.net/')
})

test('addresses of one IPv6 subscriber count together', () => {
  assert.equal(throttleKey('::ffff:10.1.2.3'), '10.1.2.3')
  assert.equal(throttleKey('2001:db8:0:1:aaaa::1'), throttleKey('2001:0db8:0000:0001:bbbb:cccc:dddd:eeee'))
  assert.notEqual(throttleKey('2001:db8:0:1::1'), throttleKey('2001:db8:0:2::1'))
  assert.equal(throttleKey('::1'), '0:0:0:0::/64')
})
