import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { startTestHouse } from '../help/house.ts'
import { send } from '../help/request.ts'

const house = await startTestHouse()
after(() => house[Symbol.asyncDispose]())
const { oauth, permissions } = house.rooms
const { instance, request } = house

const make = async (path: string, body: object | string) => {
  const { status, json, text } = await request(path, { method: 'POST', body })
  assert.ok(status < 300, text)
  return json
}
/** What is there that is none of the konnector's business. */
const own = (
  await make('/data/io.cozy.accounts/', { account_type: 'walker', auth: { login: 'a', password: 'PLAIN1' } })
).id as string
const foreign = (
  await make('/data/io.cozy.accounts/', { account_type: 'other', auth: { login: 'SECRET-b', password: 'PLAIN2' } })
).id as string
const contact = (await make('/data/io.cozy.contacts/', { name: 'SECRET-contact' })).id as string
const folder = (await make('/files/?Type=directory&Name=SECRET-folder', '')).data.id as string
const file = (await make(`/files/${folder}?Type=file&Name=SECRET-file.txt`, 'SECRET-content')).data.id as string
const share = (
  await make('/permissions?codes=a', {
    data: { attributes: { permissions: { files: { type: 'io.cozy.files', values: [folder] } } } },
  })
).data.id as string
const client = (
  await oauth.clients.create(
    instance,
    { redirect_uris: ['https://t.example/'], client_name: 'SECRET-client', software_id: 'x' },
    { pending: false },
  )
).client.id

await permissions.create(instance, { type: 'konnector', slug: 'walker' }, { bills: { type: 'io.cozy.bills' } })
await permissions.create(instance, { type: 'konnector', slug: 'other' }, { files: { type: 'io.cozy.files' } })
await permissions.create(instance, { type: 'app', slug: 'home' }, { files: { type: 'io.cozy.files' } })
const run = await permissions.runs.begin(instance, { slug: 'walker', accountId: own })
const token = await oauth.mint({ instance, audience: 'konn', subject: 'walker', run, account: own })
const bills = (await make('/data/io.cozy.bills/', { vendor: 'acme' })).id as string

const DOCTYPES = [
  'io.cozy.accounts',
  'io.cozy.accounts.soft_deleted',
  'io.cozy.apps',
  'io.cozy.contacts',
  'io.cozy.files',
  'io.cozy.files.versions',
  'io.cozy.konnectors',
  'io.cozy.oauth.clients',
  'io.cozy.permissions',
  'io.cozy.sessions',
  'io.cozy.settings',
  'io.cozy.bills.more',
  'io.cozy',
]
const IDS = [own, foreign, contact, folder, file, share, client, 'io.cozy.settings.instance', 'io.cozy.files.root-dir']
/** Values of the parameters in paths. */
const VALUES: Record<string, string[]> = {
  doctype: DOCTYPES,
  docid: IDS,
  id: [...IDS, 'io.cozy.konnectors/other', 'io.cozy.apps/home'],
  slug: ['other', 'home'],
  type: ['walker', 'other'],
  secret: ['0'.repeat(32)],
  name: ['x'],
  version: ['1'],
  format: ['small'],
}
const QUERY = 'Type=file&Name=x&Path=%2FSECRET-folder&rev=1-0&Id='
const BODY = {
  data: {
    type: 'io.cozy.files',
    id: file,
    attributes: { name: 'renamed', tags: ['x'], permissions: { more: { type: 'io.cozy.contacts' } } },
  },
  selector: { _id: { $gt: null } },
  index: { fields: ['a'] },
  docs: [{ id: contact }],
  keys: [contact, file],
  passphrase: 'x',
  hint: 'x',
  auth_mode: 'basic',
}

/** Every path with every way of filling it. */
function* filled(path: string): Generator<string> {
  const name = /\{(\w+)\}/.exec(path)?.[1]
  if (name === undefined) return yield path
  for (const value of VALUES[name] ?? IDS) yield* filled(path.replace(`{${name}}`, encodeURIComponent(value)))
}

/** What anybody may do with any token, by the routes' own words; each is looked at below. */
const ANYBODYS = [
  'GET /permissions/self',
  'POST /permissions/exists',
  'GET /settings/instance',
  'GET /settings/capabilities',
  'GET /settings/context',
  'GET /settings/flags',
]

/** Refused with something else than 403; permission documents that are not there are told (`protocol/permissions.md` §9). */
const OTHERWISE = [
  'DELETE /auth/login 401',
  'DELETE /auth/login/others 401',
  'DELETE /permissions/{id} 404',
  'GET /permissions/{id} 404',
  'GET /settings/warnings 404',
  'PATCH /permissions/apps/{slug} 404',
  'PATCH /permissions/konnectors/{slug} 404',
  'PATCH /permissions/{id} 404',
  'POST /realtime/{doctype}/{id} 400',
  'POST /settings/synchronized 400',
]

/** Of the routes below these it is known that the requests are right; those of other rooms must open nothing. */
const IN_DETAIL = /^\w+ \/(auth|permissions|data|files|accounts|realtime|settings)\b/

interface Operation {
  description: string
}

/** Tries a token on every route that wants one, on every object. @returns what it opened, and what was refused but by 403 */
async function walk(withToken: string): Promise<{ opened: string[]; otherwise: string[] }> {
  const { paths } = (await send(house.url, '/openapi.json')).json as {
    paths: Record<string, Record<string, Operation>>
  }
  const opened = new Set<string>()
  const otherwise = new Set<string>()
  let tried = 0
  for (const [path, operations] of Object.entries(paths)) {
    const methods = Object.keys(operations).flatMap(method => (method === 'get' ? ['get', 'head'] : [method]))
    for (const method of methods) {
      const { description } = operations[method === 'head' ? 'get' : method]!
      // A GET without its body is the same operation.
      const name = `${method === 'head' ? 'GET' : method.toUpperCase()} ${path}`
      if (description.startsWith('No token:') && !ANYBODYS.includes(name)) continue
      for (const each of filled(path)) {
        tried++
        const answer = await request(`${each}?${QUERY}${file}`, {
          method: method.toUpperCase(),
          headers: {
            authorization: `Bearer ${withToken}`,
            'content-type': 'application/json',
            destination: '_design/x',
          },
          ...(!['get', 'head'].includes(method) && {
            body: path === '/permissions/exists' ? { data: [BODY.data] } : BODY,
          }),
        })
        assert.ok(answer.status < 500, `${name} ${each}: ${answer.text}`)
        assert.doesNotMatch(answer.text, /SECRET-|PLAIN[12]/, `${name} ${each}`)
        if (answer.status < 300) opened.add(name)
        else if (answer.status !== 403) otherwise.add(`${name} ${answer.status}`)
      }
    }
  }
  assert.ok(tried > 1500, `${tried} requests`)
  return { opened: [...opened].sort(), otherwise: [...otherwise].filter(name => IN_DETAIL.test(name)).sort() }
}

test('the token of a run that has bills and one account opens bills, and no other route on any object', async () => {
  const { opened, otherwise } = await walk(token)
  assert.deepEqual(opened, ANYBODYS.toSorted())
  // Refused for want of a rule, not by accident: a body or a path that is wrong would hide what a right one opens.
  assert.deepEqual(otherwise, OTHERWISE.toSorted())
  // Nothing of all that was changed.
  for (const path of [`/data/io.cozy.contacts/${contact}`, `/files/${file}`, `/data/io.cozy.accounts/${foreign}`])
    assert.equal((await request(path)).status, 200, path)
  const own = await request(`/data/io.cozy.bills/${bills}`, { headers: { authorization: `Bearer ${token}` } })
  assert.equal(own.status, 200)
})

test('nor does the token of a client that only proves who it is', async () => {
  const login = await oauth.mint({ instance, audience: 'access', subject: client, scope: 'login' })
  const { opened } = await walk(login)
  // Of these the client speaks of itself, and of terms that there are none of.
  const itsOwn = ['POST /settings/synchronized', 'PUT /settings/instance/sign_tos']
  // What can be installed is no secret.
  const closed = opened.filter(name => !/^GET \/registry\b/.test(name))
  assert.deepEqual(closed, [...ANYBODYS, ...itsOwn].sort())
})

test('what any token opens says nothing of what the konnector may not know', async () => {
  const headers = { authorization: `Bearer ${token}` }
  const self = (await request('/permissions/self', { headers })).json.data
  assert.deepEqual(Object.keys(self.attributes.permissions), ['bills'])
  const asked = { data: [{ type: 'io.cozy.files', id: file }] }
  assert.deepEqual((await request('/permissions/exists', { method: 'POST', body: asked, headers })).json.data, [])
})

test('what a konnector shares ends when its token would have', async () => {
  const { json } = await request('/permissions?codes=a', {
    method: 'POST',
    headers: { authorization: `Bearer ${token}` },
    body: { data: { attributes: { permissions: { bills: { type: 'io.cozy.bills' } } } } },
  })
  const left = Date.parse(json.data.attributes.expires_at) - Date.now()
  assert.ok(left > 29 * 60_000 && left <= 30 * 60_000, `${left}`)
})

test('with accounts too, a run opens its own account only, and only while it lives', async () => {
  await permissions.create(instance, { type: 'konnector', slug: 'opener' }, { accounts: { type: 'io.cozy.accounts' } })
  const live = await permissions.runs.begin(instance, { slug: 'opener', accountId: own })
  const opener = await oauth.mint({ instance, audience: 'konn', subject: 'opener', run: live, account: own })
  const headers = { authorization: `Bearer ${opener}` }
  const read = (id: string) => request(`/data/io.cozy.accounts/${id}`, { headers })
  assert.equal((await read(own)).json.auth.password, 'PLAIN1')
  const sealed = await read(foreign)
  assert.equal(sealed.status, 200)
  assert.doesNotMatch(sealed.text, /PLAIN2/)
  const { _id, _rev, _type, ...body } = sealed.json
  // It brings the other one's sealed text into its own account: what is bound to one account opens in no other.
  const mine = (await read(own)).json
  const put = await request(`/data/io.cozy.accounts/${own}`, {
    method: 'PUT',
    headers,
    body: { ...mine, auth: { login: 'a', credentials_encrypted: body.auth.credentials_encrypted } },
  })
  assert.equal(put.status, 200)
  assert.doesNotMatch(put.text, /PLAIN2/)
  // Nor does it open when it is made again under the same id by the thief.
  await request(`/data/io.cozy.accounts/${foreign}?rev=${_rev}`, { method: 'DELETE', headers })
  const again = await request(`/data/io.cozy.accounts/${foreign}`, {
    method: 'PUT',
    headers,
    body: { ...body, account_type: 'opener' },
  })
  assert.equal(again.status, 200, again.text)
  const unnamed = await oauth.mint({ instance, audience: 'konn', subject: 'opener' })
  const shown = await request(`/data/io.cozy.accounts/${foreign}`, { headers: { authorization: `Bearer ${unnamed}` } })
  assert.equal(shown.status, 200)
  assert.doesNotMatch(shown.text, /PLAIN2/)
  await permissions.runs.end(instance, live)
  assert.equal((await read(own)).status, 400)
})
