import assert from 'node:assert/strict'
import { pbkdf2Sync } from 'node:crypto'
import { after, test } from 'node:test'
import { startTestHouse } from '../help/house.ts'

const house = await startTestHouse()
after(() => house[Symbol.asyncDispose]())
const get = (path: string, scope?: string | null) => house.request(path, scope === undefined ? {} : { scope })

test('without a token: 401, and 403 where clients expect that', async () => {
  for (const path of [
    '/settings/instance',
    '/settings/capabilities',
    '/settings/disk-usage',
    '/settings/passphrase',
    '/settings/clients',
    '/settings/warnings',
  ])
    assert.equal((await get(path, null)).status, 401, path)
  for (const path of ['/settings/context', '/settings/flags']) assert.equal((await get(path, null)).status, 403, path)
})

test('a token without the permission: 403 on what is guarded', async () => {
  const weak = 'io.cozy.bills'
  for (const path of [
    '/settings/disk-usage',
    '/settings/passphrase',
    '/settings/clients',
    '/settings/sessions',
    '/settings/hint',
  ])
    assert.equal((await get(path, weak)).status, 403, path)
  const put = await house.request('/settings/instance', {
    scope: weak,
    method: 'PUT',
    body: { data: { attributes: {} } },
  })
  assert.equal(put.status, 403)
  for (const path of ['/settings/instance', '/settings/capabilities', '/settings/flags', '/settings/context'])
    assert.equal((await get(path, weak)).status, 200, path)
})

test('the instance: read, replaced by its revision, guarded members kept', async () => {
  const { data } = (await get('/settings/instance')).json
  assert.equal(data.id, 'io.cozy.settings.instance')
  assert.deepEqual(
    [data.attributes.locale, data.attributes.context, data.attributes.auth_mode],
    ['en', 'default', 'basic'],
  )
  const attributes = {
    ...data.attributes,
    public_name: 'Alice',
    tz: 'Europe/Paris',
    email: 'thief@example.com',
    uuid: 'other',
    mine: 1,
  }
  const put = (rev: string) =>
    house.request('/settings/instance', { method: 'PUT', body: { data: { meta: { rev }, attributes } } })
  const changed = await put(data.meta.rev)
  assert.equal(changed.status, 200, changed.text)
  const now = changed.json.data
  assert.deepEqual(
    [now.attributes.public_name, now.attributes.tz, now.attributes.mine, now.attributes.uuid, now.attributes.email],
    ['Alice', 'Europe/Paris', 1, data.attributes.uuid, data.attributes.email],
  )
  assert.equal((await put(data.meta.rev)).status, 409)
  assert.equal((await house.rooms.instances.byId(house.instance.id))?.publicName, 'Alice')
  const stored = (await get('/data/io.cozy.settings/io.cozy.settings.instance')).json
  assert.equal('uuid' in stored, false)
  for (const body of [{}, { data: {} }, [], { data: { attributes: 3 } }])
    assert.equal((await house.request('/settings/instance', { method: 'PUT', body })).status, 400)
})

test('disk usage counts what was uploaded, as texts', async () => {
  const upload = await house.request('/files/?Type=file&Name=a.txt', {
    method: 'POST',
    body: 'hello',
    headers: { 'content-type': 'text/plain' },
  })
  assert.equal(upload.status, 201, upload.text)
  const { attributes } = (await get('/settings/disk-usage?include=trash')).json.data
  assert.deepEqual(attributes, { used: '5', files: '5', versions: '0', trash: '0' })
  assert.equal((await get('/settings/disk-usage', 'io.cozy.settings:GET:io.cozy.settings.disk-usage')).status, 200)
})

test('nothing to warn of is 404 with an empty list', async () => {
  const answer = await get('/settings/warnings')
  assert.deepEqual([answer.status, answer.json], [404, { errors: [] }])
})

test('programs: shown without secrets, page by page, and disconnected', async () => {
  const { clients } = house.rooms.oauth
  const made: string[] = []
  for (const name of ['one', 'two', 'three']) {
    const { client } = await clients.create(
      house.instance,
      { redirect_uris: ['http://127.0.0.1/cb'], client_name: name, software_id: 'test' },
      { pending: false },
    )
    made.push(client.id)
  }
  const first = (await get('/settings/clients?page[limit]=2')).json
  assert.deepEqual([first.data.length, first.meta.count], [2, 2])
  const second = (await get(first.links.next)).json
  assert.deepEqual([...first.data, ...second.data].map(({ id }) => id).sort(), made.sort())
  assert.doesNotMatch(JSON.stringify(first), /secret|registration_access_token/)
  assert.equal((await house.request(`/settings/clients/${made[0]}`, { method: 'DELETE' })).status, 204)
  assert.equal((await get('/settings/clients-usage')).json.data.attributes.count, 2)
  assert.equal((await get('/settings/clients?page[cursor]=nonsense')).status, 400)
})

test('the first passphrase is chosen once, by its token; then it is changed by who knows it', async () => {
  const { instances } = house.rooms
  const token = await instances.passphrase.newRegisterToken(house.instance)
  const { salt, iterations } = (await get('/settings/passphrase')).json.data.attributes
  const derived = (passphrase: string) => {
    const key = pbkdf2Sync(passphrase, salt, iterations, 32, 'sha256')
    return pbkdf2Sync(key, passphrase, 1, 32, 'sha256').toString('base64')
  }
  const choose = (register_token: string, more: object = {}) =>
    house.request('/settings/passphrase', {
      method: 'POST',
      scope: null,
      body: { register_token, passphrase: derived('correct horse'), iterations, ...more },
    })
  assert.equal((await choose('00'.repeat(16))).status, 400)
  const few = await choose(token, { iterations: 10 })
  assert.deepEqual([few.status, few.json.errors[0].source], [422, { parameter: 'KdfIterations' }])
  assert.equal((await choose(token, { redirection: 'https://evil.example/' })).status, 400)
  const chosen = await choose(token)
  assert.deepEqual([chosen.status, typeof chosen.json.redirect], [200, 'string'])
  assert.match(String(chosen.headers['set-cookie']), /cozysessid=.*HttpOnly/)
  assert.equal((await choose(token)).status, 400)

  const check = (passphrase: string, headers: Record<string, string> = {}) =>
    house.request('/settings/passphrase/check', { method: 'POST', body: { passphrase }, headers })
  assert.equal((await check(derived('correct horse'))).status, 204)
  assert.equal((await check(derived('wrong'))).status, 403)
  assert.equal((await check('x', { 'content-type': 'text/plain' })).status, 415)
  const change = (current: string) =>
    house.request('/settings/passphrase', {
      method: 'PUT',
      body: { current_passphrase: derived(current), new_passphrase: derived('battery staple'), iterations },
    })
  assert.equal((await change('wrong')).status, 400)
  assert.equal((await change('correct horse')).status, 204)
  const cookie = String(chosen.headers['set-cookie']).split(';')[0] ?? ''
  assert.equal((await house.request('/settings/sessions/current', { headers: { cookie } })).status, 404)
  assert.equal((await check(derived('battery staple'))).status, 204)
})

test('a hint can be given, and is only told to be there', async () => {
  assert.equal((await house.request('/settings/hint', { method: 'PUT', body: { hint: 'staple' } })).status, 204)
  const answer = await get('/settings/hint')
  assert.deepEqual([answer.status, answer.bytes.length], [204, 0])
})

test('what needs mail says that there is none', async () => {
  const answer = await house.request('/settings/email', { method: 'POST' })
  assert.equal(answer.status, 501)
  assert.match(answer.json.errors[0].detail, /sends no mail/)
})
