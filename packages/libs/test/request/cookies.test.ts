import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Cookie, CookieJar } from 'tough-cookie'
import requestFactory, { createJar, globalJar } from '../../src/request/index.ts'
import { type Handler, startVendor } from './vendor.ts'

const site: Handler = ({ url, headers }, response) => {
  if (url === '/login')
    response.setHeader('set-cookie', ['sid=1; Path=/; HttpOnly', 'foreign=1; Domain=other.fr', 'all=1; Domain=fr', ''])
  response.end(headers.cookie ?? 'none')
}

test('a jar remembers; foreign and public suffix cookies of a response are ignored', async () => {
  await using vendor = await startVendor(site)
  const jar = createJar()
  const request = requestFactory({ json: false, jar })
  await request(`${vendor.url}/login`)
  assert.equal(await request(vendor.url), 'sid=1')
  assert.deepEqual(
    jar.getCookies(vendor.url).map(({ key }) => key),
    ['sid'],
  )
  assert.equal(await requestFactory({ json: false })(vendor.url), 'none', 'no jar, no cookies')
  assert.equal(await request(vendor.url, { jar: false }), 'none')
})

test('jar: true is one jar for the process', async () => {
  await using vendor = await startVendor(site)
  await requestFactory({ json: false, jar: true })(`${vendor.url}/login`)
  assert.equal(await requestFactory({ json: false, jar: true })(vendor.url), 'sid=1')
  assert.equal(globalJar.getCookieString(vendor.url), 'sid=1')
})

test('request.jar() and request.cookie()', async () => {
  await using vendor = await startVendor(site)
  const request = requestFactory({ json: false })
  const jar = request.jar()
  jar.setCookie('a=1', vendor.url)
  jar.setCookie(request.cookie('b=2') as Cookie, vendor.url)
  assert.equal(jar.getCookieString(vendor.url), 'a=1; b=2')
  assert.equal(await request(vendor.url, { jar, headers: { cookie: 'own=0' } }), 'own=0; a=1; b=2')
  assert.ok(jar._jar instanceof CookieJar)
  assert.equal(jar._jar.toJSON()?.cookies.length, 2)
  jar._jar.setCookieSync('c=3', vendor.url)
  assert.equal(jar.getCookieString(vendor.url), 'a=1; b=2; c=3')
  assert.throws(() => request.cookie(3 as unknown as string), /only accepts STRING/)
})

test('setCookie throws for a foreign domain or a public suffix', () => {
  const jar = createJar()
  assert.throws(() => jar.setCookie('a=1; Domain=other.fr', 'http://vendor.fr/'), /not in this host's domain/)
  assert.throws(() => jar.setCookie('a=1; Domain=fr', 'http://vendor.fr/'), /public suffix/)
  assert.equal(jar.setCookie('a=1; Domain=fr', 'http://vendor.fr/', { ignoreError: true }), undefined)
})

test('the rules of tough-cookie 2.5, where 5 differs', () => {
  const jar = createJar()
  // loose mode: a cookie without a name
  jar.setCookie('nameless', 'http://a.fr/')
  assert.equal(jar.getCookieString('http://a.fr/'), 'nameless')
  // an empty cookie is no error
  assert.ok(jar.setCookie('', 'http://b.fr/') instanceof Cookie)
  assert.equal(jar.getCookieString('http://b.fr/'), '')
  // prefixes are not enforced
  jar.setCookie('__Host-a=1', 'http://c.fr/')
  jar.setCookie('__Secure-b=2; Domain=c.fr', 'http://c.fr/')
  assert.equal(jar.getCookieString('http://c.fr/'), '__Host-a=1; __Secure-b=2')
  // .local: host only
  assert.throws(() => jar.setCookie('a=1; Domain=nas.local', 'http://nas.local/'), /public suffix/)
  jar.setCookie('b=2', 'http://nas.local/')
  assert.equal(jar.getCookieString('http://nas.local/'), 'b=2')
  // other names without a registry are allowed
  jar.setCookie('a=1; Domain=vendor.test', 'http://www.vendor.test/')
  assert.equal(jar.getCookieString('http://vendor.test/'), 'a=1')
  // an address as Domain
  jar.setCookie('a=1; Domain=127.0.0.1', 'http://127.0.0.1/')
  assert.equal(jar.getCookieString('http://127.0.0.1/'), 'a=1')
})

test('a session saved by tough-cookie 2.5 is restored in place, and what we save has its form', async () => {
  await using vendor = await startVendor(site)
  const saved = {
    version: 'tough-cookie@2.5.0',
    storeType: 'MemoryCookieStore',
    rejectPublicSuffixes: true,
    cookies: [
      {
        key: 'sid',
        value: 'old',
        domain: '127.0.0.1',
        path: '/',
        hostOnly: true,
        creation: '2026-01-01T00:00:00.000Z',
        lastAccessed: '2026-01-01T00:00:00.000Z',
      },
    ],
  }
  const jar = createJar()
  const request = requestFactory({ json: false, jar })
  jar._jar = CookieJar.fromJSON(JSON.stringify(saved), jar._jar.store)
  assert.equal(await request(vendor.url), 'sid=old', 'the request made before sees the restored cookies')
  jar.setCookie('__Host-x=1', vendor.url)
  assert.equal(jar.getCookieString(vendor.url), 'sid=old; __Host-x=1', 'a restored jar has the old rules too')
  const again = JSON.parse(JSON.stringify(jar._jar.toJSON()))
  assert.equal(again.storeType, 'MemoryCookieStore')
  assert.equal(again.rejectPublicSuffixes, true)
  assert.equal(again.cookies[0].key, 'sid')
  assert.equal(again.cookies[0].hostOnly, true)
})

test('cookies set by a redirect are sent to its target', async () => {
  await using vendor = await startVendor(({ url, headers }, response) => {
    if (url === '/') response.writeHead(302, { location: '/in', 'set-cookie': 'a=1' }).end()
    else response.end(headers.cookie ?? 'none')
  })
  assert.equal(await requestFactory({ json: false, jar: createJar() })(vendor.url), 'a=1')
})
