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
