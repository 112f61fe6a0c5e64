import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { systemClock } from '../../src/ground/clock.ts'
import { createLog } from '../../src/ground/log.ts'
import { startTestHouse } from '../help/house.ts'
import { send } from '../help/request.ts'

/** Holes that are not upstream's: what a server like this one can get wrong by itself. */
const house = await startTestHouse()
after(() => house[Symbol.asyncDispose]())
const { oauth } = house.rooms
const { instance, request } = house

test('no other origin reads the pages of /auth, however their path is written', async () => {
  const headers = { origin: 'http://evil.localhost', accept: 'text/html' }
  for (const path of ['/auth/login', '/%61uth/login', '/auth/login/', '/auth/authorize', '/auth/nothing']) {
    const answer = await request(path, { scope: null, headers })
    assert.equal(answer.headers['access-control-allow-origin'], undefined, path)
  }
  const api = await request('/settings/capabilities', { headers })
  assert.equal(api.headers['access-control-allow-origin'], 'http://evil.localhost')
  assert.match(String(api.headers.vary), /Origin/)
})

test('an answer that is compressed says both what it depends on', async () => {
  for (let number = 0; number < 30; number++)
    await request('/data/io.cozy.tests/', { method: 'POST', body: { text: 'x'.repeat(100) } })
  const headers = { origin: 'https://app.example', 'accept-encoding': 'gzip' }
  const answer = await request('/data/io.cozy.tests/_all_docs?include_docs=true', { headers })
  assert.equal(answer.headers['content-encoding'], 'gzip')
  assert.match(String(answer.headers.vary), /origin/i)
  assert.match(String(answer.headers.vary), /accept-encoding/i)
})

test('behind a proxy, who guesses passphrases is known by what the proxy says, not by what he says himself', async () => {
  await using behind = await startTestHouse({ environment: { KONNECTORY_PUBLIC_SCHEME: 'https' } })
  const login = (forwarded: string) =>
    send(behind.house.url, '/auth/login', {
      method: 'POST',
      host: 'localhost',
      headers: { accept: 'application/json', 'x-forwarded-for': forwarded },
      body: { passphrase: 'wrong' },
    })
  for (let tried = 0; tried < 10; tried++) assert.equal((await login(`198.51.100.${tried}, 203.0.113.7`)).status, 401)
  assert.equal((await login('198.51.100.77, 203.0.113.7')).status, 429)
  assert.equal((await login('203.0.113.8')).status, 401)
})

test('the codes of a share are told only to who could do all that they open', async () => {
  const rule = { type: 'io.cozy.files', verbs: ['GET', 'POST', 'PATCH'], values: ['io.cozy.files.root-dir'] }
  const body = { data: { attributes: { permissions: { rule } } } }
  const made = await request('/permissions?codes=a', { method: 'POST', body, scope: 'io.cozy.files' })
  const code = made.json.data.attributes.codes.a
  assert.equal(typeof code, 'string')
  const { client } = await oauth.clients.create(
    instance,
    { redirect_uris: ['https://t.example/'], client_name: 'T', software_id: 't' },
    { pending: false },
  )
  const listed = async (scope: string) => {
    const token = await oauth.mint({ instance, audience: 'access', subject: client.id, scope })
    const headers = { authorization: `Bearer ${token}` }
    const { json } = await request('/permissions/doctype/io.cozy.files/shared-by-link', { headers })
    return json.data[0].attributes
  }
  const reader = await listed('io.cozy.files:GET')
  assert.deepEqual([reader.codes, reader.shortcodes], [undefined, undefined])
  assert.deepEqual(Object.keys(reader.permissions), ['rule'], 'that it is shared may be known')
  assert.equal((await listed('io.cozy.files')).codes.a, code)
  // The visitors of a share that reads everything do not learn the codes of another.
  const reading = { data: { attributes: { permissions: { rule: { type: 'io.cozy.files', verbs: ['GET'] } } } } }
  const other = await request('/permissions?codes=b', { method: 'POST', body: reading, scope: 'io.cozy.files' })
  const visitor = { authorization: `Bearer ${other.json.data.attributes.codes.b}` }
  const seen = await request('/permissions/doctype/io.cozy.files/shared-by-link', { headers: visitor })
  assert.equal(seen.status, 200)
  assert.doesNotMatch(seen.text, /"codes"|"shortcodes"/)
  // Nor those of their own: taking one's code back must not leave one the others'.
  const own = await request(`/permissions/${other.json.data.id}`, { headers: visitor })
  assert.equal(own.status, 200)
  assert.doesNotMatch(own.text, /"codes"|"shortcodes"/)
})

test('who has no token cannot make us read megabytes', async () => {
  const big = JSON.stringify({ register_token: 'x', passphrase: 'x'.repeat(2_000_000) })
  for (const path of [
    '/auth/login',
    '/auth/register',
    '/auth/access_token',
    '/auth/share-by-link/password',
    '/settings/passphrase',
  ]) {
    const headers = { 'content-type': 'application/json' }
    const { status } = await request(path, { method: 'POST', body: big, headers, scope: null })
    assert.equal(status, 413, path)
  }
})

test('nothing of a request becomes a header or a place to go of its own', async () => {
  const redirects = [
    '//evil.example',
    'https://evil.example',
    'https:evil.example',
    '/\\evil.example',
    'javascript:alert(1)',
  ]
  for (const redirect of redirects) {
    const { status } = await request(`/auth/login?redirect=${encodeURIComponent(redirect)}`, { scope: null })
    assert.equal(status, 400, redirect)
  }
  for (const path of [
    '/files/%0d%0aset-cookie:a=b',
    '/data/io.cozy.bills/%0d%0ax:y',
    '/auth/login?redirect=%0d%0ax:y',
  ]) {
    const { status, headers } = await request(path)
    assert.ok(status < 500, path)
    assert.equal(headers['set-cookie']?.toString().includes('a=b') ?? false, false, path)
    assert.equal(headers.x, undefined, path)
  }
})

test('what opens something is in no line of the log, whatever happens to the request', async () => {
  const lines: string[] = []
  const log = createLog({ level: 'debug', clock: systemClock, write: line => void lines.push(line) })
  await using logged = await startTestHouse({ log })
  const token = await logged.token()
  const { registerToken } = await logged.rooms.instances.create({ domain: 'new.example' })
  const { id } = (
    await logged.request('/data/io.cozy.accounts/', {
      method: 'POST',
      body: { account_type: 'acme', auth: { login: 'me', password: 'S3CRET-password' } },
    })
  ).json
  const paths = [
    `/data/io.cozy.accounts/${id}?bearer_token=${token}`,
    `/data/io.cozy.accounts/%00?bearer_token=${token}`,
    `/nothing?bearer_token=${token}`,
    `/auth/passphrase?registerToken=${registerToken}`,
    '/files/downloads/S3CRET-link/x',
    '/accounts/acme/redirect?code=S3CRET-code&state=S3CRET-state',
    '/auth/authorize?state=S3CRET-state&client_id=S3CRET-client',
  ]
  for (const path of paths) await logged.request(path, { scope: null })
  await logged.request('/auth/login', { method: 'POST', scope: null, body: { passphrase: 'S3CRET-passphrase' } })
  // The way of an error of our own: its text, its cause and its stack.
  await logged.ground.database.driver.query('drop table konnectory.oauth_codes')
  const { client, secret } = await logged.rooms.oauth.clients.create(
    logged.instance,
    { redirect_uris: ['https://t.example/'], client_name: 'T', software_id: 't' },
    { pending: false },
  )
  const form = { grant_type: 'authorization_code', code: 'S3CRET-code', client_id: client.id, client_secret: secret }
  const failed = await logged.request('/auth/access_token', {
    method: 'POST',
    scope: null,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams(form).toString(),
  })
  assert.equal(failed.status, 500)
  assert.doesNotMatch(failed.text, /oauth_codes|S3CRET/)
  const all = lines.join('')
  assert.match(all, /a request failed/)
  for (const text of [token, registerToken, secret, 'S3CRET']) assert.ok(!all.includes(text), text)
})

test('who may only read cannot fill the disk with checkpoints', async () => {
  const reader = 'io.cozy.identities:GET'
  const write = (id: string, body: object = { at: 1 }) =>
    request(`/data/io.cozy.identities/_local/${id}`, { method: 'PUT', body, scope: reader })
  assert.equal((await request('/data/io.cozy.identities/', { method: 'PUT' })).status, 201)
  const first = await write('first')
  assert.equal(first.status, 201)
  await house.ground.database.driver.query(
    `insert into konnectory.local_docs (instance_id, doctype, id, version, doc)
     select $1, 'io.cozy.identities', 'made-' || n, 1, '{}' from generate_series(1, 999) n`,
    [instance.id],
  )
  const refused = await write('one-more')
  assert.deepEqual([refused.status, refused.json.error], [403, 'forbidden'])
  assert.equal((await write('first')).status, 409, 'a conflict is still one')
  assert.equal((await write('first', { _id: '_local/first', _rev: first.json.rev, at: 2 })).status, 201)
})

test('nobody tells the server what only it tells itself', async () => {
  const scope = 'konnectory.instances'
  const news: string[] = []
  const end = house.ground.news.subscribe(({ doctype }) => void news.push(doctype))
  const body = { change: 'destroyed' }
  const ways: [string, string, object?][] = [
    ['PUT', `/data/konnectory.instances/${instance.id}`, body],
    ['POST', '/data/konnectory.instances', body],
    ['POST', '/data/konnectory.instances/_bulk_docs', { docs: [{ _id: instance.id, ...body }] }],
    ['PUT', '/data/konnectory.instances'],
    ['POST', '/data/konnectory.instances/_index', { index: { fields: ['a'] } }],
    ['GET', '/data/konnectory.instances/_all_docs'],
    ['POST', `/realtime/konnectory.instances/${instance.id}`, body],
    ['POST', '/permissions', { data: { attributes: { permissions: { a: { type: 'konnectory.instances' } } } } }],
  ]
  for (const [method, path, given] of ways) {
    const { status } = await request(path, { method, body: given, scope })
    assert.ok(status === 403 || status === 400, `${method} ${path}: ${status}`)
  }
  end()
  assert.deepEqual(news, [])
})
