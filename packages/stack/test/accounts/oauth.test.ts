import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { pipeline, Readable } from 'node:stream'
import { after as afterAll, before, test } from 'node:test'
import { CLIENT_ID, CLIENT_SECRET, type DemoVendor, startDemoVendor } from '@konnectory/testkit/demo-vendor'
import { ACCOUNTS, type House, openHouse } from './help.ts'

let house: House
let vendor: DemoVendor
before(async () => {
  ;[house, vendor] = await Promise.all([openHouse({ timeout: 2000 }), startDemoVendor()])
  for (const [name, more] of Object.entries({
    aquavolt: {},
    'aquavolt-basic': { token_mode: 'basic' },
    'aquavolt-pkce': { pkce: true },
    'aquavolt-skips': { skip_state_on_token: true },
  })) {
    const { status, text } = await house.type(name, { ...definition(), slug: 'aquavolt', ...more })
    assert.equal(status, 201, text)
  }
})
afterAll(async () => {
  assert.doesNotMatch(house.lines.join(''), /S3CR3T|demo-client-secret/)
  await vendor?.close()
  await house?.[Symbol.asyncDispose]()
})

const definition = () => ({
  grant_mode: 'authorization_code',
  client_id: CLIENT_ID,
  client_secret: CLIENT_SECRET,
  auth_endpoint: `${vendor.url}/oauth/authorize`,
  token_endpoint: `${vendor.url}/oauth/token`,
})
type Browser = Awaited<ReturnType<House['alice']['browser']>>

/** A person at the vendor: signs in and decides; where the vendor sends the browser then. */
async function atVendor(authorize: string, decision = 'allow'): Promise<URL> {
  const jar = new Map<string, string>()
  const visit = async (url: string, form?: Record<string, string>) => {
    const response = await fetch(new URL(url, vendor.url), {
      redirect: 'manual',
      headers: { cookie: [...jar].map(pair => pair.join('=')).join('; ') },
      ...(form && { method: 'POST', body: new URLSearchParams(form) }),
    })
    for (const cookie of response.headers.getSetCookie()) {
      const [name = '', value = ''] = cookie.split(';', 1)[0]!.split('=')
      jar.set(name, value)
    }
    return { location: response.headers.get('location'), text: await response.text() }
  }
  const csrfOf = (text: string) => /name="_csrf" value="([^"]+)"/.exec(text)?.[1] ?? ''
  const { email, password } = vendor.users.find(({ twoFactor }) => !twoFactor)!
  const login = await visit('/login')
  await visit('/login/check', { _csrf: csrfOf(login.text), username: email, password, next: '/account' })
  const consent = await visit(authorize)
  const decided = await visit(authorize, { _csrf: csrfOf(consent.text), decision })
  assert.ok(decided.location, decided.text)
  return new URL(decided.location)
}

const start = async (browser: Browser, type: string, query = '') => {
  const answer = await browser.visit(`/accounts/${type}/start?${query}`)
  assert.equal(answer.status, 303, answer.text)
  return String(answer.headers.location)
}
const pathOf = (url: URL) => url.pathname + url.search

for (const type of ['aquavolt', 'aquavolt-basic', 'aquavolt-pkce', 'aquavolt-skips']) {
  test(`${type}: from the app to the vendor and back, and an account is there`, async () => {
    vendor.clearRequests()
    const browser = await house.alice.browser()
    const authorize = await start(browser, type, 'state=client%20state&nonce=17&scope=invoices%2Bprofile&slug=drive')
    const asked = new URL(authorize).searchParams
    assert.equal(asked.get('redirect_uri'), `${house.alice.instance.url}accounts/${type}/redirect`)
    assert.equal(asked.get('scope'), 'invoices+profile')
    assert.notEqual(asked.get('state'), 'client state')
    assert.equal(asked.has('code_challenge'), type === 'aquavolt-pkce')

    const back = await atVendor(authorize)
    const answer = await browser.visit(pathOf(back))
    assert.equal(answer.status, 303, answer.text)
    const app = new URL(String(answer.headers.location))
    assert.equal(app.host, `drive.${new URL(house.alice.instance.url).host}`)
    assert.equal(app.searchParams.get('state'), 'client state')
    const id = app.searchParams.get('account')!
    assert.deepEqual([...app.searchParams.keys()].sort(), ['account', 'state'])

    const seen = (await house.alice.as(`konn:aquavolt:${id}`).get(id)).json
    const { _id, _rev, _type, oauth, oauth_callback_results, ...rest } = seen
    assert.deepEqual(rest, { account_type: type }, 'no name, no metadata')
    assert.deepEqual(Object.keys(oauth).sort(), ['access_token', 'expires_at', 'refresh_token', 'token_type'])
    assert.deepEqual(oauth_callback_results, { scope: 'invoices profile' })
    const me = await fetch(`${vendor.url}/api/v1/me`, { headers: { authorization: `Bearer ${oauth.access_token}` } })
    assert.equal(me.status, 200)
    const dump = await house.alice.dump()
    for (const secret of [oauth.access_token, oauth.refresh_token, CLIENT_SECRET]) assert.ok(!dump.includes(secret))
    assert.equal(vendor.count('POST', '/oauth/token'), 1)
  })
}

test('the konnector of an account type opens its accounts without naming them', async () => {
  const { id } = await house.accounts.create(house.alice.instance, {
    account_type: 'aquavolt-pkce',
    oauth: { access_token: 'at' },
  })
  assert.equal((await house.alice.as('konn:aquavolt').get(id)).json.oauth.access_token, 'at')
  assert.equal((await house.alice.as('konn:other').get(id)).json.oauth.access_token, undefined)
})

test('the person refuses: back to the app with the error, and no account', async () => {
  const count = async () => (await house.ground.documents.of(house.alice.instance).list(ACCOUNTS)).length
  const browser = await house.alice.browser()
  const before = await count()
  const back = await atVendor(await start(browser, 'aquavolt', 'state=cs'), 'deny')
  const answer = await browser.visit(pathOf(back))
  assert.equal(answer.status, 303)
  const app = new URL(String(answer.headers.location))
  assert.equal(app.host.split('.')[0], 'home')
  assert.deepEqual(Object.fromEntries(app.searchParams), { state: 'cs', error: 'access_denied' })
  assert.equal(await count(), before)
})

test('a state is good once, for 15 minutes, for its type, its instance and the session that began', async t => {
  const begin = async () => {
    const browser = await house.alice.browser()
    const state = new URL(await start(browser, 'aquavolt')).searchParams.get('state')!
    return {
      browser,
      path: (type = 'aquavolt', query = 'error=access_denied') => `/accounts/${type}/redirect?state=${state}&${query}`,
    }
  }
  const isBadState = ({ status, text }: { status: number; text: string }) => {
    assert.equal(status, 400, text)
    assert.match(text, /bad state/)
  }
  await t.test('good', async () => {
    const { browser, path } = await begin()
    assert.equal((await browser.visit(path())).status, 303)
    isBadState(await browser.visit(path()))
  })
  await t.test('two at once: one gets it', async () => {
    const { browser, path } = await begin()
    const answers = await Promise.all(Array.from({ length: 8 }, () => browser.visit(path())))
    assert.deepEqual(answers.map(({ status }) => status).sort(), [303, ...Array(7).fill(400)])
  })
  await t.test('just in time, and too late', async () => {
    const [one, two] = [await begin(), await begin()]
    house.forward(14 * 60_000)
    assert.equal((await one.browser.visit(one.path())).status, 303)
    house.forward(61_000)
    isBadState(await two.browser.visit(two.path()))
  })
  await t.test('another type', async () => {
    const { browser, path } = await begin()
    isBadState(await browser.visit(path('aquavolt-basic')))
  })
  await t.test('another instance', async () => {
    const { path } = await begin()
    isBadState(await (await house.bob.browser()).visit(path()))
  })
  await t.test("somebody else's browser: nobody is made to use an account of another person", async () => {
    const { path } = await begin()
    isBadState(await (await house.alice.browser()).visit(path()))
  })
  await t.test('nobody signed in', async () => {
    const { path } = await begin()
    isBadState(await house.alice.visit(path()))
  })
  await t.test('none, an empty and a made-up one', async () => {
    const browser = await house.alice.browser()
    for (const query of ['', 'state=', 'state=abc', 'code=1', 'error=access_denied', `state=${'x'.repeat(5000)}`]) {
      isBadState(await browser.visit(`/accounts/aquavolt/redirect?${query}`))
    }
  })
})

test('start: only for who is signed in, known types and apps that can be', async () => {
  const path = '/accounts/aquavolt/start?state=1'
  assert.equal((await house.alice.visit(path)).status, 403)
  assert.equal((await house.alice.as('ui').request(path)).status, 403, 'a token is no session')
  const browser = await house.alice.browser()
  assert.equal((await browser.visit('/accounts/nobody/start')).status, 404)
  assert.equal((await browser.visit('/accounts/nobody/redirect?state=1')).status, 400)
  for (const slug of ['evil.test%2F', 'a.b', '', 'A']) {
    assert.equal((await browser.visit(`${path}&slug=${slug}`)).status, 400, slug)
  }
  await house.type('only-secret', { grant_mode: 'secret', slug: 's', secret: { k: 1 } })
  const wrong = await browser.visit('/accounts/only-secret/start')
  assert.equal(wrong.status, 400)
  assert.match(wrong.text, /Wrong account type/)
})

test('[do not copy] ?access_token= makes no account without a state of this very session', async () => {
  await house.type('implicit', { ...definition(), grant_mode: 'token' })
  const count = async () => (await house.ground.documents.of(house.alice.instance).list(ACCOUNTS)).length
  const before = await count()
  const browser = await house.alice.browser()
  for (const visit of [house.alice.visit, browser.visit, (await house.bob.browser()).visit]) {
    for (const query of ['access_token=AT', 'access_token=AT&state=', 'access_token=AT&state=guess']) {
      assert.equal((await visit(`/accounts/implicit/redirect?${query}`)).status, 400)
    }
  }
  const state = new URL(await start(browser, 'implicit')).searchParams.get('state')
  assert.equal((await house.alice.visit(`/accounts/implicit/redirect?access_token=AT&state=${state}`)).status, 400)
  assert.equal(await count(), before)

  const again = new URL(await start(browser, 'implicit')).searchParams.get('state')
  const page = await browser.visit('/accounts/implicit/redirect')
  assert.equal(page.status, 200)
  const script = /<script>(.*)<\/script>/.exec(page.text)?.[1] ?? ''
  const hash = createHash('sha256').update(script).digest('base64')
  assert.ok(String(page.headers['content-security-policy']).includes(`'sha256-${hash}'`), 'the page may run its script')
  const moved: string[] = []
  // What the browser does with it.
  new Function('location', script)({
    hash: `#access_token=AT-1&token_type=bearer&expires_in=60&state=${again}`,
    pathname: '/accounts/implicit/redirect',
    replace: (to: string) => moved.push(to),
  })
  const done = await browser.visit(moved[0]!)
  assert.equal(done.status, 303, done.text)
  const id = new URL(String(done.headers.location)).searchParams.get('account')!
  const { oauth } = (await house.alice.as(`konn:x:${id}`).get(id)).json
  assert.deepEqual([oauth.access_token, oauth.token_type, typeof oauth.expires_at], ['AT-1', 'bearer', 'string'])
  assert.ok(!(await house.alice.dump()).includes('AT-1'))
})

async function* after(done: Promise<unknown>, text: string) {
  await done
  yield text
}

/** A token endpoint that answers what a test says, and remembers what it was asked. */
async function tokenServer() {
  const asked: { method: string; url: URL; headers: IncomingMessage['headers']; form: URLSearchParams }[] = []
  let answer = {
    status: 200,
    headers: {} as Record<string, string>,
    body: '{"access_token":"at"}' as string | (() => string) | AsyncIterable<string>,
  }
  let arrived = Promise.withResolvers<void>()
  const server = createServer(async (request, response) => {
    const body = (await request.toArray()).join('')
    const url = new URL(request.url!, 'http://x')
    asked.push({ method: request.method!, url, headers: request.headers, form: new URLSearchParams(body) })
    arrived.resolve()
    response.writeHead(answer.status, { 'content-type': 'application/json', ...answer.headers })
    if (typeof answer.body === 'string') return void response.end(answer.body)
    if (typeof answer.body === 'function') return void response.end(answer.body())
    // Some of these answers never end, and it is the other side that leaves.
    pipeline(Readable.from(answer.body), response, () => {})
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    asked,
    url: `http://127.0.0.1:${(server.address() as { port: number }).port}`,
    /** Answers the next request only when the work, begun once it is there, is done. */
    async during(next: Partial<typeof answer> & { body: string }, work: () => Promise<unknown>) {
      arrived = Promise.withResolvers()
      const done = arrived.promise.then(work)
      const { body } = next
      this.answers({ ...next, body: after(done, body) })
      await done
    },
    answers(next: Partial<typeof answer>) {
      answer = { status: 200, headers: {}, body: '{"access_token":"at"}', ...next }
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}

test('what the token endpoint is asked, in every mode', async () => {
  await using tokens = await tokenServer()
  const base = { ...definition(), token_endpoint: `${tokens.url}/token?v=2`, client_id: 'a b:c', client_secret: 'd&é' }
  const redirect_uri = (type: string) => `${house.alice.instance.url}accounts/${type}/redirect`
  const run = async (type: string, more: object) => {
    await house.type(type, { ...base, ...more })
    tokens.asked.length = 0
    const browser = await house.alice.browser()
    const state = new URL(await start(browser, type, 'nonce=n1')).searchParams.get('state')!
    const answer = await browser.visit(`/accounts/${type}/redirect?code=c1&state=${state}`)
    assert.match(String(answer.headers.location), /account=/)
    assert.equal(tokens.asked.length, 1)
    return { state, ...tokens.asked[0]! }
  }
  const form = await run('t-form', {})
  assert.equal(form.method, 'POST')
  assert.match(String(form.headers['content-type']), /^application\/x-www-form-urlencoded/)
  assert.equal(form.headers.accept, 'application/json')
  const common = (type: string, state: string) => ({
    grant_type: 'authorization_code',
    code: 'c1',
    redirect_uri: redirect_uri(type),
    state,
    nonce: 'n1',
  })
  const client = { client_id: 'a b:c', client_secret: 'd&é' }
  assert.deepEqual(Object.fromEntries(form.form), { ...common('t-form', form.state), ...client })

  const basic = await run('t-basic', { token_mode: 'basic' })
  assert.deepEqual(Object.fromEntries(basic.form), common('t-basic', basic.state))
  assert.equal(basic.headers.authorization, `Basic ${Buffer.from('a+b%3Ac:d%26%C3%A9').toString('base64')}`)

  const get = await run('t-get', { token_mode: 'get' })
  assert.equal(get.method, 'GET')
  assert.deepEqual(Object.fromEntries(get.url.searchParams), { v: '2', ...common('t-get', get.state), ...client })

  const skips = await run('t-skip', { skip_state_on_token: true, redirect_uri: 'https://callback.example/cb' })
  assert.equal(skips.form.has('state'), false)
  assert.equal(skips.form.get('redirect_uri'), 'https://callback.example/cb')
})

test('a vendor that answers anything else: back to the app with an error, no account, no second request', {
  timeout: 30_000,
}, async t => {
  await using tokens = await tokenServer()
  await house.type('broken', { ...definition(), token_endpoint: `${tokens.url}/token` })
  const browser = await house.alice.browser()
  const count = async () => (await house.ground.documents.of(house.alice.instance).list(ACCOUNTS)).length
  const before = await count()
  async function* endless() {
    for (;;) yield 'x'.repeat(65_536)
  }
  async function* silent() {
    yield ' '
    await new Promise(() => {})
  }
  const cases: [string, Parameters<typeof tokens.answers>[0], string][] = [
    [
      'an OAuth error',
      { status: 400, body: '{"error":"invalid_grant","error_description":"S3CR3T"}' },
      'invalid_grant',
    ],
    ['an error with 200', { body: '{"error":"nope","access_token":"at"}' }, 'nope'],
    ['an odd error', { body: '{"error":{"a":1}}' }, 'token_request_refused'],
    ['500', { status: 500, body: '{"access_token":"at"}' }, 'token_request_failed'],
    ['201', { status: 201 }, 'token_request_failed'],
    ['HTML', { body: '<html>' }, 'token_request_failed'],
    ['a list', { body: '[]' }, 'token_request_failed'],
    ['no token', { body: '{}' }, 'token_request_failed'],
    [
      'a redirect, which is not followed',
      { status: 307, headers: { location: `${tokens.url}/inside` } },
      'token_request_failed',
    ],
    [
      'a redirect with a token in it',
      { status: 302, headers: { location: `${tokens.url}/inside` } },
      'token_request_failed',
    ],
    ['more than anybody reads', { body: endless() }, 'token_request_failed'],
    ['silence', { body: silent() }, 'token_request_failed'],
  ]
  for (const [name, answer, error] of cases) {
    await t.test(name, async () => {
      tokens.answers(answer)
      tokens.asked.length = 0
      const state = new URL(await start(browser, 'broken', 'state=cs')).searchParams.get('state')
      const { status, headers } = await browser.visit(`/accounts/broken/redirect?code=c&state=${state}`)
      assert.equal(status, 303)
      assert.deepEqual(Object.fromEntries(new URL(String(headers.location)).searchParams), { state: 'cs', error })
      assert.equal(tokens.asked.length, 1)
    })
  }
  const state = new URL(await start(browser, 'broken')).searchParams.get('state')
  const { headers } = await browser.visit(`/accounts/broken/redirect?state=${state}`)
  assert.equal(new URL(String(headers.location)).searchParams.get('error'), 'invalid_request', 'no code')
  assert.equal(await count(), before)
})

test('without token endpoint the account keeps the query; the same connection is the same account', async () => {
  const bi = {
    grant_mode: 'bi_webview',
    client_id: 'bi',
    client_secret: 'S3CR3T-bi',
    auth_endpoint: 'https://bi.test/connect',
    manage_endpoint: 'https://bi.test/manage',
    reconnect_endpoint: 'https://bi.test/reconnect',
  }
  await house.type('bank', bi)
  const browser = await house.alice.browser()
  const end = async (query: string) => {
    const state = new URL(await start(browser, 'bank', 'token=t1&id_connector=12&state=cs')).searchParams.get('state')
    const answer = await browser.visit(`/accounts/bank/redirect?state=${state}&${query}`)
    return Object.fromEntries(new URL(String(answer.headers.location)).searchParams)
  }
  const first = await end('connection_id=77&code=S3CR3T-code&x=1&x=2')
  assert.deepEqual({ ...first, account: '' }, { account: '', state: 'cs', connection_id: '77' })
  const { oauth } = (await house.alice.as(`konn:bank:${first.account}`).get(first.account!)).json
  assert.deepEqual(oauth, {
    client_id: 'bi',
    client_secret: 'S3CR3T-bi',
    query: { connection_id: ['77'], code: ['S3CR3T-code'], x: ['1', '2'] },
  })
  assert.doesNotMatch(await house.alice.dump(), /S3CR3T/)

  await house.accounts.change(house.alice.instance, first.account!, body => ({
    ...body,
    mine: 'kept',
    auth: { password: 'p' },
  }))
  const second = await end('connection_id=77&code=c2')
  assert.equal(second.account, first.account)
  const again = (await house.alice.as(`konn:bank:${first.account}`).get(first.account!)).json
  assert.deepEqual([again.mine, again.auth, again.oauth.query.code], ['kept', { password: 'p' }, ['c2']])
  assert.notEqual((await end('connection_id=78')).account, first.account)
  assert.notEqual((await end('connection_id=')).account, first.account)

  for (const kind of ['manage', 'reconnect']) {
    const path = `/accounts/bank/${first.account}/${kind}?token=t2&state=cs2&slug=banks`
    assert.equal((await house.alice.visit(path)).status, 403)
    const answer = await browser.visit(path)
    assert.equal(answer.status, 303, answer.text)
    const url = new URL(String(answer.headers.location))
    assert.equal(url.origin + url.pathname, `https://bi.test/${kind}`)
    const { state, ...parameters } = Object.fromEntries(url.searchParams)
    const redirect_uri = `${house.alice.instance.url}accounts/bank/redirect`
    assert.deepEqual(parameters, { client_id: 'bi', code: 't2', connection_id: '77', redirect_uri })
    const count = async () => (await house.ground.documents.of(house.alice.instance).list(ACCOUNTS)).length
    const before = await count()
    const back = await browser.visit(`/accounts/bank/redirect?state=${state}&connection_deleted=true`)
    const app = new URL(String(back.headers.location))
    assert.match(app.host, /^banks\./)
    assert.deepEqual(Object.fromEntries(app.searchParams), {
      account: first.account,
      state: 'cs2',
      connection_deleted: 'true',
    })
    assert.equal(await count(), before, 'nothing is created')
  }
  assert.equal((await browser.visit(`/accounts/bank/nobody/manage`)).status, 404)
  assert.equal((await browser.visit(`/accounts/aquavolt/${first.account}/manage`)).status, 404)
  const { id } = await house.accounts.create(house.alice.instance, {
    account_type: 'bank',
    data: { auth: { bi: { connId: 5 } } },
  })
  const { headers } = await browser.visit(`/accounts/bank/${id}/manage`)
  assert.equal(new URL(String(headers.location)).searchParams.get('connection_id'), '5')
})

test('a callback host shared by all instances sends the browser on to its own', async () => {
  const browser = await house.alice.browser()
  const state = new URL(await start(browser, 'aquavolt')).searchParams.get('state')!
  const query = new URLSearchParams({ state, error: 'access_denied' })
  const to = await house.accounts.relay('aquavolt', query)
  assert.equal(to, `${house.alice.instance.url}accounts/aquavolt/redirect?${query}`)
  assert.equal((await browser.visit(pathOf(new URL(to!)))).status, 303, 'the state was not used up')
  assert.equal(await house.accounts.relay('aquavolt', new URLSearchParams('state=x')), undefined)
})

/** An account with tokens of the demo vendor. */
async function consented(options: { expiresIn?: number } = {}, more: object = {}) {
  const { access_token, refresh_token } = vendor.issueTokens(vendor.users[0]!.email, options)
  const { id, rev } = await house.accounts.create(house.alice.instance, {
    account_type: 'aquavolt',
    unknown: { kept: [1, { deep: null }] },
    auth: { login: 'me', password: 'p', odd: 1 },
    oauth: { access_token, refresh_token, token_type: 'bearer', odd: 'kept' },
    ...more,
  })
  const refresh = (token = `konn:aquavolt:${id}`) =>
    house.alice.as(token).request(`/accounts/aquavolt/${id}/refresh`, { method: 'POST' })
  return { id, rev, refresh, access_token, refresh_token }
}

test('refresh: a fresh token in the answer and in the document, nothing else is touched', async () => {
  const { id, rev, refresh, access_token, refresh_token } = await consented()
  const answer = await refresh()
  assert.equal(answer.status, 200, answer.text)
  assert.match(String(answer.headers['content-type']), /^application\/vnd\.api\+json/)
  const { data } = answer.json
  assert.deepEqual([data.type, data.id, data.links], [ACCOUNTS, id, { self: `/data/${ACCOUNTS}/${id}` }])
  const { oauth, unknown, auth } = data.attributes
  assert.notEqual(oauth.access_token, access_token)
  assert.notEqual(oauth.refresh_token, refresh_token)
  assert.ok(Date.parse(oauth.expires_at) > Date.now())
  assert.deepEqual(
    [oauth.odd, unknown, auth],
    ['kept', { kept: [1, { deep: null }] }, { login: 'me', password: 'p', odd: 1 }],
  )
  const stored = await house.alice.stored(id)
  assert.deepEqual([data.meta, stored!.rev === rev], [{ rev: stored!.rev }, false])
  const seen = (await house.alice.as(`konn:aquavolt:${id}`).get(id)).json
  assert.deepEqual([seen.oauth, seen.unknown, seen.auth], [oauth, unknown, auth])
  const dump = await house.alice.dump()
  for (const secret of [oauth.access_token, oauth.refresh_token]) assert.ok(!dump.includes(secret))
})

test('refresh: only for who sees the secrets', async () => {
  const { id, refresh } = await consented()
  vendor.clearRequests()
  for (const token of ['ui', 'client', 'cli', 'stranger', 'konn:other', 'konn:aquavolt:another', 'service']) {
    assert.equal((await refresh(token)).status, 403, token)
  }
  assert.equal((await refresh('nonsense')).status, 400)
  const bob = await house.bob.as(`konn:aquavolt:${id}`).request(`/accounts/aquavolt/${id}/refresh`, { method: 'POST' })
  assert.equal(bob.status, 404)
  assert.equal(
    (await house.alice.as('stranger').request('/accounts/aquavolt/nobody/refresh', { method: 'POST' })).status,
    403,
  )
  assert.equal(vendor.count('*', '*'), 0)
  assert.equal((await refresh('konn:aquavolt')).status, 200, 'of the type, without a run')
})

test('refresh: consent withdrawn is a 401 that konnectors know', async () => {
  const { refresh } = await consented()
  vendor.revokeTokens(vendor.users[0]!.email)
  const answer = await refresh()
  assert.equal(answer.status, 401)
  const [error] = answer.json.errors
  assert.deepEqual(
    { ...error, detail: '' },
    { status: '401', title: 'Unauthorized', code: 'oauth_refresh_invalid_token', detail: '', source: {} },
  )
})

test('refresh: a vendor in trouble is no 401, and the account stays as it is', async () => {
  const { id, rev, refresh } = await consented()
  for (const mode of ['error', 'maintenance', 'rate-limited', 'redirect-loop', 'hang'] as const) {
    vendor.setMode({ paths: { '/oauth/token': mode } })
    const answer = await refresh()
    vendor.setMode({})
    assert.equal(answer.status, 502, `${mode}: ${answer.text}`)
    assert.equal(answer.json.errors[0].status, '502')
  }
  assert.equal((await house.alice.stored(id))!.rev, rev)
  assert.equal((await refresh()).status, 200)
})

test('refresh: several at once send the token once; another process is waited for', async () => {
  await using tokens = await tokenServer()
  await house.type('gated', { ...definition(), slug: 'aquavolt', token_endpoint: `${tokens.url}/token` })
  const one = await consented({}, { account_type: 'gated' })
  let issued = 0
  tokens.answers({ body: () => JSON.stringify({ access_token: `at${issued}`, refresh_token: `rt${issued++}` }) })
  const answers = await Promise.all(Array.from({ length: 12 }, () => one.refresh()))
  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]))
  const sent = tokens.asked.map(({ form }) => form.get('refresh_token'))
  assert.ok(sent.length < answers.length)
  assert.equal(new Set(sent).size, sent.length, 'no token is sent twice')

  // Another process has used the token up while ours was on its way.
  const two = await consented({}, { account_type: 'gated' })
  const fresh = { access_token: 'at-theirs', refresh_token: 'rt-theirs' }
  const refused = { status: 400, body: '{"error":"invalid_grant"}' }
  const [answer] = await Promise.all([
    two.refresh(),
    tokens.during(refused, () =>
      house.accounts.change(house.alice.instance, two.id, body => ({
        ...body,
        oauth: { ...(body.oauth as object), ...fresh },
      })),
    ),
  ])
  assert.equal(answer.status, 200, answer.text)
  assert.equal(answer.json.data.attributes.oauth.access_token, 'at-theirs')
})

test('refresh: who writes the account meanwhile loses nothing, and neither do we', async () => {
  await using tokens = await tokenServer()
  await house.type('gated2', { ...definition(), slug: 'aquavolt', token_endpoint: `${tokens.url}/token` })
  const { id, refresh } = await consented({}, { account_type: 'gated2' })
  const ui = house.alice.as('ui')
  const [answer] = await Promise.all([
    refresh(),
    tokens.during({ body: '{"access_token":"at-new"}' }, async () => {
      const put = await ui.put(id, { ...(await ui.get(id)).json, state: 'TWOFA_NEEDED' })
      assert.equal(put.status, 200)
    }),
  ])
  assert.equal(answer.status, 200)
  const { state, oauth } = answer.json.data.attributes
  assert.deepEqual([state, oauth.access_token], ['TWOFA_NEEDED', 'at-new'])
})

test('refresh: without a refresh token the konnector gets what it needs to do it itself', async () => {
  const { id, refresh } = await consented({}, { oauth: { access_token: 'at' } })
  vendor.clearRequests()
  const answer = await refresh()
  assert.deepEqual(answer.json.data.attributes.oauth, {
    access_token: 'at',
    client_id: CLIENT_ID,
    client_secret: CLIENT_SECRET,
  })
  const stored = (await house.alice.stored(id))!
  assert.ok(!stored.text.includes(CLIENT_SECRET) && stored.text.includes(CLIENT_ID))
  assert.equal(vendor.count('*', '*'), 0)
})

test('refresh: an account without oauth, of an unknown type, or gone', async () => {
  const none = await consented({}, { oauth: undefined })
  const answer = await none.refresh()
  assert.equal(answer.status, 400)
  assert.equal(answer.json.errors[0].detail, 'this account can not be refreshed')
  const unknown = await consented({}, { account_type: 'gone' })
  assert.equal((await unknown.refresh()).status, 404)
  const deleted = await consented()
  await house.alice.as('ui').remove(deleted.id, deleted.rev)
  assert.equal((await deleted.refresh()).status, 404)
  for (const oauth of [null, 3, 'x', [], { refresh_token: 7 }, { refresh_token: null }, {}]) {
    assert.ok((await (await consented({}, { oauth })).refresh()).status < 500)
  }
})

test('account types: secrets go in and never come out, not even of the database', async () => {
  const secret = { apiKey: 'S3CR3T-key' }
  const put = (body: object) => house.type('shop', body)
  const body = {
    grant_mode: 'authorization_code+secret',
    slug: 'shop',
    client_secret: 'S3CR3T-cs',
    secret,
    extras: { n: 1 },
  }
  const created = await put(body)
  assert.equal(created.status, 201, created.text)
  const listed = {
    id: 'shop',
    grant_mode: 'authorization_code+secret',
    slug: 'shop',
    extras: { n: '1' },
    has_client_secret: true,
    has_secret: true,
  }
  assert.deepEqual(created.json, listed)
  const all = await house.admin('/account_types')
  assert.deepEqual(
    all.json.find(({ id }: { id: string }) => id === 'shop'),
    listed,
  )
  assert.deepEqual((await house.admin('/account_types/shop')).json, listed)
  const { rows } = await house.ground.database.driver.query('select t::text as text from konnectory.account_types t')
  assert.doesNotMatch(JSON.stringify(rows), /S3CR3T/)
  const { alice, bob, accounts } = house
  assert.deepEqual(await accounts.types.secretFor(alice.instance, 'shop'), secret)

  // Sent again without them they stay; null takes them away.
  assert.equal((await put({ grant_mode: 'secret', slug: 'shop' })).status, 200)
  assert.deepEqual(await accounts.types.secretFor(alice.instance, 'shop'), secret)
  assert.equal((await put({ grant_mode: 'secret', slug: 'shop', client_secret: null })).json.has_client_secret, false)

  // A context's own comes before the common one; it is nobody else's.
  await house.type('work/shop', { grant_mode: 'secret', slug: 'shop', secret: 'of work' })
  assert.deepEqual(await accounts.types.secretFor(alice.instance, 'shop'), 'of work')
  assert.deepEqual(await accounts.types.secretFor(bob.instance, 'shop'), secret)
  assert.equal((await accounts.types.forInstance(alice.instance, 'shop'))?.id, 'work/shop')
  assert.equal((await accounts.types.forInstance(bob.instance, 'shop'))?.id, 'shop')
  assert.equal(await accounts.types.forInstance(bob.instance, 'work/shop'), undefined)
  assert.equal((await (await bob.browser()).visit('/accounts/work%2Fshop/start')).status, 404)

  // Two of one slug: neither.
  await house.type('shop2', { grant_mode: 'secret', slug: 'shop', secret: 2 })
  assert.equal(await accounts.types.secretFor(bob.instance, 'shop'), undefined)
  assert.equal(await accounts.types.secretFor(bob.instance, 'aquavolt'), undefined, 'no secret mode')

  assert.equal((await house.admin('/account_types/shop2', { method: 'DELETE' })).status, 204)
  assert.equal((await house.admin('/account_types/shop2', { method: 'DELETE' })).status, 404)
  assert.equal((await house.admin('/account_types/shop2')).status, 404)
})

test('account types: what is wrong is said, with 4xx', async () => {
  const good = { grant_mode: 'token' }
  for (const body of [
    {},
    { grant_mode: 'magic' },
    { ...good, auth_endpoint: 'javascript:alert(1)' },
    { ...good, token_endpoint: 'vendor' },
    { ...good, clientsecret: 'x' },
    { ...good, extras: { a: {} } },
    { ...good, token_mode: 'POST' },
    [],
    'x',
  ]) {
    const { status, text } = await house.type('wrong', body as object)
    assert.ok(status >= 400 && status < 500, text)
  }
  for (const id of ['a/b/c', '/a', 'a b', '..%2F', 'é']) assert.equal((await house.type(id, good)).status, 400, id)
  assert.equal((await house.admin('/account_types/wrong')).status, 404)
  const onInstance = await house.alice.as('cli').request('/account_types')
  assert.equal(onInstance.status, 404, 'only on the administration listener')
})
