import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { after, test } from 'node:test'
import { startTestHouse } from '../help/house.ts'
import type { TestRequest } from '../help/request.ts'
import { movingClock } from '../oauth/house.ts'

/** Every hole of upstream that the protocol marks "do not copy", tried from outside on the whole house. */
const clock = movingClock()
const house = await startTestHouse({ clock })
after(() => house[Symbol.asyncDispose]())
const { instances, oauth, permissions, accounts } = house.rooms
const { instance, request } = house
const ROOT = 'io.cozy.files.root-dir'

/** A request with a token that may do what a scope says, and nothing else. */
const as =
  (scope: string) =>
  (path: string, options: TestRequest = {}) =>
    request(path, { ...options, scope })

/** An installed konnector and requests with the token of one of its runs. */
async function konnector(slug: string, rules: Record<string, object>, accountId?: string) {
  await permissions.create(instance, { type: 'konnector', slug }, rules)
  const run = await permissions.runs.begin(instance, { slug, accountId })
  const token = await oauth.mint({ instance, audience: 'konn', subject: slug, run, account: accountId })
  return (path: string, { headers, ...options }: TestRequest = {}) =>
    request(path, { ...options, headers: { ...headers, authorization: `Bearer ${token}` } })
}

let made = 0
const folder = async (parent = ROOT, name = `folder ${++made}`): Promise<string> => {
  const { status, json } = await request(`/files/${parent}?Type=directory&Name=${encodeURIComponent(name)}`, {
    method: 'POST',
  })
  assert.equal(status, 201)
  return json.data.id
}
const file = async (parent: string, name = `file ${++made}.txt`): Promise<string> => {
  const { status, json } = await request(`/files/${parent}?Type=file&Name=${encodeURIComponent(name)}`, {
    method: 'POST',
    headers: { 'content-type': 'text/plain' },
    body: 'hello',
  })
  assert.equal(status, 201)
  return json.data.id
}
const account = async (body: object): Promise<{ id: string; rev: string }> => {
  const { status, json } = await request('/data/io.cozy.accounts/', { method: 'POST', body })
  assert.equal(status, 201)
  return json
}
const data = (attributes: object) => ({ data: { attributes } })

test('data.md §3: no way of asking for revisions comes before the permission', async () => {
  const { json } = await request('/data/io.cozy.contacts/', { method: 'POST', body: { name: 'Ada' } })
  const mine = await request('/data/io.cozy.contacts/', { method: 'POST', body: { name: 'Bob' } })
  const narrow = as(`io.cozy.contacts:GET:${mine.json.id}`)
  for (const query of ['revs=true', 'open_revs=all', 'rev=1-0', 'conflicts=true', `open_revs=["${json.rev}"]`]) {
    const refused = await narrow(`/data/io.cozy.contacts/${json.id}?${query}`)
    assert.equal(refused.status, 403, query)
    assert.doesNotMatch(refused.text, /Ada/)
  }
  const shown = await narrow(`/data/io.cozy.contacts/${mine.json.id}?revs=true`)
  assert.equal(shown.json._revisions.start, 1, shown.text)
})

test('data.md §6, §8: an account is sealed on every way in, and its deletion leaves a copy on every way out', async () => {
  const body = { account_type: 'acme', auth: { login: 'me', password: 'S3CRET', session: 'S3CRET-session' } }
  const put = await request('/data/io.cozy.accounts/fixed', { method: 'PUT', body })
  assert.equal(put.status, 200)
  const bulk = (docs: object[], more = {}) =>
    request('/data/io.cozy.accounts/_bulk_docs', { method: 'POST', body: { docs, ...more } })
  const [one] = (await bulk([{ _id: 'bulk', ...body }])).json
  const replica = { _id: 'replica', _rev: '1-aaaa', ...body }
  assert.equal((await bulk([replica], { new_edits: false })).status, 201)
  for (const id of ['fixed', 'bulk', 'replica']) {
    const { text, json } = await request(`/data/io.cozy.accounts/${id}`)
    assert.doesNotMatch(text, /S3CRET/, id)
    assert.ok(json.auth.credentials_encrypted && json.auth.session_encrypted, id)
  }
  const { rows } = await house.ground.database.driver.query(
    `select doc::text as text from konnectory.docs where doctype = 'io.cozy.accounts'
     union all select doc::text from konnectory.leaves where doctype = 'io.cozy.accounts'`,
  )
  assert.ok(rows.length >= 3)
  for (const { text } of rows) assert.doesNotMatch(text, /S3CRET/)

  await bulk([{ _id: 'bulk', _rev: one.rev, _deleted: true }])
  await bulk([{ _id: 'replica', _rev: '2-bbbb', _deleted: true, _revisions: { start: 2, ids: ['bbbb', 'aaaa'] } }], {
    new_edits: false,
  })
  for (const id of ['bulk', 'replica']) {
    const copy = await house.ground.documents.of(instance).get('io.cozy.accounts.soft_deleted', id)
    assert.equal(copy?.body.account_type, 'acme', id)
    assert.doesNotMatch(copy.text, /S3CRET/)
  }
})

test('files.md §3: a directory by path needs POST on the first one to create', async () => {
  const own = await folder(ROOT, 'Own')
  const narrow = as(`io.cozy.files:GET,POST:${own}`)
  const by = (path: string) =>
    narrow(`/files/?Type=directory&Recursive=true&Path=${encodeURIComponent(path)}`, { method: 'POST' })
  assert.equal((await by('/Stranger')).status, 403)
  assert.equal((await by('/Stranger/Own/deep')).status, 403)
  assert.equal((await by('/Own/../Stranger')).status, 403)
  assert.equal((await request('/files/metadata?Path=/Stranger')).status, 404)
  assert.equal((await by('/Own/deep/deeper')).status, 201)
  // What is there already is not shown to who may not see it, nor whether it is there.
  await file(await folder(ROOT, 'Private'), 'known')
  for (const path of ['/Private', '/Private/known', '/Private/known/x', '/Private/unknown', '/Nowhere/x']) {
    assert.equal((await by(path)).status, 403, path)
    const single = await narrow(`/files/?Type=directory&Path=${path}`, { method: 'POST' })
    assert.equal(single.status, 403, path)
  }
})

test('files.md §3: who copies must be allowed to read', async () => {
  const [from, to] = [await folder(), await folder()]
  const source = await file(from)
  const blind = as(`io.cozy.files:POST:${from},${to} io.cozy.files:GET:${to}`)
  assert.equal((await blind(`/files/${source}/copy?DirID=${to}`, { method: 'POST' })).status, 403)
  const seeing = as(`io.cozy.files:POST:${to} io.cozy.files:GET:${from}`)
  assert.equal((await seeing(`/files/${source}/copy?DirID=${to}`, { method: 'POST' })).status, 201)
  assert.equal((await seeing(`/files/${source}/copy?DirID=${ROOT}`, { method: 'POST' })).status, 403)
})

test('files.md §5: a move needs a right on the destination, by attribute and by relationship', async () => {
  const [own, other] = [await folder(), await folder()]
  const moved = await file(own)
  const narrow = as(`io.cozy.files:GET,PATCH:${own}`)
  const parent = { data: { type: 'io.cozy.files', id: other } }
  const ways: [string, object][] = [
    [`/files/${moved}`, data({ dir_id: other })],
    [`/files/${moved}`, { data: { relationships: { parent } } }],
    ['/files/', { data: [{ id: moved, type: 'io.cozy.files', attributes: { dir_id: other } }] }],
  ]
  for (const [path, body] of ways) assert.equal((await narrow(path, { method: 'PATCH', body })).status, 403)
  assert.equal((await request(`/files/${moved}`)).json.data.attributes.dir_id, own)
  const both = as(`io.cozy.files:GET,PATCH:${own} io.cozy.files:POST:${other}`)
  assert.equal((await both(`/files/${moved}`, { method: 'PATCH', body: data({ dir_id: other }) })).status, 200)
})

test('files.md §8: references are removed from a directory by who may, and none stands twice', async () => {
  const [own, other] = [await folder(), await folder()]
  const inside = await file(own)
  const reference = { type: 'io.cozy.bills', id: 'b1' }
  for (const id of [own, other, inside]) {
    const path = `/files/${id}/relationships/referenced_by`
    for (let times = 0; times < 2; times++) {
      const added = await request(path, { method: 'POST', body: { data: [reference, reference] } })
      assert.deepEqual([added.status, added.json.meta.count], [200, 1])
    }
  }
  const narrow = as(`io.cozy.files:DELETE:${own}`)
  const remove = (id: string) =>
    narrow(`/files/${id}/relationships/referenced_by`, { method: 'DELETE', body: { data: [reference] } })
  assert.equal((await remove(other)).status, 403)
  assert.equal((await remove(own)).status, 200)
})

test('files.md §6: only what is in the trash is destroyed from there', async () => {
  const kept = await file(await folder())
  assert.equal((await request(`/files/trash/${kept}`, { method: 'DELETE' })).status, 400)
  assert.equal((await request(`/files/${kept}`)).status, 200)
})

test('permissions.md §5: every rule is tried on every ancestor', async () => {
  const top = await folder()
  const middle = await folder(top)
  const deep = await file(await folder(middle))
  const refer = (id: string, type: string, to: string) =>
    request(`/files/${id}/relationships/referenced_by`, { method: 'POST', body: { data: [{ type, id: to }] } })
  await refer(top, 'io.cozy.konnectors', 'io.cozy.konnectors/acme')
  await refer(middle, 'io.cozy.apps', 'io.cozy.apps/other')
  const rules = [
    'io.cozy.files:GET:image/png:mime',
    'io.cozy.files:GET:nobody:name',
    'io.cozy.files:GET:io.cozy.konnectors/acme:referenced_by',
  ]
  for (const scope of [rules, rules.toReversed()])
    assert.equal((await as(scope.join(' '))(`/files/${deep}`)).status, 200)
  assert.equal((await as(rules.slice(0, 2).join(' '))(`/files/${deep}`)).status, 403)
})

test('permissions.md §6: nobody adds what it has not, and strangers change nothing', async () => {
  await permissions.create(instance, { type: 'konnector', slug: 'patched' }, { bills: { type: 'io.cozy.bills' } })
  const path = '/permissions/konnectors/patched'
  const patch = (scope: string, rules: object) =>
    // An OAuth client, since administrators pass.
    client(scope).then(send => send(path, { method: 'PATCH', body: data({ permissions: rules }) }))
  const manages = 'io.cozy.konnectors'
  const cases: [string, object][] = [
    [`${manages} io.cozy.contacts:GET`, { type: 'io.cozy.contacts' }],
    [`${manages} io.cozy.contacts:GET`, { type: 'io.cozy.contacts', verbs: ['ALL'] }],
    [`${manages} io.cozy.contacts:GET,POST:a`, { type: 'io.cozy.contacts', verbs: ['GET'] }],
    [`${manages} io.cozy.contacts:GET,POST:a`, { type: 'io.cozy.contacts', verbs: ['GET'], values: [] }],
    [`${manages} io.cozy.contacts:GET:a:name`, { type: 'io.cozy.contacts', verbs: ['GET'], values: ['a'] }],
  ]
  for (const [scope, rule] of cases) assert.equal((await patch(scope, { more: rule })).status, 403, scope)
  const covered = { type: 'io.cozy.contacts', verbs: ['GET'] }
  assert.equal((await patch('io.cozy.contacts', { more: covered })).status, 403)
  assert.equal((await patch('io.cozy.contacts io.cozy.bills', { bills: {} })).status, 403)
  const stranger = await konnector('stranger', { contacts: { type: 'io.cozy.contacts' } })
  assert.equal((await stranger(path, { method: 'PATCH', body: data({ permissions: { bills: {} } }) })).status, 403)
  const added = await patch(`${manages} io.cozy.contacts:GET`, { more: covered })
  assert.deepEqual(Object.keys(added.json.data.attributes.permissions), ['bills', 'more'], added.text)
})

/** Requests of an OAuth client with an access token for a scope. */
async function client(scope: string) {
  const metadata = { redirect_uris: ['https://tool.example/cb'], client_name: 'Tool', software_id: `tool ${++made}` }
  const { client } = await oauth.clients.create(instance, metadata, { pending: false })
  const token = await oauth.mint({ instance, audience: 'access', subject: client.id, scope })
  return (path: string, { headers, ...options }: TestRequest = {}) =>
    request(path, { ...options, headers: { ...headers, authorization: `Bearer ${token}` } })
}

async function registered(name: string) {
  const body = {
    redirect_uris: ['https://tool.example/cb', 'https://tool.example/other'],
    client_name: name,
    software_id: `example/${name}`,
  }
  const { status, json } = await request('/auth/register', { method: 'POST', body, scope: null })
  assert.equal(status, 201)
  return json
}

test('auth.md §3: a client does not become another program', async () => {
  const { client_id, registration_access_token, redirect_uris } = await registered('changing')
  const body = { client_id, redirect_uris, client_name: 'changing', software_id: 'example/trusted' }
  const headers = { authorization: `Bearer ${registration_access_token}` }
  const refused = await request(`/auth/register/${client_id}`, { method: 'PUT', body, headers })
  assert.deepEqual([refused.status, refused.json.error], [400, 'invalid_client_metadata'])
  assert.equal((await request(`/auth/register/${client_id}`, { headers })).json.software_id, 'example/changing')
})

test('auth.md §5: a code is good for its client, its redirect URI, once, and for ten minutes', async () => {
  const [own, other] = [await registered('own'), await registered('other')]
  const { setCookie } = await instances.sessions.open(instance)
  const session = setCookie.split(';')[0]!
  const code = async (): Promise<string> => {
    const fields = {
      client_id: own.client_id,
      redirect_uri: own.redirect_uris[0],
      state: 's',
      response_type: 'code',
      scope: 'io.cozy.bills:GET',
    }
    const page = await request(`/auth/authorize?${new URLSearchParams(fields)}`, {
      scope: null,
      headers: { cookie: session, accept: 'text/html' },
    })
    const csrf_token = /name="csrf_token" value="([0-9a-f]+)"/.exec(page.text)![1]!
    const accepted = await request('/auth/authorize', {
      method: 'POST',
      scope: null,
      headers: { cookie: `${session}; _csrf=${csrf_token}`, 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ ...fields, csrf_token }).toString(),
    })
    return new URL(accepted.json.deeplink).searchParams.get('code')!
  }
  const redeem = (by: { client_id: string; client_secret: string }, more: Record<string, string>) =>
    request('/auth/access_token', {
      method: 'POST',
      scope: null,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({
        grant_type: 'authorization_code',
        client_id: by.client_id,
        client_secret: by.client_secret,
        ...more,
      }).toString(),
    })
  const refused = async (by: typeof own, more: Record<string, string>) => {
    const { status, json } = await redeem(by, more)
    assert.deepEqual([status, json], [400, { error: 'invalid code' }])
  }
  const first = await code()
  await refused(other, { code: first })
  assert.equal((await redeem(own, { code: first, redirect_uri: own.redirect_uris[0] })).status, 200)
  await refused(own, { code: first })
  await refused(own, { code: await code(), redirect_uri: own.redirect_uris[1] })
  const late = await code()
  clock.advance(10 * 60_000)
  await refused(own, { code: late })
})

test('accounts-oauth.md §4: no account without a state of this session', async () => {
  await accounts.types.put('implicit', {
    grant_mode: 'token',
    client_id: 'c',
    auth_endpoint: 'https://vendor.example/authorize',
  })
  const { setCookie } = await instances.sessions.open(instance)
  const cookie = setCookie.split(';')[0]!
  const visit = (path: string, headers: Record<string, string> = {}) => request(path, { scope: null, headers })
  const count = async (): Promise<number> => {
    const { json } = await request('/data/io.cozy.accounts/_normal_docs')
    return json.rows.filter((row: { account_type: string }) => row.account_type === 'implicit').length
  }
  const back = '/accounts/implicit/redirect?access_token=STOLEN'
  for (const [path, headers] of [
    [back, {}],
    [back, { cookie }],
    [`${back}&state=made-up`, { cookie }],
  ] as const)
    assert.equal((await visit(path, headers)).status, 400)
  const started = await visit('/accounts/implicit/start', { cookie })
  const state = new URL(String(started.headers.location)).searchParams.get('state')
  assert.equal((await visit(`${back}&state=${state}`)).status, 400, 'without the session')
  assert.equal(await count(), 0)
  const again = await visit('/accounts/implicit/start', { cookie })
  const good = new URL(String(again.headers.location)).searchParams.get('state')
  assert.equal((await visit(`${back}&state=${good}`, { cookie })).status, 303)
  assert.equal(await count(), 1)
  assert.equal((await visit(`${back}&state=${good}`, { cookie })).status, 400, 'once')
})

test('accounts-oauth.md §5: a refresh leaves all else in the account alone', async () => {
  const vendor = createServer((_request, response) => {
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ access_token: 'FRESH', token_type: 'bearer', expires_in: 60 }))
  }).listen(0, '127.0.0.1')
  await once(vendor, 'listening')
  try {
    const { port } = vendor.address() as { port: number }
    await accounts.types.put('refreshing', {
      slug: 'refreshing',
      grant_mode: 'authorization_code',
      client_id: 'c',
      client_secret: 's',
      auth_endpoint: 'https://vendor.example/authorize',
      token_endpoint: `http://127.0.0.1:${port}/token`,
    })
    const unknown = { theirs: { nested: [1, { deep: true }] }, data: { kept: 'yes' }, relationships: { a: 1 } }
    const oauthMembers = { access_token: 'OLD', refresh_token: 'REFRESH', own: 'member' }
    const { id } = await account({ account_type: 'refreshing', oauth: oauthMembers, ...unknown })
    const asKonnector = await konnector('refreshing', { accounts: { type: 'io.cozy.accounts' } }, id)
    const { status, json } = await asKonnector(`/accounts/refreshing/${id}/refresh`, { method: 'POST' })
    assert.equal(status, 200)
    const { attributes } = json.data
    assert.deepEqual({ ...attributes, ...unknown }, attributes)
    const { access_token, refresh_token, own } = attributes.oauth
    assert.deepEqual([access_token, refresh_token, own], ['FRESH', 'REFRESH', 'member'])
    const stored = (await request(`/data/io.cozy.accounts/${id}`)).json
    assert.deepEqual({ ...stored, ...unknown }, stored)
  } finally {
    vendor.close()
    vendor.closeAllConnections()
  }
})
