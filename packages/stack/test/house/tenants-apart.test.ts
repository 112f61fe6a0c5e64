import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import type { Instance } from '../../src/rooms/instances/index.ts'
import { startTestHouse } from '../help/house.ts'
import { send, type TestRequest } from '../help/request.ts'

const house = await startTestHouse()
after(() => house[Symbol.asyncDispose]())
const { instances, oauth } = house.rooms
const alice = house.instance
const bob = await house.another('bob.example')

const at = async (instance: Instance, path: string, options: TestRequest & { scope?: string | null } = {}) => {
  const { scope, headers = {}, ...rest } = options
  const authorization =
    scope === null || headers.authorization ? {} : { authorization: `Bearer ${await house.token(scope, instance)}` }
  return send(house.url, path, {
    ...rest,
    host: new URL(instance.url).host,
    headers: { accept: 'application/json', ...authorization, ...headers },
  })
}
const post = async (instance: Instance, path: string, body: object | string = '') => {
  const answer = await at(instance, path, { method: 'POST', body })
  assert.ok(answer.status < 300, answer.text)
  return answer.json
}

test('no id of an instance names anything in another', async () => {
  const doc = (await post(alice, '/data/io.cozy.contacts/', { name: 'Ada' })).id
  await post(bob, '/data/io.cozy.contacts/', { name: 'Bob' })
  const dir = (await post(alice, '/files/?Type=directory&Name=Private')).data.id
  const file = (await post(alice, `/files/${dir}?Type=file&Name=a.txt`, 'content')).data.id
  const rule = { type: 'io.cozy.files', values: [dir] }
  const share = (await post(alice, '/permissions?codes=a', { data: { attributes: { permissions: { rule } } } })).data.id
  const paths: [string, TestRequest?][] = [
    [`/data/io.cozy.contacts/${doc}`],
    [`/data/io.cozy.contacts/${doc}?open_revs=all`],
    [`/data/io.cozy.files/${file}`],
    [`/files/${file}`],
    [`/files/${dir}/relationships/contents`],
    ['/files/metadata?Path=/Private/a.txt'],
    [`/files/download/${file}`],
    [`/files/downloads?Id=${file}`, { method: 'POST' }],
    [`/files/${file}/copy`, { method: 'POST' }],
    [`/files/${file}`, { method: 'PATCH', body: { data: { attributes: { name: 'mine' } } } }],
    [`/files/${dir}?Type=file&Name=x`, { method: 'POST', body: 'x' }],
    [`/permissions/${share}`],
    [`/permissions/${share}`, { method: 'DELETE' }],
    ['/files/archive', { method: 'POST', body: { data: { attributes: { ids: [file] } } } }],
    [
      '/data/io.cozy.bills/b/relationships/references',
      { method: 'POST', body: { data: [{ type: 'io.cozy.files', id: file }] } },
    ],
  ]
  for (const [path, options] of paths) assert.equal((await at(bob, path, options)).status, 404, path)
  const keys = await at(bob, '/data/io.cozy.contacts/_all_docs?include_docs=true', {
    method: 'POST',
    body: { keys: [doc] },
  })
  assert.equal(keys.json.rows[0].error, 'not_found')
  const got = await at(bob, '/data/io.cozy.contacts/_bulk_get', { method: 'POST', body: { docs: [{ id: doc }] } })
  assert.doesNotMatch(got.text, /Ada/)
  // A directory of somebody else's is no place to move to.
  const own = (await post(bob, '/files/?Type=file&Name=b.txt', 'x')).data.id
  const moved = await at(bob, `/files/${own}`, { method: 'PATCH', body: { data: { attributes: { dir_id: dir } } } })
  assert.equal(moved.status, 404)
})

test('no secret of an instance opens anything in another', async () => {
  const picture = (
    await at(alice, '/files/?Type=file&Name=a.png', {
      method: 'POST',
      body: 'PICTURE',
      headers: { 'content-type': 'image/png' },
    })
  ).json.data
  const link = (await post(alice, `/files/downloads?Id=${picture.id}`)).links.related
  const archive = (await post(alice, '/files/archive', { data: { attributes: { ids: [picture.id] } } })).links.related
  for (const path of [link, archive]) {
    assert.equal((await at(alice, path, { scope: null })).status, 200)
    assert.equal((await at(bob, path, { scope: null })).status, 400, path)
  }
  assert.equal((await at(bob, picture.links.small, { scope: null })).status, 400)

  const metadata = await post(alice, '/files/upload/metadata', { data: { attributes: { secret: 'yes' } } })
  const used = await at(bob, `/files/?Type=file&Name=m.txt&MetadataID=${metadata.data.id}`, {
    method: 'POST',
    body: 'x',
  })
  assert.equal(used.status, 422)

  const rule = { type: 'io.cozy.files', verbs: ['GET'], values: [picture.id] }
  const { codes, shortcodes } = (
    await post(alice, '/permissions?codes=a', { data: { attributes: { permissions: { rule } } } })
  ).data.attributes
  for (const code of [codes.a, shortcodes.a]) {
    const headers = { authorization: `Bearer ${code}` }
    assert.equal((await at(alice, `/files/${picture.id}`, { headers })).status, 200)
    assert.equal((await at(bob, '/permissions/self', { headers })).status, 400)
  }

  const { client, secret } = await oauth.clients.create(
    alice,
    { redirect_uris: ['https://t.example/'], client_name: 'T', software_id: 't' },
    { pending: false },
  )
  const of = (audience: 'access' | 'refresh' | 'registration') =>
    oauth.mint({
      instance: alice,
      audience,
      subject: client.id,
      ...(audience !== 'registration' && { scope: 'io.cozy.files' }),
    })
  const [access, refresh, registration] = await Promise.all([of('access'), of('refresh'), of('registration')])
  const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } })
  assert.equal((await at(alice, '/permissions/self', bearer(access))).status, 200)
  assert.equal((await at(bob, '/permissions/self', bearer(access))).status, 400)
  assert.equal((await at(alice, `/auth/register/${client.id}`, bearer(registration))).status, 200)
  assert.equal((await at(bob, `/auth/register/${client.id}`, bearer(registration))).status, 404)
  const form = { grant_type: 'refresh_token', client_id: client.id, client_secret: secret, refresh_token: refresh }
  const exchange = (instance: Instance) =>
    at(instance, '/auth/access_token', {
      method: 'POST',
      scope: null,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams(form).toString(),
    })
  assert.equal((await exchange(alice)).status, 200)
  assert.deepEqual((await exchange(bob)).json, { error: 'the client must be registered' })

  const { setCookie } = await instances.sessions.open(alice)
  const cookie = setCookie.split(';')[0]!
  const signedIn = (instance: Instance) =>
    at(instance, '/settings/sessions/current', { scope: null, headers: { cookie } })
  assert.equal((await signedIn(alice)).status, 200)
  assert.equal((await signedIn(bob)).status, 404)

  const { instance: carol, registerToken } = await instances.create({ domain: 'carol.example' })
  const registering = (instance: Instance) =>
    at(instance, `/settings/instance?registerToken=${registerToken}`, { scope: null })
  assert.equal((await registering(carol)).status, 200)
  assert.equal((await registering(bob)).status, 401)
})

test('a place in a list of another instance is a place in one’s own, and shows nothing of the other', async () => {
  for (const instance of [alice, bob]) {
    for (let number = 0; number < 3; number++)
      await post(instance, '/data/io.cozy.bills/', { owner: instance.domain, number })
  }
  const find = (instance: Instance, bookmark?: string) =>
    at(instance, '/data/io.cozy.bills/_find', {
      method: 'POST',
      body: { selector: { _id: { $gt: null } }, limit: 1, ...(bookmark && { bookmark }) },
    })
  const { bookmark } = (await find(alice)).json
  const next = (await at(alice, '/data/io.cozy.bills/_normal_docs?limit=1')).json.bookmark
  for (const answer of [
    await find(bob, bookmark),
    await at(bob, `/data/io.cozy.bills/_normal_docs?bookmark=${next}`),
    await at(bob, '/data/io.cozy.bills/_changes?include_docs=true&since=1-abcd'),
  ]) {
    assert.ok([200, 400].includes(answer.status), answer.text)
    assert.doesNotMatch(answer.text, /localhost/)
  }
})
