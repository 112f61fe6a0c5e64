import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { openOAuthHouse, type Person } from './house.ts'

const house = await openOAuthHouse()
after(() => house[Symbol.asyncDispose]())

const METADATA = {
  redirect_uris: ['http://localhost:3333/cb'],
  client_name: 'My tool',
  software_id: 'github.com/me/tool',
}
const JSON_HEADERS = { accept: 'application/json', 'content-type': 'application/json' }
const register = (person: Person, body: object | string = METADATA, headers: Record<string, string> = {}) =>
  person.request('/auth/register', {
    method: 'POST',
    body: typeof body === 'string' ? body : JSON.stringify(body),
    headers: { ...JSON_HEADERS, ...headers },
  })
const manage = (person: Person, method: string, id: string, token: string | undefined, body?: object) =>
  person.request(`/auth/register/${id}`, {
    method,
    headers: { ...JSON_HEADERS, ...(token && { authorization: `Bearer ${token}` }) },
    ...(body && { body: JSON.stringify(body) }),
  })

test('a client that is not known yet registers itself', async () => {
  const alice = await house.person()
  const { status, json, headers } = await register(alice, { ...METADATA, client_kind: 'desktop', logo_uri: '' })
  assert.equal(status, 201)
  assert.match(String(headers['content-type']), /^application\/json/)
  assert.equal(headers['cache-control'], 'no-store')
  const { client_id, client_secret, registration_access_token, ...rest } = json
  assert.match(client_id, /^[0-9a-f]{32}$/)
  assert.ok(client_secret.length >= 32)
  assert.equal(registration_access_token.split('.').length, 3)
  assert.deepEqual(rest, {
    ...METADATA,
    client_kind: 'desktop',
    client_secret_expires_at: 0,
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    cozyMetadata: {},
    pending: true,
  })
})

test('what is wrong with a registration is said in the words of RFC 7591', async () => {
  const alice = await house.person()
  const error = async (body: object | string, headers?: Record<string, string>) => {
    const { status, json } = await register(alice, body, headers)
    return [status, json.error]
  }
  assert.deepEqual(await error(METADATA, { accept: 'text/html' }), [400, 'bad_accept_header'])
  assert.deepEqual(await error(METADATA, { 'content-type': 'text/plain' }), [400, 'bad_content_type'])
  assert.deepEqual(await error('a=b', { 'content-type': 'application/x-www-form-urlencoded' }), [
    400,
    'bad_content_type',
  ])
  assert.deepEqual(await error('{not json'), [400, 'invalid_client_metadata'])
  assert.deepEqual(await error('[]'), [400, 'invalid_client_metadata'])
  assert.deepEqual(await error(''), [400, 'invalid_client_metadata'])
  assert.deepEqual(await error({ ...METADATA, client_name: undefined }), [400, 'invalid_client_metadata'])
  assert.deepEqual(await error({ ...METADATA, redirect_uris: [alice.instance.url] }), [400, 'invalid_redirect_uri'])
  assert.deepEqual(await error({ ...METADATA, redirect_uris: ['javascript:alert(1)'] }), [400, 'invalid_redirect_uri'])
  assert.deepEqual(await error({ ...METADATA, software_id: 'registry://drive' }), [400, 'unapproved_software_id'])
  assert.deepEqual(await error({ ...METADATA, software_id: 'registry://store' }), [400, 'unapproved_software_id'])
  assert.equal(
    (await register(alice, METADATA, { accept: '*/*', 'content-type': 'application/json; charset=utf-8' })).status,
    201,
  )
})

test('no page of another site can register a client from a browser', async () => {
  const alice = await house.person()
  const { headers } = await register(alice, METADATA, { origin: 'https://evil.example' })
  assert.equal(headers['access-control-allow-origin'], undefined)
})

test('a name that is taken gets a number', async () => {
  const alice = await house.person()
  const names = []
  for (let n = 0; n < 3; n++) names.push((await register(alice)).json.client_name)
  assert.deepEqual(names, ['My tool', 'My tool-2', 'My tool-3'])
  const bob = await house.person()
  assert.equal((await register(bob)).json.client_name, 'My tool')
  const together = await Promise.all(
    Array.from({ length: 8 }, () => register(bob, { ...METADATA, client_name: 'Twin' })),
  )
  assert.equal(new Set(together.map(({ json }) => json.client_name)).size, 8)
})

test('only an administrator makes a client with the scope login', async () => {
  const alice = await house.person()
  const body = { ...METADATA, allow_login_scope: true }
  assert.equal((await register(alice, body)).status, 401)
  assert.equal((await register(alice, body, { authorization: 'Bearer nonsense' })).status, 401)
  const { json: client } = await register(alice)
  const access = await alice.mint({ audience: 'access', subject: client.client_id, scope: 'io.cozy.files' })
  assert.equal((await register(alice, body, { authorization: `Bearer ${access}` })).status, 401)
  const made = await register(alice, body, { authorization: `Bearer ${await alice.cli('io.cozy.oauth.clients')}` })
  assert.deepEqual([made.status, made.json.allow_login_scope], [201, true])
  // Nor does a client get it by changing itself.
  const put = await manage(alice, 'PUT', client.client_id, client.registration_access_token, {
    ...METADATA,
    ...body,
    client_id: client.client_id,
  })
  assert.deepEqual([put.status, put.json.allow_login_scope], [200, undefined])
})

test('more than 50 registrations in an hour are not found, and the next hour they are', async () => {
  const alice = await house.person()
  const bob = await house.person()
  const statuses = await Promise.all(
    Array.from(
      { length: 55 },
      async (_, n) => (await register(alice, { ...METADATA, client_name: `Tool ${n}` })).status,
    ),
  )
  assert.deepEqual(
    [statuses.filter(status => status === 201).length, statuses.filter(status => status === 404).length],
    [50, 5],
  )
  assert.equal((await register(bob)).status, 201)
  house.clock.advance(3_601_000)
  assert.equal((await register(alice)).status, 201)
})

test('a client is managed with its own registration token, and no other', async () => {
  const alice = await house.person()
  const bob = await house.person()
  const { json: one } = await register(alice)
  const { json: two } = await register(alice)
  const { json: elsewhere } = await register(bob)
  const id = one.client_id

  const known = await manage(alice, 'GET', id, one.registration_access_token)
  assert.equal(known.status, 200)
  const { registration_access_token: _, ...rest } = one
  assert.deepEqual(known.json, rest)

  const access = await alice.mint({ audience: 'access', subject: id, scope: 'io.cozy.files' })
  const tampered = `${one.registration_access_token.slice(0, -2)}AA`
  for (const token of [
    undefined,
    'x',
    tampered,
    two.registration_access_token,
    elsewhere.registration_access_token,
    access,
    await alice.cli('io.cozy.oauth.clients'),
  ]) {
    for (const method of ['GET', 'PUT', 'DELETE']) {
      const body = method === 'PUT' ? { ...METADATA, client_id: id } : undefined
      const answer = await manage(alice, method, id, token, body)
      assert.deepEqual([answer.status, answer.json], [401, { error: 'invalid_token' }], `${method} ${token}`)
    }
  }
  for (const unknown of ['0123456789abcdef', '../../x', 'a%00b', '_design', '%E0%A4%A']) {
    const answer = await manage(alice, 'GET', unknown, one.registration_access_token)
    assert.ok(answer.status === 404 || answer.status === 400, `${unknown} ${answer.status}`)
  }
  assert.deepEqual((await manage(alice, 'GET', 'abc123', one.registration_access_token)).json, {
    error: 'Client not found',
  })
  // A registration token opens nothing else.
  const api = await alice.request('/permissions/self', {
    headers: { authorization: `Bearer ${one.registration_access_token}` },
  })
  assert.equal(api.status, 400)
})

test('PUT replaces what the client says of itself; its software_id never changes', async () => {
  const alice = await house.person()
  const { json: client } = await register(alice, { ...METADATA, client_kind: 'desktop' })
  const { client_id, client_secret, registration_access_token: token } = client
  const put = (body: object) => manage(alice, 'PUT', client_id, token, body)

  const replaced = await put({ ...METADATA, client_id, client_name: 'Renamed', redirect_uris: ['cozydrive://auth'] })
  assert.equal(replaced.status, 200)
  assert.deepEqual(
    [replaced.json.client_name, replaced.json.redirect_uris, replaced.json.client_kind, replaced.json.client_secret],
    ['Renamed', ['cozydrive://auth'], undefined, client_secret],
  )
  assert.equal(replaced.json.registration_access_token, token)

  const error = async (body: object) => {
    const { status, json } = await put(body)
    return [status, json.error]
  }
  assert.deepEqual(await error(METADATA), [400, 'invalid_client_id'])
  assert.deepEqual(await error({ ...METADATA, client_id: 'other' }), [400, 'invalid_client_id'])
  assert.deepEqual(await error({ client_id }), [400, 'invalid_redirect_uri'])
  assert.deepEqual(await error({ ...METADATA, client_id, client_secret: 'wrong' }), [400, 'invalid_client_secret'])
  assert.deepEqual(await error({ ...METADATA, client_id, client_secret: 12 }), [400, 'invalid_client_secret'])
  // Upstream lets a client become another one after it was accepted.
  assert.deepEqual(await error({ ...METADATA, client_id, software_id: 'registry://drive' }), [
    400,
    'invalid_client_metadata',
  ])
  assert.deepEqual(await error({ ...METADATA, client_id, software_id: 'github.com/other' }), [
    400,
    'invalid_client_metadata',
  ])

  const rotated = await put({ ...METADATA, client_id, client_secret })
  assert.equal(rotated.status, 200)
  assert.notEqual(rotated.json.client_secret, client_secret)
  assert.deepEqual(await error({ ...METADATA, client_id, client_secret }), [400, 'invalid_client_secret'])
  assert.equal((await manage(alice, 'GET', client_id, token)).json.client_secret, rotated.json.client_secret)
})

test('one of several changes at the same moment wins, the others are told', async () => {
  const alice = await house.person()
  const { json: client } = await register(alice)
  const { client_id, client_secret, registration_access_token: token } = client
  const answers = await Promise.all(
    Array.from({ length: 6 }, () => manage(alice, 'PUT', client_id, token, { ...METADATA, client_id, client_secret })),
  )
  const kinds = answers.map(({ status, json }) => (status === 200 ? 'changed' : `${status} ${json.error}`))
  assert.ok(kinds.includes('changed'))
  for (const kind of kinds) assert.match(kind, /^(changed|409 conflict|400 invalid_client_secret)$/)
  const secret = answers.filter(({ status }) => status === 200).at(-1)!
  const now = (await manage(alice, 'GET', client_id, token)).json.client_secret
  assert.ok(
    answers.some(({ status, json }) => status === 200 && json.client_secret === now),
    String(secret.status),
  )
})

test('DELETE ends the client and all its tokens; again is no error', async () => {
  const alice = await house.person()
  const { json: client } = await register(alice)
  const access = await alice.mint({ audience: 'access', subject: client.client_id, scope: 'io.cozy.files' })
  const self = () => alice.request('/permissions/self', { headers: { authorization: `Bearer ${access}` } })
  assert.equal((await self()).status, 200)
  assert.equal((await manage(alice, 'DELETE', client.client_id, client.registration_access_token)).status, 204)
  assert.equal((await manage(alice, 'DELETE', client.client_id, client.registration_access_token)).status, 204)
  const after = await self()
  assert.equal(after.status, 400)
  assert.equal(after.headers['www-authenticate'], 'Bearer error="invalid_token"')
  assert.equal((await manage(alice, 'GET', client.client_id, client.registration_access_token)).status, 404)
  const { rows } = await house.ground.database.driver.query('select 1 from oauth_clients where client_id = $1', [
    client.client_id,
  ])
  assert.equal(rows.length, 0)
})

test('nobody who reads the database, the news or the data API learns a secret of a client', async () => {
  const alice = await house.person()
  const heard: unknown[] = []
  const end = house.ground.news.subscribe(event => void heard.push(JSON.stringify(event.doc)))
  const { json: client } = await register(alice)
  end()
  const { rows: tables } = await house.ground.database.driver.query<{ name: string }>(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname = 'konnectory'`,
  )
  let dump = heard.join('\n')
  for (const { name } of tables) {
    const { rows } = await house.ground.database.driver.query(`select t::text as row from ${name} t`)
    dump += rows.map(({ row }) => row).join('\n')
  }
  assert.ok(dump.includes(client.client_id))
  assert.equal(dump.includes(client.client_secret), false)
  assert.equal(dump.includes(client.registration_access_token), false)
  const all = await alice.request('/data/io.cozy.oauth.clients/_all_docs', {
    headers: { authorization: `Bearer ${await alice.cli('io.cozy.oauth.clients')}` },
  })
  assert.equal(all.status, 403)
})

test('clients that nobody accepted are gone after an hour, others stay', async () => {
  const alice = await house.person()
  const { json: forgotten } = await register(alice)
  const { json: kept } = await register(alice)
  await house.rooms.oauth.clients.accepted(alice.instance, kept.client_id)
  await house.rooms.oauth.housekeeping()
  assert.equal((await manage(alice, 'GET', forgotten.client_id, forgotten.registration_access_token)).status, 200)
  house.clock.advance(3_601_000)
  const { clients } = await house.rooms.oauth.housekeeping()
  assert.ok(clients >= 1)
  assert.equal((await manage(alice, 'GET', forgotten.client_id, forgotten.registration_access_token)).status, 404)
  const still = await manage(alice, 'GET', kept.client_id, kept.registration_access_token)
  assert.deepEqual([still.status, still.json.pending], [200, undefined])
})
