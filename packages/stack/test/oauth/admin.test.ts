import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { openOAuthHouse } from './house.ts'

const house = await openOAuthHouse()
after(() => house[Symbol.asyncDispose]())

const query = (fields: Record<string, string>) => new URLSearchParams(fields).toString()
const token = (fields: Record<string, string>) => house.admin(`/instances/token?${query(fields)}`, { method: 'POST' })
const claims = (jwt: string) => JSON.parse(Buffer.from(jwt.split('.')[1]!, 'base64url').toString())

test('nobody makes tokens from outside', async () => {
  const alice = await house.person()
  const path = `/instances/token?${query({ Domain: alice.instance.domain, Audience: 'cli', Scope: 'io.cozy.files' })}`
  assert.equal((await alice.request(path, { method: 'POST' })).status, 404)
  assert.equal((await house.admin(path, { method: 'POST', headers: { authorization: 'Basic eDp5' } })).status, 401)
})

test('tokens of every audience, as text, under both of their names', async () => {
  const alice = await house.person()
  const Domain = alice.instance.domain
  const cli = await token({ Domain, Audience: 'cli', Scope: 'io.cozy.files io.cozy.jobs' })
  assert.equal(cli.status, 200)
  assert.match(String(cli.headers['content-type']), /^text\/plain/)
  assert.deepEqual(
    [claims(cli.text).aud, claims(cli.text).sub, claims(cli.text).scope],
    [['cli'], 'CLI', 'io.cozy.files io.cozy.jobs'],
  )
  for (const [Audience, aud] of [
    ['app', 'app'],
    ['webapp', 'app'],
    ['konn', 'konn'],
    ['konnector', 'konn'],
  ]) {
    const made = await token({ Domain, Audience: Audience!, Subject: 'acme' })
    assert.deepEqual([made.status, claims(made.text).aud, claims(made.text).sub], [200, [aud], 'acme'])
  }
})

test('tokens of a client need the client, which then stays', async () => {
  const alice = await house.person()
  const Domain = alice.instance.domain
  const { json: client } = await alice.request('/auth/register', {
    method: 'POST',
    headers: { accept: 'application/json' },
    body: { redirect_uris: ['http://localhost/cb'], client_name: 'Tool', software_id: 'tool' },
  })
  for (const Audience of ['access', 'access-token', 'refresh', 'refresh-token']) {
    assert.equal((await token({ Domain, Audience, Subject: 'nobody', Scope: 'io.cozy.files' })).status, 422)
    const made = await token({ Domain, Audience, Subject: client.client_id, Scope: 'io.cozy.files' })
    assert.deepEqual([made.status, claims(made.text).sub], [200, client.client_id])
  }
  const known = await house.rooms.oauth.clients.find(alice.instance, client.client_id)
  assert.equal(known?.pending, undefined)
})

test('a token can be made to die earlier', async () => {
  const alice = await house.person()
  const fields = { Domain: alice.instance.domain, Audience: 'cli', Scope: 'io.cozy.bills' }
  const { text } = await token({ ...fields, Expire: '5m' })
  const ask = async () =>
    (await alice.request('/permissions/self', { headers: { authorization: `Bearer ${text}` } })).status
  assert.equal(await ask(), 200)
  house.clock.advance(5 * 60_000)
  assert.equal(await ask(), 400)
  assert.equal((await token({ ...fields, Expire: '0s' })).status, 200)
})

test('what is wrong is said', async () => {
  const alice = await house.person()
  const good = { Domain: alice.instance.domain, Audience: 'cli', Scope: 'io.cozy.files' }
  for (const [wrong, status] of [
    [{ Domain: '' }, 422],
    [{ Domain: 'nobody.example.test' }, 404],
    [{ Audience: '' }, 422],
    [{ Audience: 'registration' }, 422],
    [{ Audience: 'constructor' }, 422],
    [{ Scope: '' }, 400],
    [{ Scope: 'a:b:c:d:e' }, 400],
    [{ Expire: 'soon' }, 422],
    [{ Expire: '-5m' }, 422],
    [{ Expire: '100h' }, 400],
    [{ Audience: 'app', Scope: '', Subject: '' }, 400],
    [{ Audience: 'app', Scope: '', Subject: '../x' }, 400],
  ] as [Record<string, string>, number][]) {
    const answer = await token({ ...good, ...wrong })
    assert.equal(answer.status, status, `${JSON.stringify(wrong)} ${answer.text}`)
  }
})

test('a client that the administrator makes is not pending', async () => {
  const alice = await house.person()
  const make = (more: Record<string, string>) =>
    house.admin(
      `/instances/oauth_client?${query({ Domain: alice.instance.domain, RedirectURI: 'http://localhost:3333/cb', ClientName: 'Tool', SoftwareID: 'tool', ...more })}`,
      { method: 'POST' },
    )
  const { status, json } = await make({ AllowLoginScope: 'true' })
  assert.equal(status, 200)
  assert.deepEqual(
    [json.pending, json.allow_login_scope, json.redirect_uris],
    [undefined, true, ['http://localhost:3333/cb']],
  )
  const managed = await alice.request(`/auth/register/${json.client_id}`, {
    headers: { authorization: `Bearer ${json.registration_access_token}`, accept: 'application/json' },
  })
  assert.deepEqual([managed.status, managed.json.client_secret], [200, json.client_secret])
  house.clock.advance(2 * 3_600_000)
  await house.rooms.oauth.housekeeping()
  assert.ok(await house.rooms.oauth.clients.find(alice.instance, json.client_id))

  assert.equal((await make({ RedirectURI: 'javascript:x' })).json.error, 'invalid_redirect_uri')
  assert.equal((await make({ SoftwareID: 'registry://drive' })).status, 400)
  assert.equal((await make({ AllowLoginScope: 'perhaps' })).status, 422)
  assert.equal((await make({ Domain: 'nobody.example.test' })).status, 404)
})
