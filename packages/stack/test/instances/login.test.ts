import assert from 'node:assert/strict'
import { test } from 'node:test'
import { runInNewContext } from 'node:vm'
import type { Actor } from '../../src/ground/http/grant.ts'
import { html, renderPage } from '../../src/rooms/instances/index.ts'
import { assetOf } from '../../src/rooms/instances/pages/assets.ts'
import { cookiesOf, derived, makeInstance, openBench, serve } from './help.ts'

const HOST = 'alice.localhost:8080'
const HOME = 'http://alice.localhost:8080/'
const JSON_ONLY = { accept: 'application/json' }
const FORM = { 'content-type': 'application/x-www-form-urlencoded' }
const form = (fields: Record<string, string>) => new URLSearchParams(fields).toString()

async function openHouse(locale = 'en') {
  const cleanup = new AsyncDisposableStack()
  const bench = cleanup.use(await openBench())
  const { instances } = bench
  await makeInstance(bench, 'alice.localhost', 'correct horse')
  const alice = await instances.update((await instances.byDomain('alice.localhost'))!, { locale })
  const actors: Record<string, Actor> = {}
  const served = cleanup.use(await serve(bench, instances.routes, { host: HOST, actors }))
  return {
    bench,
    instances,
    alice,
    actors,
    request: served.request,
    right: await derived('correct horse', alice),
    [Symbol.asyncDispose]: () => cleanup.disposeAsync(),
  }
}

/** The page, its token and its cookie. */
async function getForm(request: Awaited<ReturnType<typeof openHouse>>['request'], path = '/auth/login') {
  const page = await request(path)
  const token = /name="csrf_token" value="([^"]+)"/.exec(page.text)?.[1] ?? ''
  return { page, token, cookie: cookiesOf(page) }
}

test('the page has what a client needs to derive, runs no inline script, and is in the language of the instance', async () => {
  await using house = await openHouse()
  const { page } = await getForm(house.request)
  assert.equal(page.status, 200)
  assert.match(page.text, /data-salt="me@alice\.localhost" data-iterations="50000"/)
  assert.match(page.text, /<html lang="en">[\s\S]*<h1>Sign in to Alice<\/h1>/)
  assert.match(page.text, /<label for="passphrase">Password<\/label>\s*<input type="password" id="passphrase"/)
  assert.ok(!/<script(?![^>]* src=)/.test(page.text) && !/ on\w+=/.test(page.text) && !/ style=/.test(page.text))
  assert.match(
    String(page.headers['content-security-policy']),
    /default-src 'none';.*script-src 'self';.*frame-ancestors 'none'/,
  )
  assert.match(String(page.headers['set-cookie']), /^_csrf=[0-9a-f]{32}; Path=\/auth; HttpOnly; SameSite=Lax$/)
  assert.equal(page.headers['cache-control'], 'no-store')
  for (const [, src = ''] of page.text.matchAll(/(?:src|href)="(\/assets[^"]+)"/g)) {
    const asset = await house.request(src)
    assert.deepEqual([asset.status, asset.headers['cache-control']], [200, 'public, max-age=31536000, immutable'])
  }
  assert.equal((await house.request('/assets/auth/..%2Fhtml.ts')).status, 404)
  await using french = await openHouse('fr')
  assert.match((await getForm(french.request)).page.text, /<html lang="fr">[\s\S]*Mot de passe/)
})

test('the script sends what the protocol says, and never the passphrase', async () => {
  await using house = await openHouse()
  // The two functions of the script, run as a browser runs them.
  const script = assetOf('passphrase.js')!.content.toString()
  const functions = /async function pbkdf2[\s\S]*?\n}\n\nasync function hashed[\s\S]*?\n}\n/.exec(script)![0]
  const words = { salt: 'me@alice.localhost', iterations: '50000' }
  const context = { crypto, btoa, Uint8Array, words, utf8: new TextEncoder() }
  assert.equal(await runInNewContext(`${functions}; hashed('correct horse')`, context), house.right)
})

test('the right passphrase opens a session and goes where it was asked', async () => {
  await using house = await openHouse()
  const { request, right, instances, alice } = house
  const { token, cookie } = await getForm(request)
  const fields = { passphrase: right, csrf_token: token, redirect: 'http://drive.alice.localhost:8080/#/folder' }
  const headers = { ...FORM, cookie: `${cookie}; cozysessid=planted` }
  const answer = await request('/auth/login', { method: 'POST', body: form(fields), headers })
  assert.deepEqual([answer.status, answer.headers.location], [303, 'http://drive.alice.localhost:8080/#/folder'])
  const session = cookiesOf(answer)
  assert.match(session, /^cozysessid=[\w-]+$/)
  assert.ok(await instances.sessions.find(session, alice))
  const again = await request('/auth/login', { headers: { cookie: session } })
  assert.deepEqual([again.status, again.headers.location], [303, HOME])

  const asJson = await request('/auth/login', {
    method: 'POST',
    body: form({ passphrase: right, 'long-run-session': 'true' }),
    headers: { ...FORM, ...JSON_ONLY },
  })
  assert.deepEqual([asJson.status, asJson.json], [200, { redirect: HOME }])
  assert.match(String(asJson.headers['set-cookie']), /Max-Age=315360000/)
  const body = { passphrase: right }
  assert.equal(
    (await request('/auth/login', { method: 'POST', body, headers: JSON_ONLY })).status,
    200,
    'a JSON body too',
  )
})

test('a wrong one: 401 with the page, or in JSON when that and nothing else is accepted', async () => {
  await using house = await openHouse()
  const { token, cookie } = await getForm(house.request)
  const body = form({ passphrase: 'wrong', csrf_token: token })
  const post = (headers: Record<string, string>) =>
    house.request('/auth/login', { method: 'POST', body, headers: { ...FORM, cookie, ...headers } })
  const page = await post({})
  assert.equal(page.status, 401)
  assert.match(page.text, /role="alert">This password is not the right one\.<\/p>/)
  assert.equal(page.headers['set-cookie'], undefined)
  assert.match((await post({ accept: 'application/json, */*' })).text, /^<!doctype html>/)
  const json = await post(JSON_ONLY)
  assert.deepEqual([json.status, json.json], [401, { error: 'This password is not the right one.' }])
})

test('a form of another site signs nobody in', async () => {
  await using house = await openHouse()
  const { request, right } = house
  const { token, cookie } = await getForm(request)
  const post = (fields: Record<string, string>, headers: Record<string, string>) =>
    request('/auth/login', {
      method: 'POST',
      body: form({ passphrase: right, ...fields }),
      headers: { ...FORM, ...headers },
    })
  const other = '0'.repeat(32)
  for (const [fields, headers] of [
    [{}, { cookie }],
    [{ csrf_token: token }, {}],
    [{ csrf_token: other }, { cookie }],
    [{ csrf_token: '' }, { cookie: '_csrf=' }],
    [{}, { ...JSON_ONLY, origin: 'https://evil.example' }],
    [{}, { ...JSON_ONLY, origin: 'null' }],
    [{}, { ...JSON_ONLY, 'sec-fetch-site': 'cross-site' }],
  ] as [Record<string, string>, Record<string, string>][]) {
    const answer = await post(fields, headers)
    assert.equal(answer.status, 403, JSON.stringify([fields, headers]))
    assert.ok(!String(answer.headers['set-cookie']).includes('cozysessid'))
  }
  assert.equal((await post({}, { ...JSON_ONLY, origin: 'http://alice.localhost:8080' })).status, 200)
})

test('it leads nowhere else', async () => {
  await using house = await openHouse()
  const { request, right } = house
  const there = [
    'https://evil.example/',
    'http://alice.localhost.evil.example:8080/',
    'http://alice.localhost:8080@evil.example/',
    'http://user@alice.localhost:8080/',
    '//evil.example/',
    '\\\\evil.example/',
    'http://bob.localhost:8080/',
    'http://a.b.alice.localhost:8080/',
    'https://alice.localhost:8080/',
    'http://alice.localhost:9999/',
    'javascript:alert(1)',
    'data:text/html,x',
    'http://[',
  ]
  for (const redirect of there) {
    assert.equal((await request(`/auth/login?redirect=${encodeURIComponent(redirect)}`)).status, 400, redirect)
    const body = form({ passphrase: right, redirect })
    const answer = await request('/auth/login', { method: 'POST', body, headers: { ...FORM, ...JSON_ONLY } })
    assert.equal(answer.status, 400, redirect)
  }
  const page = await request(`/auth/login?redirect=${encodeURIComponent('/auth/authorize?a="><script>&b=1')}`)
  assert.equal(page.status, 200)
  assert.ok(!page.text.includes('"><script>'))
  assert.equal((await request('/auth/login?redirect=a&redirect=b')).status, 400)
})

test('too many wrong ones: 429 with the time to wait, in words on the page', async () => {
  await using house = await openHouse()
  const { request, right } = house
  const post = (passphrase: string, headers: Record<string, string>) =>
    request('/auth/login', {
      method: 'POST',
      body: form({ passphrase }),
      headers: { ...FORM, ...JSON_ONLY, ...headers },
    })
  for (let n = 0; n < 10; n++) assert.equal((await post('x', {})).status, 401)
  const answer = await post(right, {})
  assert.deepEqual([answer.status, answer.headers['retry-after']], [429, '300'])
  assert.deepEqual(answer.json, { error: 'Too many wrong passwords. Try again in 5 minutes.' })
})

test('signing out ends the session of the app that asks; others by a token of an app alone', async () => {
  await using house = await openHouse()
  const { request, instances, alice, actors } = house
  const [one, two] = [await instances.sessions.open(alice), await instances.sessions.open(alice)]
  const grant = { maximal: false } as Actor['grant']
  actors.app = { kind: 'app', subject: 'home', sessionId: one.session.id, grant }
  actors.cli = { kind: 'cli', subject: 'CLI', grant }
  const call = (path: string, token?: string) =>
    request(path, { method: 'DELETE', headers: token ? { authorization: `Bearer ${token}` } : {} })
  assert.equal((await call('/auth/login')).status, 401)
  assert.equal((await call('/auth/login', 'cli')).status, 401)
  assert.equal((await call('/auth/login', 'unknown')).status, 400)
  assert.equal((await call('/auth/login/others', 'app')).status, 204)
  assert.deepEqual(
    (await instances.sessions.list(alice)).map(({ id }) => id),
    [one.session.id],
  )
  assert.equal(await instances.sessions.find(two.setCookie, alice), undefined)
  const told: unknown[] = []
  house.bench.ground.news.subscribe(({ verb, doctype, id }) => void told.push([verb, doctype, id]))
  const out = await call('/auth/login', 'app')
  assert.equal(out.status, 204)
  assert.match(String(out.headers['set-cookie']), /^cozysessid=; .*Max-Age=0/)
  assert.deepEqual(told, [['DELETED', 'io.cozy.sessions', one.session.id]])
  assert.equal(await instances.sessions.find(one.setCookie, alice), undefined)
})

test('the root: to the page to sign in, a page with a way out, or the home app', async () => {
  await using house = await openHouse()
  const { request, instances, alice, bench } = house
  assert.equal((await request('/')).headers.location, '/auth/login')
  const cookie = cookiesOf({ headers: { 'set-cookie': (await instances.sessions.open(alice)).setCookie } } as never)
  const page = await request('/', { headers: { cookie } })
  assert.match(page.text, /You are signed in/)
  const token = /name="csrf_token" value="([^"]+)"/.exec(page.text)![1]!
  const out = (fields: Record<string, string>) =>
    request('/auth/logout', {
      method: 'POST',
      body: form(fields),
      headers: { ...FORM, cookie: `${cookie}; ${cookiesOf(page)}` },
    })
  assert.equal((await out({})).status, 403)
  assert.ok(await instances.sessions.find(cookie, alice))
  assert.equal((await out({ csrf_token: token })).headers.location, '/auth/login')
  assert.equal(await instances.sessions.find(cookie, alice), undefined)
  await bench.ground.documents.of(alice).create('io.cozy.apps', { slug: 'home' }, 'io.cozy.apps/home')
  const signedIn = cookiesOf({ headers: { 'set-cookie': (await instances.sessions.open(alice)).setCookie } } as never)
  assert.equal(
    (await request('/', { headers: { cookie: signedIn } })).headers.location,
    'http://home.alice.localhost:8080/',
  )
})

test('the page of the first passphrase needs its token; what needs mail says so', async () => {
  await using bench = await openBench()
  const { instance, registerToken } = await bench.instances.create({ domain: 'alice.localhost' })
  await using served = await serve(bench, bench.instances.routes, { host: HOST })
  const page = await served.request(`/auth/passphrase?registerToken=${registerToken}`)
  assert.equal(page.status, 200)
  assert.match(page.text, /action="\/settings\/passphrase"/)
  assert.match(page.text, new RegExp(`name="register_token" value="${registerToken}"`))
  assert.match(page.text, /name="iterations" value="650000"/)
  for (const token of ['', '?registerToken=', '?registerToken=00', '?registerToken=<b>'])
    assert.equal((await served.request(`/auth/passphrase${token}`)).status, 400)
  const login = await served.request('/auth/login')
  assert.match(login.text, /No password has been chosen/)
  assert.ok(!login.text.includes('<form'))
  for (const path of ['/auth/passphrase_reset', '/auth/passphrase_renew', '/auth/twofactor'])
    assert.match((await served.request(path)).text, /sends no mail yet/)
  assert.equal(instance.passphraseDefined, false)
})

test('a page escapes all it is given', () => {
  const page = renderPage({
    title: '<b>"',
    body: html`<p title="${'"><i>'}">${['<u>', html`<em>${'&'}</em>`]}</p>`,
    locale: 'fr',
  })
  assert.match(page, /<h1>&lt;b&gt;&quot;<\/h1>/)
  assert.match(page, /<p title="&quot;&gt;&lt;i&gt;">&lt;u&gt;<em>&amp;<\/em><\/p>/)
})
