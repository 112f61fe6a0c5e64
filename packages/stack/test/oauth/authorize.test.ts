import assert from 'node:assert/strict'
import { createHash, randomBytes } from 'node:crypto'
import { after, test } from 'node:test'
import { openOAuthHouse, type Person } from './house.ts'

const house = await openOAuthHouse()
after(() => house[Symbol.asyncDispose]())

const REDIRECT = 'http://localhost:3333/cb'
const FORM = { 'content-type': 'application/x-www-form-urlencoded' }
const form = (fields: Record<string, string>) => new URLSearchParams(fields).toString()

async function register(person: Person, more: object = {}) {
  const { json } = await person.request('/auth/register', {
    method: 'POST',
    headers: { accept: 'application/json' },
    body: { redirect_uris: [REDIRECT], client_name: 'My <b>tool</b>', software_id: 'github.com/me/tool', ...more },
  })
  return json as { client_id: string; client_secret: string; registration_access_token: string }
}

const authorizeUrl = (fields: Record<string, string | undefined>) => {
  const given = Object.entries(fields).filter((entry): entry is [string, string] => entry[1] !== undefined)
  return `/auth/authorize?${new URLSearchParams(given)}`
}

/** The fields of the consent page's form, with the browser's cookies. */
async function openConsent(person: Person, fields: Record<string, string | undefined>) {
  const session = await person.signIn()
  const page = await person.request(authorizeUrl(fields), { headers: { cookie: session, accept: 'text/html' } })
  const csrf = String(page.headers['set-cookie'] ?? '').split(';')[0]!
  const hidden = [...page.text.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)">/g)]
  const inputs = Object.fromEntries(hidden.map(([, name, value]) => [name!, unescaped(value!)]))
  return { page, inputs, cookie: `${session}; ${csrf}`, session }
}
const unescaped = (text: string) =>
  text
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&amp;', '&')

const submit = (person: Person, inputs: Record<string, string>, headers: Record<string, string>) =>
  person.request('/auth/authorize', {
    method: 'POST',
    headers: { ...FORM, accept: 'text/html', ...headers },
    body: form(inputs),
  })

const exchange = (person: Person, fields: Record<string, string>, headers: Record<string, string> = {}) =>
  person.request('/auth/access_token', {
    method: 'POST',
    headers: { ...FORM, accept: 'application/json', ...headers },
    body: form(fields),
  })

/** All the way to a code. */
async function codeFor(person: Person, client: { client_id: string }, more: Record<string, string> = {}) {
  const { inputs, cookie } = await openConsent(person, {
    client_id: client.client_id,
    redirect_uri: REDIRECT,
    state: 'xyz',
    response_type: 'code',
    scope: 'io.cozy.files:GET',
    ...more,
  })
  const answer = await submit(person, inputs, { cookie })
  assert.equal(answer.status, 302, answer.text)
  const url = new URL(String(answer.headers.location))
  return { code: url.searchParams.get('code')!, location: String(answer.headers.location) }
}

const credentials = ({ client_id, client_secret }: { client_id: string; client_secret: string }) => ({
  client_id,
  client_secret,
})

test('the worked example: register, accept, exchange, use, age, refresh (auth.md §8)', async () => {
  const alice = await house.person()
  const verifier = randomBytes(32).toString('base64url')
  const challenge = createHash('sha256').update(verifier).digest('base64url')
  const client = await register(alice, { client_kind: 'desktop' })
  const fields = {
    client_id: client.client_id,
    redirect_uri: REDIRECT,
    state: 'xyz',
    response_type: 'code',
    scope: 'io.cozy.files:GET io.cozy.konnectors',
    code_challenge: challenge,
    code_challenge_method: 'S256',
  }
  // The browser is not signed in yet.
  const first = await alice.request(authorizeUrl(fields), { headers: { accept: 'text/html' } })
  assert.equal(first.status, 303)
  const login = new URL(String(first.headers.location))
  assert.equal(login.origin + login.pathname, new URL('auth/login', alice.instance.url).href)
  const back = new URL(login.searchParams.get('redirect')!)
  assert.equal(back.origin, new URL(alice.instance.url).origin)
  assert.equal(back.pathname + back.search, authorizeUrl(fields))

  const { inputs, cookie } = await openConsent(alice, fields)
  const accepted = await submit(alice, inputs, { cookie, origin: new URL(alice.instance.url).origin })
  assert.equal(accepted.status, 302)
  const location = String(accepted.headers.location)
  assert.match(location, /^http:\/\/localhost:3333\/cb\?access_code=([\w-]+)&code=\1&state=xyz#$/)
  const code = new URL(location).searchParams.get('code')!

  const answer = await exchange(alice, {
    grant_type: 'authorization_code',
    code,
    ...credentials(client),
    code_verifier: verifier,
  })
  assert.equal(answer.status, 200)
  assert.equal(answer.headers['cache-control'], 'no-store')
  const { access_token, refresh_token, ...rest } = answer.json
  assert.deepEqual(rest, { token_type: 'bearer', scope: 'io.cozy.files:GET io.cozy.konnectors' })
  const payload = JSON.parse(Buffer.from(access_token.split('.')[1], 'base64url').toString())
  assert.deepEqual(
    [payload.aud, payload.iss, payload.sub, payload.scope],
    [['access'], alice.instance.domain, client.client_id, rest.scope],
  )

  const self = (token: string) =>
    alice.request('/permissions/self', { headers: { authorization: `Bearer ${token}`, accept: 'application/json' } })
  assert.equal((await self(access_token)).status, 200)
  assert.equal((await self(refresh_token)).status, 400)

  house.clock.advance(8 * 24 * 3_600_000)
  const aged = await self(access_token)
  assert.deepEqual([aged.status, aged.json], [400, { error: 'Expired token' }])
  assert.equal(
    aged.headers['www-authenticate'],
    'Bearer error="invalid_token" error_description="The access token expired"',
  )
  const refreshed = await exchange(alice, { grant_type: 'refresh_token', refresh_token, ...credentials(client) })
  assert.deepEqual([refreshed.status, refreshed.json.refresh_token, refreshed.json.scope], [200, undefined, rest.scope])
  assert.equal((await self(refreshed.json.access_token)).status, 200)
  // Existing clients keep their first refresh token.
  assert.equal(
    (await exchange(alice, { grant_type: 'refresh_token', refresh_token, ...credentials(client) })).status,
    200,
  )

  const { json: known } = await alice.request(`/auth/register/${client.client_id}`, {
    headers: { authorization: `Bearer ${client.registration_access_token}`, accept: 'application/json' },
  })
  assert.equal(known.pending, undefined)
  assert.match(known.last_refreshed_at, /^\d{4}-/)
})

test('what cannot be granted is said on a page, and nobody is sent anywhere', async () => {
  const alice = await house.person()
  const client = await register(alice)
  const good = {
    client_id: client.client_id,
    redirect_uri: REDIRECT,
    state: 's',
    response_type: 'code',
    scope: 'io.cozy.files',
  }
  const challenge = 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM'
  const cookie = await alice.signIn()
  for (const wrong of [
    { state: undefined },
    { state: '' },
    { client_id: undefined },
    { client_id: 'unknown' },
    { client_id: '../x' },
    { redirect_uri: undefined },
    { redirect_uri: 'https://evil.example/' },
    { redirect_uri: `${REDIRECT}/` },
    { redirect_uri: `${REDIRECT}?a=b` },
    { redirect_uri: 'http://localhost:3333/CB' },
    { response_type: undefined },
    { response_type: 'token' },
    { scope: undefined },
    { scope: '' },
    { scope: 'io.cozy.*' },
    { scope: 'a:b:c:d:e' },
    { scope: '*' },
    { scope: 'io.cozy.files *' },
    { scope: '@io.cozy.apps/drive' },
    { scope: 'login' },
    { code_challenge: challenge },
    { code_challenge_method: 'S256' },
    { code_challenge: challenge, code_challenge_method: 'plain' },
    { code_challenge: 'short', code_challenge_method: 'S256' },
  ]) {
    const answer = await alice.request(authorizeUrl({ ...good, ...wrong }), {
      headers: { cookie, accept: 'text/html' },
    })
    assert.equal(answer.status, 400, JSON.stringify(wrong))
    assert.equal(answer.headers.location, undefined)
    assert.match(String(answer.headers['content-type']), /^text\/html/)
    assert.match(String(answer.headers['content-security-policy']), /frame-ancestors 'none'/)
  }
  const twice = await alice.request(`${authorizeUrl(good)}&scope=io.cozy.contacts`, { headers: { cookie } })
  assert.equal(twice.status, 400)
})

test('the consent page says who, where to and what, and lets nothing of the client run', async () => {
  const alice = await house.person()
  const client = await register(alice, {
    client_uri: 'javascript:alert(1)',
    policy_uri: 'https://client.example/policy"><script>',
    software_version: '1.2<i>',
  })
  const state = '"><script>alert(2)</script>'
  const { page, inputs } = await openConsent(alice, {
    client_id: client.client_id,
    redirect_uri: REDIRECT,
    state,
    response_type: 'code',
    scope: 'io.cozy.files:GET io.cozy.contacts com.example.secret:POST:a,b:field',
  })
  assert.equal(page.status, 200)
  assert.equal(inputs.state, state)
  assert.ok(page.text.includes('<html lang="en">'))
  assert.ok(page.text.includes('My &lt;b&gt;tool&lt;/b&gt;'))
  assert.ok(page.text.includes('localhost:3333'))
  assert.ok(page.text.includes('<li>Read your files and folders</li>'))
  assert.ok(page.text.includes('<li>Read, add, change and delete your contacts</li>'))
  assert.ok(page.text.includes('documents of the type “com.example.secret”'))
  assert.ok(page.text.includes('Only those whose “field” is: a, b'))
  assert.ok(page.text.includes('client.example'))
  assert.equal(page.text.includes('javascript:'), false)
  assert.equal(/<script|<b>|<i>/.test(page.text), false)
  const refuse = /<a class="button second" href="([^"]+)"/.exec(page.text)?.[1]
  assert.equal(unescaped(refuse!), `${REDIRECT}?${new URLSearchParams({ error: 'access_denied', state })}#`)
  const policy = String(page.headers['content-security-policy'])
  assert.match(policy, /frame-ancestors 'none'/)
  assert.match(policy, /form-action 'self' http:\/\/localhost:3333/)
  assert.equal(page.headers['x-frame-options'], 'DENY')
  assert.equal(page.headers['cache-control'], 'no-store')
})

test('the page is French where the person is', async () => {
  const alice = await house.person({ locale: 'fr' })
  const client = await register(alice)
  const fields = {
    client_id: client.client_id,
    redirect_uri: REDIRECT,
    state: 's',
    response_type: 'code',
    scope: 'io.cozy.bills:GET,DELETE',
  }
  const { page } = await openConsent(alice, fields)
  assert.ok(page.text.includes('<html lang="fr">'))
  assert.ok(page.text.includes('<li>Lire et supprimer vos factures</li>'))
  assert.ok(page.text.includes('Refuser'))
})

test('accepting takes the session, the form’s token and a page of this host', async () => {
  const alice = await house.person()
  const bob = await house.person()
  const client = await register(alice)
  const fields = {
    client_id: client.client_id,
    redirect_uri: REDIRECT,
    state: 's',
    response_type: 'code',
    scope: 'io.cozy.files',
  }
  const { inputs, cookie, session } = await openConsent(alice, fields)
  const { csrf_token: _, ...withoutToken } = inputs
  const csrf = cookie.split('; ')[1]!
  const ofBob = await bob.signIn()
  const tries: [string, Record<string, string>, Record<string, string>][] = [
    ['nobody signed in', inputs, { cookie: csrf }],
    ['signed in elsewhere', inputs, { cookie: `${ofBob}; ${csrf}` }],
    ['no token in the form', withoutToken, { cookie }],
    ['another token in the form', { ...inputs, csrf_token: '0'.repeat(32) }, { cookie }],
    ['no cookie of the form', inputs, { cookie: session }],
    ['a page of another site', inputs, { cookie, origin: 'https://evil.example' }],
    [
      'a page of an app of the instance',
      inputs,
      { cookie, origin: `http://drive.${new URL(alice.instance.url).host}` },
    ],
    ['a page that does not say', inputs, { cookie, origin: 'null' }],
  ]
  for (const [who, sent, headers] of tries) {
    const answer = await submit(alice, sent, headers)
    assert.ok(answer.status >= 400 && answer.status < 500, `${who}: ${answer.status}`)
    assert.equal(answer.headers.location, undefined, who)
  }
  // What the form says is checked again: the page is not believed.
  for (const wrong of [
    { redirect_uri: 'https://evil.example/' },
    { scope: '*' },
    { client_id: 'x' },
    { response_type: 'token' },
  ]) {
    assert.equal((await submit(alice, { ...inputs, ...wrong }, { cookie })).status, 400, JSON.stringify(wrong))
  }
  assert.equal((await submit(alice, inputs, { cookie })).status, 302)
})

test('an application on the device gets a link instead of a redirection, when it asks exactly so', async () => {
  const alice = await house.person()
  const client = await register(alice, { redirect_uris: ['cozydrive://auth?k=v'] })
  const fields = {
    client_id: client.client_id,
    redirect_uri: 'cozydrive://auth?k=v',
    state: 'a b',
    response_type: 'code',
    scope: 'io.cozy.files',
  }
  const { inputs, cookie, page } = await openConsent(alice, fields)
  assert.match(String(page.headers['content-security-policy']), /form-action 'self' cozydrive:/)
  const answer = await submit(alice, inputs, { cookie, accept: 'application/json' })
  assert.equal(answer.status, 200)
  assert.match(answer.json.deeplink, /^cozydrive:\/\/auth\?k=v&access_code=([\w-]+)&code=\1&state=a\+b#$/)
  const loose = await submit(alice, inputs, { cookie, accept: 'application/json, text/html' })
  assert.equal(loose.status, 302)
})

test('a session code is taken out of the URL, and opens nothing', async () => {
  const alice = await house.person()
  const client = await register(alice)
  const fields = {
    client_id: client.client_id,
    redirect_uri: REDIRECT,
    state: 's',
    response_type: 'code',
    scope: 'io.cozy.files',
  }
  const answer = await alice.request(authorizeUrl({ ...fields, session_code: 'abc' }))
  assert.equal(answer.status, 303)
  const next = new URL(String(answer.headers.location))
  assert.equal(next.pathname + next.search, authorizeUrl(fields))
})

test('the errors of the token endpoint, word for word', async () => {
  const alice = await house.person()
  const client = await register(alice)
  const { code } = await codeFor(alice, client)
  const error = async (fields: Record<string, string>) => {
    const { status, json } = await exchange(alice, fields)
    assert.equal(status, 400, JSON.stringify(fields))
    assert.deepEqual(Object.keys(json), ['error'])
    return json.error
  }
  const mine = credentials(client)
  const grant_type = 'authorization_code'
  assert.equal(await error({}), 'the grant_type parameter is mandatory')
  assert.equal(await error({ grant_type }), 'the client_id parameter is mandatory')
  assert.equal(await error({ grant_type, client_id: 'x' }), 'the client_secret parameter is mandatory')
  assert.equal(await error({ grant_type, client_id: 'x', client_secret: 'x' }), 'the client must be registered')
  assert.equal(await error({ grant_type, ...mine, client_secret: 'x' }), 'invalid client_secret')
  assert.equal(await error({ grant_type, ...mine, client_secret: `${mine.client_secret}x` }), 'invalid client_secret')
  assert.equal(await error({ grant_type, ...mine }), 'the code parameter is mandatory')
  assert.equal(await error({ grant_type, ...mine, code: 'x' }), 'invalid code')
  assert.equal(await error({ grant_type: 'refresh_token', ...mine }), 'invalid refresh token')
  assert.equal(await error({ grant_type: 'refresh_token', ...mine, refresh_token: 'x' }), 'invalid refresh token')
  assert.equal(await error({ grant_type: 'password', ...mine }), 'invalid grant type')
  assert.equal((await exchange(alice, { grant_type, ...mine, code })).status, 200)
})

test('a code is good once, also when it is brought by several at the same moment', async () => {
  const alice = await house.person()
  const client = await register(alice)
  const { code } = await codeFor(alice, client)
  const fields = { grant_type: 'authorization_code', ...credentials(client), code }
  const answers = await Promise.all(Array.from({ length: 8 }, () => exchange(alice, fields)))
  assert.equal(answers.filter(({ status }) => status === 200).length, 1)
  assert.equal((await exchange(alice, fields)).json.error, 'invalid code')
})

test('a code is good for its own client and its own instance only', async () => {
  const alice = await house.person()
  const bob = await house.person()
  const client = await register(alice)
  const thief = await register(alice)
  const ofBob = await register(bob)
  const { code } = await codeFor(alice, client)
  const grant_type = 'authorization_code'
  assert.equal((await exchange(alice, { grant_type, ...credentials(thief), code })).json.error, 'invalid code')
  assert.equal((await exchange(bob, { grant_type, ...credentials(ofBob), code })).json.error, 'invalid code')
  // The thief has not even spoilt it.
  assert.equal((await exchange(alice, { grant_type, ...credentials(client), code })).status, 200)
})

test('a code dies after ten minutes', async () => {
  const alice = await house.person()
  const client = await register(alice)
  const { code } = await codeFor(alice, client)
  const { code: another } = await codeFor(alice, client)
  const fields = { grant_type: 'authorization_code', ...credentials(client) }
  house.clock.advance(9.9 * 60_000)
  assert.equal((await exchange(alice, { ...fields, code })).status, 200)
  house.clock.advance(0.2 * 60_000)
  assert.equal((await exchange(alice, { ...fields, code: another })).json.error, 'invalid code')
  const { code: third } = await codeFor(alice, client)
  house.clock.advance(11 * 60_000)
  assert.ok((await house.rooms.oauth.housekeeping()).codes >= 1)
  assert.equal((await exchange(alice, { ...fields, code: third })).json.error, 'invalid code')
})

test('a code is bound to its redirect URI', async () => {
  const alice = await house.person()
  const redirect_uris = [REDIRECT, 'http://localhost:4444/cb']
  const client = await register(alice, { redirect_uris })
  const fields = { grant_type: 'authorization_code', ...credentials(client) }
  const { code } = await codeFor(alice, client)
  assert.equal((await exchange(alice, { ...fields, code, redirect_uri: redirect_uris[1]! })).json.error, 'invalid code')
  const { code: again } = await codeFor(alice, client)
  assert.equal((await exchange(alice, { ...fields, code: again, redirect_uri: REDIRECT })).status, 200)
  // The client has given the URI up in the meantime.
  const { code: third } = await codeFor(alice, client)
  const put = await alice.request(`/auth/register/${client.client_id}`, {
    method: 'PUT',
    headers: { accept: 'application/json', authorization: `Bearer ${client.registration_access_token}` },
    body: {
      client_id: client.client_id,
      redirect_uris: [redirect_uris[1]],
      client_name: 'x',
      software_id: 'github.com/me/tool',
    },
  })
  assert.equal(put.status, 200)
  assert.equal((await exchange(alice, { ...fields, code: third })).json.error, 'invalid code')
})

test('with a challenge only its verifier opens the code, and a wrong one spoils it', async () => {
  const alice = await house.person()
  const client = await register(alice)
  const verifier = randomBytes(32).toString('base64url')
  const challenge = createHash('sha256').update(verifier).digest('base64url')
  const pkce = { code_challenge: challenge, code_challenge_method: 'S256' }
  const fields = { grant_type: 'authorization_code', ...credentials(client) }
  for (const wrong of [{}, { code_verifier: challenge }, { code_verifier: randomBytes(32).toString('base64url') }]) {
    const { code } = await codeFor(alice, client, pkce)
    assert.equal((await exchange(alice, { ...fields, code, ...wrong })).json.error, 'invalid code_verifier')
    assert.equal((await exchange(alice, { ...fields, code, code_verifier: verifier })).json.error, 'invalid code')
  }
  const { code } = await codeFor(alice, client, pkce)
  assert.equal((await exchange(alice, { ...fields, code, code_verifier: verifier })).status, 200)
  // Somebody has taken the challenge out of the request on its way: the client notices.
  const { code: downgraded } = await codeFor(alice, client)
  assert.equal(
    (await exchange(alice, { ...fields, code: downgraded, code_verifier: verifier })).json.error,
    'invalid code_verifier',
  )
})

test('a refresh token is good for its own client, of its own kind, while the client is there', async () => {
  const alice = await house.person()
  const bob = await house.person()
  const client = await register(alice)
  const other = await register(alice)
  const ofBob = await register(bob)
  const { code } = await codeFor(alice, client)
  const { json } = await exchange(alice, { grant_type: 'authorization_code', ...credentials(client), code })
  const grant_type = 'refresh_token'
  const { access_token, refresh_token } = json
  const refused = async (person: Person, by: typeof client, token: string) =>
    (await exchange(person, { grant_type, ...credentials(by), refresh_token: token })).json.error
  assert.equal(await refused(alice, other, refresh_token), 'invalid refresh token')
  assert.equal(await refused(bob, ofBob, refresh_token), 'invalid refresh token')
  assert.equal(await refused(alice, client, access_token), 'invalid refresh token')
  assert.equal(await refused(alice, client, client.registration_access_token), 'invalid refresh token')
  await house.rooms.oauth.clients.remove(alice.instance, client.client_id)
  assert.equal(await refused(alice, client, refresh_token), 'the client must be registered')
})

test('after a change of domain the client gets a refresh token of the new one', async () => {
  const alice = await house.person()
  const client = await register(alice)
  const { code } = await codeFor(alice, client)
  const { json } = await exchange(alice, { grant_type: 'authorization_code', ...credentials(client), code })
  const moved = await house.rooms.instances.update(alice.instance, { domain: 'moved.example.test' })
  const fields = { grant_type: 'refresh_token', ...credentials(client), refresh_token: json.refresh_token }
  const at = (domain: string) => exchange(alice, fields, { host: domain })
  const answer = await at(new URL(moved.url).host)
  assert.equal(answer.status, 200)
  const payload = JSON.parse(Buffer.from(answer.json.refresh_token.split('.')[1], 'base64url').toString())
  assert.equal(payload.iss, 'moved.example.test')
})

test('the scope login: no consent, and tokens that allow nothing', async () => {
  const alice = await house.person()
  const { json: client } = await alice.request('/auth/register', {
    method: 'POST',
    headers: { accept: 'application/json', authorization: `Bearer ${await alice.cli('io.cozy.oauth.clients')}` },
    body: { redirect_uris: [REDIRECT], client_name: 'Door', software_id: 'x', allow_login_scope: true },
  })
  const cookie = await alice.signIn()
  const fields = {
    client_id: client.client_id,
    redirect_uri: REDIRECT,
    state: 's',
    response_type: 'code',
    scope: 'login',
  }
  const answer = await alice.request(authorizeUrl(fields), { headers: { cookie } })
  assert.equal(answer.status, 302)
  const code = new URL(String(answer.headers.location)).searchParams.get('code')!
  const { json } = await exchange(alice, { grant_type: 'authorization_code', ...credentials(client), code })
  const forbidden = await alice.request('/data/io.cozy.bills/x', {
    headers: { authorization: `Bearer ${json.access_token}` },
  })
  assert.equal(forbidden.status, 403)
})

test('an instance with as many connected devices as it may have takes no new one', async () => {
  const alice = await house.person()
  const first = await register(alice)
  house.rooms.oauth.limitClients(async () => 1)
  try {
    await codeFor(alice, first)
    const second = await register(alice)
    const fields = { redirect_uri: REDIRECT, state: 's', response_type: 'code', scope: 'io.cozy.files' }
    const { page } = await openConsent(alice, { ...fields, client_id: second.client_id })
    assert.equal(page.status, 200)
    assert.match(page.text, /Too many connected devices/)
    assert.equal(page.text.includes('<form'), false)
    // The one that is connected may ask again.
    await codeFor(alice, first)
  } finally {
    house.rooms.oauth.limitClients(async () => undefined)
  }
})
