import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { startTestHouse } from '../help/house.ts'
import { send } from '../help/request.ts'

const house = await startTestHouse()
after(() => house[Symbol.asyncDispose]())

test('a document goes in and comes out over HTTP', async () => {
  const made = await house.request('/data/io.cozy.bills/', { method: 'POST', body: { vendor: 'acme', amount: 12.5 } })
  assert.equal(made.status, 201, made.text)
  const read = await house.request(`/data/io.cozy.bills/${made.json.id}`)
  assert.deepEqual(read.json, {
    _id: made.json.id,
    _rev: made.json.rev,
    _type: 'io.cozy.bills',
    vendor: 'acme',
    amount: 12.5,
  })
})

test('no token, no document; a token of another instance neither', async () => {
  assert.equal((await house.request('/data/io.cozy.bills/x', { scope: null })).status, 401)
  const other = await house.another('other.example')
  const foreign = { authorization: `Bearer ${await house.token('io.cozy.bills', other)}` }
  assert.equal((await house.request('/data/io.cozy.bills/x', { headers: foreign })).status, 400)
})

test('the server tells how it is, on any host name', async () => {
  const status = await send(house.url, '/status', { host: 'whoever.example' })
  assert.deepEqual([status.status, status.json.status, 'datasystem' in status.json], [200, 'OK', false])
  assert.match((await send(house.url, '/version')).json.version, /^\d+\.\d+/)
  assert.equal((await send(house.url, '/connection_check')).status, 204)
})

test('the API is described, every route with what it needs', async () => {
  const document = (await send(house.url, '/openapi.json')).json
  assert.equal(document.openapi, '3.1.0')
  assert.ok(document.paths['/data/{doctype}/{docid}'].get)
  for (const [path, operations] of Object.entries(document.paths))
    for (const operation of Object.values(operations as object)) assert.ok(operation.description, path)
  assert.match((await send(house.url, '/docs/api')).text, /<h1>API of the stack/)
})

test('the administration wants its secret and serves measurements', async () => {
  const { adminUrl, adminSecret } = house.house
  assert.equal((await send(adminUrl, '/metrics')).status, 401)
  const authorization = `Basic ${Buffer.from(`admin:${adminSecret}`).toString('base64')}`
  const metrics = await send(adminUrl, '/metrics', { headers: { authorization } })
  assert.match(metrics.text, /konnectory_http_request_seconds_bucket\{.*route="\/data\/:doctype\/:docid"/)
})

test('a password manager is sent to where the passphrase is changed', async () => {
  const { status, headers } = await house.request('/.well-known/change-password', { scope: null })
  assert.equal(status, 302)
  const { host } = new URL(house.url)
  assert.equal(headers.location, `http://settings.${host}/#/profile/password`)
})

test('a body without data says so in the words of the protocol, on every route that wants some', async () => {
  const wanting = [
    ['PATCH', '/files/io.cozy.files.root-dir'],
    ['PATCH', '/files/'],
    ['POST', '/files/upload/metadata'],
    ['POST', '/files/archive'],
    ['POST', '/files/x/relationships/referenced_by'],
    ['POST', '/data/io.cozy.bills/x/relationships/references'],
    ['POST', '/permissions'],
    ['POST', '/permissions/exists'],
    ['PATCH', '/permissions/konnectors/x'],
    ['PUT', '/settings/instance'],
  ] as const
  for (const [method, path] of wanting) {
    const { status, json } = await house.request(path, { method, body: {} })
    assert.equal(status, 400, path)
    const [{ title, detail, source }] = json.errors
    const words = 'JSON input is malformed or is missing mandatory fields'
    assert.deepEqual([title, detail, source], ['Bad Request', words, {}], path)
  }
})
