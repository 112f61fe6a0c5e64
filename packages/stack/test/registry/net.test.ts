import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fetchBytes } from '../../src/rooms/registry/net/fetch-bytes.ts'
import { isPublicAddress } from '../../src/rooms/registry/net/public-address.ts'
import { resolveHost, Unreachable } from '../../src/rooms/registry/net/resolve-host.ts'
import { compareVersions, parseVersion } from '../../src/rooms/registry/versions.ts'
import { startWeb } from '../konnectors/sources.ts'

test('which addresses are the public Internet', () => {
  const open = ['1.1.1.1', '93.184.216.34', '172.15.0.1', '172.32.0.1', '2606:4700::1111', '2a00:1450::1']
  const closed = [
    ...[
      '0.0.0.0',
      '10.1.2.3',
      '100.64.0.1',
      '127.0.0.1',
      '127.9.9.9',
      '169.254.169.254',
      '172.16.0.1',
      '172.31.255.255',
    ],
    ...['192.168.1.1', '198.18.0.1', '224.0.0.1', '255.255.255.255', '::', '::1', '::ffff:127.0.0.1', '::ffff:1.1.1.1'],
    ...[
      'fe80::1',
      'fc00::1',
      'fd12::1',
      'ff02::1',
      '64:ff9b::7f00:1',
      '2002:7f00:1::',
      '2001:db8::1',
      '2001::1',
      'fe80::1%eth0',
    ],
    ...['localhost', '', '1.1.1', '0x7f000001'],
  ]
  assert.deepEqual(
    open.filter(address => !isPublicAddress(address)),
    [],
  )
  assert.deepEqual(closed.filter(isPublicAddress), [])
})

test('names and numbers that lead into the private network are refused before a connection', async () => {
  for (const host of ['localhost', '127.0.0.1', '[::1]', '10.0.0.1', '169.254.169.254'])
    await assert.rejects(resolveHost(host, { allowPrivate: false }), /private network/)
  assert.deepEqual(await resolveHost('[::1]', { allowPrivate: true }), ['::1'])
  await assert.rejects(resolveHost('no-such-name.invalid', { allowPrivate: true }), Unreachable)
  await using web = await startWeb()
  web.pages.set('/', { body: 'secret' })
  for (const url of [web.url, web.url.replace('127.0.0.1', '2130706433'), web.url.replace('127.0.0.1', '0x7f.1')])
    await assert.rejects(fetchBytes(url, { most: 100, timeout: 1000, allowPrivate: false }), /private network/)
  assert.equal(web.requests.length, 0)
})

test('a GET: statuses, redirects, sizes and times', async () => {
  await using web = await startWeb()
  const options = { most: 1000, timeout: 500, allowPrivate: true }
  web.pages.set('/a', { status: 302, headers: { location: '/b' } })
  web.pages.set('/b', { body: 'here' })
  web.pages.set('/loop', { status: 302, headers: { location: '/loop' } })
  web.pages.set('/file', { status: 302, headers: { location: 'file:///etc/passwd' } })
  web.pages.set('/large', { body: 'x'.repeat(1001) })
  web.pages.set('/never', () => undefined)
  web.pages.set('/drip', (_request, response) => void response.writeHead(200).write('x'))
  web.pages.set('/cut', (_request, response) => {
    response.writeHead(200, { 'content-length': '50' }).write('x', () => response.destroy())
    return undefined
  })
  const found = await fetchBytes(`${web.url}a`, options)
  assert.deepEqual([found.status, found.bytes.toString(), found.url], [200, 'here', `${web.url}b`])
  assert.equal((await fetchBytes(`${web.url}none`, options)).status, 404)
  const refused: [string, RegExp][] = [
    ['loop', /circles/],
    ['file', /not the web/],
    ['large', /more than 1000 bytes/],
    ['never', /in time/],
    ['drip', /in time/],
    ['cut', /could not be reached|broke off/],
  ]
  for (const [path, message] of refused)
    await assert.rejects(fetchBytes(web.url + path, options), error => {
      assert.ok(error instanceof Unreachable)
      assert.match(error.message, message, path)
      return true
    })
})

test('versions: their order, and what is none', () => {
  const ordered = ['0.9.9', '1.0.0-dev.ab12', '1.0.0-beta.1', '1.0.0-beta.10', '1.0.0', '1.0.10', '1.2.0', '10.0.0']
  assert.deepEqual(ordered.toReversed().sort(compareVersions), ordered)
  for (const text of ['1.0', '1.0.0.0', '01.0.0', '1.0.100000', '1.0.0-rc.1', '1.0.0-betax1', '1.0.0-dev.xyz', ''])
    assert.equal(parseVersion(text), undefined, text)
  assert.equal(parseVersion('v1.2.3')?.channel, 'stable')
})
