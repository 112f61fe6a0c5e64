import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { describe, test } from 'node:test'
import { parseCookieDate } from '../../src/http/cookie-date.ts'
import { CookieJar } from '../../src/http/cookie-jar.ts'
import { isPublicSuffix } from '../../src/http/public-suffix.ts'

const NOW = Date.parse('2026-01-01T00:00:00Z')
const jarAt = (now = NOW) => new CookieJar({ now: () => now })

/** Set-Cookie lines, the page that sends them, another page, and the Cookie header for it. */
const sending: [name: string, lines: string[], from: string, to: string, expected: string][] = [
  ['same host', ['a=1'], 'https://x.example/', 'https://x.example/other', 'a=1'],
  ['host-only is not for sub domains', ['a=1'], 'https://x.example/', 'https://www.x.example/', ''],
  ['host-only is not for the parent', ['a=1'], 'https://www.x.example/', 'https://x.example/', ''],
  ['Domain reaches sub domains', ['a=1; Domain=x.example'], 'https://x.example/', 'https://www.x.example/', 'a=1'],
  ['Domain with a dot', ['a=1; Domain=.x.example'], 'https://www.x.example/', 'https://x.example/', 'a=1'],
  ['Domain of the parent', ['a=1; Domain=x.example'], 'https://www.x.example/', 'https://api.x.example/', 'a=1'],
  ['Domain in capitals', ['a=1; Domain=X.Example'], 'https://x.example/', 'https://www.x.example/', 'a=1'],
  [
    'Domain in Unicode',
    ['a=1; Domain=bücher.example'],
    'https://bücher.example/',
    'https://www.bücher.example/',
    'a=1',
  ],
  ['a name that only ends alike', ['a=1; Domain=x.example'], 'https://x.example/', 'https://evilx.example/', ''],
  ['foreign Domain is refused', ['a=1; Domain=y.example'], 'https://x.example/', 'https://y.example/', ''],
  [
    'Domain of a sub domain is refused',
    ['a=1; Domain=www.x.example'],
    'https://x.example/',
    'https://www.x.example/',
    '',
  ],
  ['a top domain is refused', ['a=1; Domain=example'], 'https://x.example/', 'https://y.example/', ''],
  ['a registry is refused', ['a=1; Domain=co.uk'], 'https://x.co.uk/', 'https://y.co.uk/', ''],
  ['empty Domain is none', ['a=1; Domain='], 'https://x.example/', 'https://x.example/', 'a=1'],
  ['address', ['a=1; Domain=127.0.0.1'], 'http://127.0.0.1/', 'http://127.0.0.1:8080/', 'a=1'],
  ['localhost', ['a=1; Domain=localhost'], 'http://localhost/', 'http://localhost/', 'a=1'],
  ['ports do not matter', ['a=1'], 'http://x.example:8080/', 'http://x.example:9090/', 'a=1'],
  ['Path', ['a=1; Path=/in'], 'https://x.example/', 'https://x.example/in/side', 'a=1'],
  ['Path itself', ['a=1; Path=/in'], 'https://x.example/', 'https://x.example/in', 'a=1'],
  ['a path that only begins alike', ['a=1; Path=/in'], 'https://x.example/', 'https://x.example/inside', ''],
  ['default path is the folder of the page', ['a=1'], 'https://x.example/in/page', 'https://x.example/in/other', 'a=1'],
  ['default path keeps others out', ['a=1'], 'https://x.example/in/page', 'https://x.example/', ''],
  ['a Path that is none is the default', ['a=1; Path=in'], 'https://x.example/in/page', 'https://x.example/in/', 'a=1'],
  ['Secure is for https', ['a=1; Secure'], 'https://x.example/', 'https://x.example/', 'a=1'],
  ['Secure is not for http', ['a=1; Secure'], 'https://x.example/', 'http://x.example/', ''],
  ['HttpOnly is sent', ['a=1; HttpOnly; SameSite=Strict'], 'https://x.example/', 'https://x.example/', 'a=1'],
  ['longer paths come first', ['a=1', 'b=2; Path=/in'], 'https://x.example/', 'https://x.example/in', 'b=2; a=1'],
  ['one name twice: the last', ['a=1', 'a=2'], 'https://x.example/', 'https://x.example/', 'a=2'],
  ['one name on two paths: both', ['a=1', 'a=2; Path=/in'], 'https://x.example/', 'https://x.example/in', 'a=2; a=1'],
  ['Max-Age=0 removes', ['a=1', 'a=; Max-Age=0'], 'https://x.example/', 'https://x.example/', ''],
  [
    'a past date removes',
    ['a=1', 'a=; Expires=Thu, 01 Jan 1970 00:00:00 GMT'],
    'https://x.example/',
    'https://x.example/',
    '',
  ],
  [
    'Max-Age wins over Expires',
    ['a=1; Max-Age=60; Expires=Thu, 01 Jan 1970 00:00:00 GMT'],
    'https://x.example/',
    'https://x.example/',
    'a=1',
  ],
  ['an unreadable date is none', ['a=1; Expires=soon'], 'https://x.example/', 'https://x.example/', 'a=1'],
  ['quotes stay', ['a="1 2"'], 'https://x.example/', 'https://x.example/', 'a="1 2"'],
  ['an equals sign in the value', ['a=b=c=='], 'https://x.example/', 'https://x.example/', 'a=b=c=='],
  ['an empty value', ['a='], 'https://x.example/', 'https://x.example/', 'a='],
  ['a value without a name', ['token'], 'https://x.example/', 'https://x.example/', 'token'],
  ['nothing at all', ['; Path=/'], 'https://x.example/', 'https://x.example/', ''],
  ['control characters', ['a=1\u0000b'], 'https://x.example/', 'https://x.example/', ''],
]

describe('which cookies are sent', () => {
  for (const [name, lines, from, to, expected] of sending) {
    test(name, () => {
      const jar = jarAt()
      for (const line of lines) jar.setCookie(line, from)
      assert.equal(jar.cookieHeader(to), expected)
    })
  }

  test('until they expire', () => {
    let now = NOW
    const jar = new CookieJar({ now: () => now })
    jar.setCookie('a=1; Max-Age=60', 'https://x.example/')
    jar.setCookie('b=2; Expires=Thu, 01 Jan 2026 00:02:00 GMT', 'https://x.example/')
    now += 59_000
    assert.equal(jar.cookieHeader('https://x.example/'), 'a=1; b=2')
    now += 1_000
    assert.equal(jar.cookieHeader('https://x.example/'), 'b=2')
    now += 60_000
    assert.equal(jar.cookieHeader('https://x.example/'), '')
    assert.equal(jar.size, 0)
  })

  test('a renewed Max-Age counts from its renewal', () => {
    let now = NOW
    const jar = new CookieJar({ now: () => now })
    jar.setCookie('a=1; Max-Age=60', 'https://x.example/')
    now += 50_000
    jar.setCookie('a=1; Max-Age=60', 'https://x.example/')
    now += 50_000
    assert.equal(jar.cookieHeader('https://x.example/'), 'a=1')
  })
})

describe('cookie dates', () => {
  const same = Date.parse('1994-11-06T08:49:37Z')
  const cases: [string, number | undefined][] = [
    ['Sun, 06 Nov 1994 08:49:37 GMT', same],
    ['Sunday, 06-Nov-94 08:49:37 GMT', same],
    ['Sun Nov  6 08:49:37 1994', same],
    ['06 Nov 1994 08:49:37', same],
    ['08:49:37 november 6 1994', same],
    ['Wed, 31-Dec-69 23:59:59 GMT', Date.parse('2069-12-31T23:59:59Z')],
    ['Thu, 01 Jan 1970 0:0:1 GMT', 1000],
    ['30 Feb 2020 00:00:00', undefined],
    ['06 Nov 1500 08:49:37', undefined],
    ['06 Nov 1994 25:00:00', undefined],
    ['06 Nov 1994', undefined],
    ['', undefined],
  ]
  for (const [text, expected] of cases) test(text || 'empty', () => assert.equal(parseCookieDate(text), expected))
})

test('registries', () => {
  const refused = ['com', 'fr', 'co.uk', 'com.au', 'gouv.fr', 'or.jp', 'github.io', 'co.jp']
  const allowed = ['example.com', 't.co', 'or.fr', 'www.co.uk', 'bbc.co.uk', 'me.github.io', 'go.com']
  assert.deepEqual(
    refused.filter(domain => !isPublicSuffix(domain)),
    [],
  )
  assert.deepEqual(allowed.filter(isPublicSuffix), [])
})

describe('kept sessions', () => {
  /** As tough-cookie 2.5 writes it (`sdk/exports.md` section 4). */
  const saved = {
    version: 'tough-cookie@2.5.0',
    storeType: 'MemoryCookieStore',
    rejectPublicSuffixes: true,
    cookies: [
      {
        key: 'sid',
        value: 'abc',
        expires: '2030-01-01T00:00:00.000Z',
        domain: 'x.example',
        path: '/',
        secure: true,
        httpOnly: true,
        extensions: ['SameSite=Lax'],
        hostOnly: false,
        creation: '2025-01-01T00:00:00.000Z',
        lastAccessed: '2025-06-01T00:00:00.000Z',
      },
      {
        key: 'device',
        value: 'd',
        maxAge: 99_999_999,
        domain: 'x.example',
        path: '/in',
        hostOnly: true,
        pathIsDefault: true,
        creation: '2025-06-01T00:00:00.000Z',
        lastAccessed: '2025-06-01T00:00:00.000Z',
      },
    ],
  }

  test('come back as they were', () => {
    const jar = CookieJar.fromJSON(JSON.stringify(saved), { now: () => NOW })
    assert.deepEqual(JSON.parse(JSON.stringify(jar)), saved)
    assert.equal(jar.cookieHeader('https://x.example/in/'), 'device=d; sid=abc')
  })

  test('may have been written as JSON of JSON', () => {
    const jar = CookieJar.fromJSON(JSON.stringify(JSON.stringify(saved)), { now: () => NOW })
    assert.equal(jar.size, 2)
  })

  test('that are none are refused and leave the jar as it was', () => {
    const jar = CookieJar.fromJSON(saved, { now: () => NOW })
    for (const bad of ['{', 'null', '{}', '{"cookies":1}', 42]) assert.throws(() => jar.load(bad))
    assert.equal(jar.size, 2)
  })

  test("are tough-cookie's: written there and read here, and back", async () => {
    // The library's own dependency: this package has none, not even for its tests.
    const tough = createRequire(new URL('../../../libs/package.json', import.meta.url))('tough-cookie')
    const page = 'https://www.x.example/in/page'
    const lines = [
      'a=1; Domain=x.example; Path=/; Secure; HttpOnly; SameSite=Lax',
      'b=2; Max-Age=3600',
      'c=3; Expires=Wed, 01 Jan 2098 00:00:00 GMT',
    ]
    const theirs = new tough.CookieJar()
    for (const line of lines) await theirs.setCookie(line, page)
    const ours = CookieJar.fromJSON(JSON.stringify(theirs.toJSON()))
    assert.equal(ours.cookieHeader(page), await theirs.getCookieString(page))
    assert.equal(ours.cookieHeader('https://x.example/in/'), 'a=1')

    const back = tough.CookieJar.fromJSON(JSON.stringify(ours))
    assert.equal(await back.getCookieString(page), ours.cookieHeader(page))
    assert.equal(await back.getCookieString('http://x.example/'), '')
  })
})

test('the version changes with the content, not with reading', () => {
  const jar = jarAt()
  const versions = [jar.version]
  jar.setCookie('a=1', 'https://x.example/')
  versions.push(jar.version)
  jar.cookieHeader('https://x.example/')
  versions.push(jar.version)
  jar.clear()
  versions.push(jar.version)
  assert.deepEqual(versions, [0, 1, 1, 2])
})
