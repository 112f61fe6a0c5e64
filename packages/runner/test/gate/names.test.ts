import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isPublicAddress } from '../../src/gate/addresses.ts'
import { cleanHostName, isDeclared, readDeclared } from '../../src/gate/host-name.ts'
import { createJudge } from '../../src/gate/policy.ts'

test('public addresses, and the others', () => {
  for (const address of [
    '1.1.1.1',
    '93.184.216.34',
    '172.32.0.1',
    '100.128.0.1',
    '2606:4700::1111',
    '2a00:1450:4001::1',
  ]) {
    assert.equal(isPublicAddress(address), true, address)
  }
  for (const address of [
    ...[
      '0.0.0.0',
      '10.0.0.1',
      '100.64.0.1',
      '127.0.0.1',
      '127.255.255.255',
      '169.254.169.254',
      '172.16.0.1',
      '172.31.255.255',
    ],
    ...[
      '192.168.0.1',
      '192.0.0.192',
      '192.0.2.1',
      '198.18.0.1',
      '198.51.100.1',
      '203.0.113.1',
      '224.0.0.1',
      '255.255.255.255',
      '168.63.129.16',
    ],
    ...[
      '::',
      '::1',
      '::ffff:1.1.1.1',
      '::ffff:127.0.0.1',
      '::127.0.0.1',
      '64:ff9b::1.1.1.1',
      '64:ff9b:1::1',
      'fe80::1',
      'fe80::1%eth0',
      'fc00::1',
      'fd00:ec2::254',
    ],
    ...['2001::1', '2001:db8::1', '2002:7f00:1::', '3fff::1', 'ff02::1', '5f00::1', '2606:4700::1111%lo'],
    ...['', 'vendor.test', '1.1.1', '0x01010101', '1.1.1.1 ', '01.1.1.1'],
  ]) {
    assert.equal(isPublicAddress(address), false, address)
  }
})

test('host names, and what only looks like one', () => {
  for (const [text, name] of [
    ['Vendor.TEST', 'vendor.test'],
    ['vendor.test.', 'vendor.test'],
    ['xn--e1afmkfd.xn--p1ai', 'xn--e1afmkfd.xn--p1ai'],
    ['a_b.test', 'a_b.test'],
  ]) {
    assert.equal(cleanHostName(text!), name)
  }
  for (const text of [
    '',
    '.',
    '..',
    'a..b',
    '-a.test',
    'a-.test',
    'a b.test',
    'a\0.test',
    'é.test',
    '1.2.3.4',
    '127.1',
    '2130706433',
    '0x7f000001',
    'a.0x7f',
    'a.1',
    '[::1]',
    'a:80',
    'a/b',
    'a@b',
    'a%2eb',
    `${'a'.repeat(64)}.test`,
    `${'a.'.repeat(127)}test`,
    'vendor.test..',
  ]) {
    assert.equal(cleanHostName(text), undefined, JSON.stringify(text))
  }
})

test('declared names and wildcards', () => {
  const declared = readDeclared(['Vendor.example', '*.cdn.example'])
  for (const name of ['vendor.example', 'a.cdn.example', 'a.b.cdn.example'])
    assert.equal(isDeclared(name, declared), true, name)
  for (const name of [
    'www.vendor.example',
    'cdn.example',
    'xcdn.example',
    'vendor.example.evil.test',
    'evilvendor.example',
  ]) {
    assert.equal(isDeclared(name, declared), false, name)
  }
  for (const bad of [
    '*',
    '*.com',
    '*.*.example',
    'a.*.example',
    '10.0.0.1',
    '',
    'http://vendor.example',
    'vendor.example/',
  ]) {
    assert.throws(() => readDeclared([bad]), TypeError, bad)
  }
})

test('what may pass by name and port: a table', () => {
  const pinned = [{ host: 'pinned.test', address: '127.0.0.1', port: 8081 }]
  const stack = { host: 'alice.localhost', port: 8080 }
  const named = createJudge({ domains: ['vendor.test', 'pinned.test'], pinnedHosts: pinned, stack })
  const open = createJudge({ domains: 'public', pinnedHosts: pinned, stack })
  const brief = (verdict: ReturnType<typeof named>) =>
    'refused' in verdict ? verdict.refused : `${verdict.target.kind} ${verdict.target.speech}`
  for (const [host, port, one, two] of [
    ['vendor.test', 443, 'internet tls', 'internet any'],
    ['VENDOR.test.', 80, 'internet http', 'internet any'],
    ['vendor.test', 8443, 'port', 'port'],
    ['other.test', 443, 'undeclared', 'internet any'],
    ['pinned.test', 80, 'pinned http', 'pinned http'],
    ['pinned.test', 443, 'pinned tls', 'pinned tls'],
    ['pinned.test', 8081, 'pinned either', 'pinned either'],
    ['pinned.test', 8082, 'port', 'port'],
    ['alice.localhost', 8080, 'stack either', 'stack either'],
    ['alice.localhost', 8081, 'undeclared', 'port'],
    ['bob.localhost', 8080, 'undeclared', 'port'],
    ['127.0.0.1', 8080, 'private_address', 'private_address'],
    ['[::1]', 80, 'private_address', 'private_address'],
    ['1.1.1.1', 443, 'literal', 'internet any'],
    ['1.1.1.1', 53, 'literal', 'port'],
    ['127.1', 80, 'malformed', 'malformed'],
  ] as const) {
    assert.deepEqual([brief(named(host, port)), brief(open(host, port))], [one, two], `${host}:${port}`)
  }
  assert.throws(() => createJudge({ domains: [], pinnedHosts: [{ host: 'x.test', address: 'localhost' }] }), TypeError)
})
