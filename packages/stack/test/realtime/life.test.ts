import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { after, test } from 'node:test'
import WebSocket, { WebSocketServer } from 'ws'
import type { MintRequest } from '../../src/rooms/oauth/index.ts'
import { createConnection } from '../../src/rooms/realtime/connection.ts'
import { createHub } from '../../src/rooms/realtime/hub.ts'
import { openRealtimeHouse } from './house.ts'

const BILLS = 'io.cozy.bills'
const house = await openRealtimeHouse({ pingEvery: 50, silence: 400, authWithin: 300 })
after(() => house[Symbol.asyncDispose]())

test('a client that answers pings stays, one that does not is dropped', async () => {
  const alice = await house.person()
  const alive = await house.listen(alice, BILLS)
  const dead = await house.listen(alice, BILLS)
  // ws answers pings by itself; a client that is gone does not.
  Object.assign(dead.socket, { _autoPong: false })
  assert.equal((await dead.closed).code, 1006)
  assert.equal(alive.socket.readyState, alive.socket.OPEN)
  await once(alive.socket, 'ping')
  alive.socket.close()
})

test('who shows no token is closed after a while, though it answers pings', async () => {
  const alice = await house.person()
  const client = await house.connect(alice)
  assert.equal((await client.closed).code, 1008)
})

test('a client that does not read is dropped, and others hear on', async () => {
  const alice = await house.person()
  const store = house.documents(alice)
  const slow = await house.listen(alice, BILLS)
  const good = await house.listen(alice, BILLS)
  for (const client of [slow, good]) {
    client.subscribe(BILLS)
    await client.settled()
  }
  slow.socket.pause()
  const big = 'x'.repeat(1_000_000)
  const before = house.realtime.connections()
  let sent = 0
  while (house.realtime.connections() === before && sent < 60) {
    await store.create(BILLS, { big })
    sent++
    await good.next()
  }
  assert.ok(sent < 60, 'it was never dropped')
  slow.socket.resume()
  assert.equal((await slow.closed).code, 1006)
  assert.equal(good.socket.readyState, good.socket.OPEN)
  good.socket.close()
})

test('a client removed, a session ended, a run over: their connections end', async () => {
  const alice = await house.person()
  const { oauth, instances, permissions } = house.rooms
  const mint = (request: Omit<MintRequest, 'instance'>) => oauth.mint({ instance: alice, ...request })
  const listenWith = async (token: string, headers: Record<string, string> = {}) => {
    const client = await house.connect(alice, { headers })
    client.send({ method: 'AUTH', payload: token })
    client.subscribe(BILLS)
    assert.deepEqual(await client.settled(), [])
    return client
  }
  const bills = { bills: { type: BILLS } }
  await permissions.create(alice, { type: 'app', slug: 'home' }, bills)
  await permissions.create(alice, { type: 'konnector', slug: 'acme' }, bills)
  const metadata = { redirect_uris: ['http://localhost/cb'], client_name: 'Tool', software_id: 'tool' }
  const clientOf = async () => (await oauth.clients.create(alice, metadata, { pending: false })).client
  const [one, two] = [await clientOf(), await clientOf()]
  const access = (subject: string) => mint({ audience: 'access', subject, scope: BILLS })

  const bystander = await listenWith(await access(two.id))
  const removed = await listenWith(await access(one.id))
  await oauth.clients.remove(alice, one.id)
  assert.equal((await removed.next()).payload.code, 'unauthorized')
  assert.equal((await removed.closed).code, 1008)

  const { session, setCookie } = await instances.sessions.open(alice)
  const ofApp = await mint({ audience: 'app', subject: 'home', sessionId: session.id })
  const app = await listenWith(ofApp, { cookie: setCookie.split(';')[0]! })
  await instances.sessions.close(alice, session.id)
  assert.equal((await app.closed).code, 1008)
  // Without the cookie such a token opens nothing.
  const without = await house.connect(alice)
  without.send({ method: 'AUTH', payload: ofApp })
  assert.equal((await without.next()).payload.code, 'unauthorized')

  const run = await permissions.runs.begin(alice, { slug: 'acme' })
  const konnector = await listenWith(await mint({ audience: 'konn', subject: 'acme', run }))
  await permissions.runs.end(alice, run)
  assert.equal((await konnector.closed).code, 1008)

  const service = await listenWith(await mint({ audience: 'app', subject: 'home' }))
  await instances.renewSessionSecret(alice)
  assert.equal((await service.closed).code, 1008)

  const uninstalled = await listenWith(await mint({ audience: 'konn', subject: 'acme' }))
  await permissions.remove(alice, { type: 'konnector', slug: 'acme' })
  assert.equal((await uninstalled.closed).code, 1008)

  assert.equal(bystander.socket.readyState, bystander.socket.OPEN)
  await house.documents(alice).create(BILLS, { n: 1 })
  assert.equal((await bystander.next()).event, 'CREATED')
  bystander.socket.close()
})

test('permissions that shrink end what they no longer cover', async () => {
  const alice = await house.person()
  const { oauth, permissions } = house.rooms
  await permissions.create(
    alice,
    { type: 'app', slug: 'home' },
    { bills: { type: BILLS }, contacts: { type: 'io.cozy.contacts' } },
  )
  const client = await house.connect(alice)
  client.send({ method: 'AUTH', payload: await oauth.mint({ instance: alice, audience: 'app', subject: 'home' }) })
  client.subscribe(BILLS)
  client.subscribe('io.cozy.contacts')
  await client.settled()
  await permissions.replace(alice, { type: 'app', slug: 'home' }, { contacts: { type: 'io.cozy.contacts' } })
  const { payload } = await client.next()
  assert.deepEqual([payload.code, payload.source.payload.type], ['forbidden', BILLS])
  await house.documents(alice).create(BILLS, { n: 1 })
  await house.documents(alice).create('io.cozy.contacts', { n: 1 })
  assert.equal((await client.next()).payload.type, 'io.cozy.contacts')
  client.socket.close()
})

test('an instance that is destroyed says goodbye', async () => {
  const alice = await house.person()
  const client = await house.listen(alice, BILLS)
  await client.settled()
  await house.rooms.instances.destroy(alice)
  assert.equal((await client.closed).code, 1001)
})

test('at the stop every client is told to go, and none comes any more', async () => {
  await using other = await openRealtimeHouse({ goodbye: 200 })
  const alice = await other.person()
  const polite = await other.listen(alice, BILLS)
  const deaf = await other.listen(alice, BILLS)
  await polite.settled()
  await deaf.settled()
  deaf.socket.pause()
  await other.realtime[Symbol.asyncDispose]()
  assert.equal((await polite.closed).code, 1001)
  assert.equal(other.realtime.connections(), 0)
  deaf.socket.terminate()
})

test('a token that dies while it is looked at opens nothing', async () => {
  const alice = await house.person()
  const { oauth } = house.rooms
  const metadata = { redirect_uris: ['http://localhost/cb'], client_name: 'Tool', software_id: 'tool' }
  const { client } = await oauth.clients.create(alice, metadata, { pending: false })
  const token = await oauth.mint({ instance: alice, audience: 'access', subject: client.id, scope: BILLS })
  let removed = false
  const hub = createHub({ ...house.ground })
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  await once(server, 'listening')
  try {
    server.once('connection', socket =>
      createConnection(socket, alice, {
        hub,
        documents: house.ground.documents,
        log: house.ground.log,
        async authenticate(of, given) {
          const actor = await oauth.authenticate(of, given)
          // Between the look and what comes of it.
          if (!removed) {
            await oauth.clients.remove(alice, client.id)
            removed = true
          }
          return actor
        },
        may: async () => true,
      }),
    )
    const { port } = server.address() as AddressInfo
    const socket = new WebSocket(`ws://127.0.0.1:${port}`)
    await once(socket, 'open')
    const closed = once(socket, 'close')
    socket.send(JSON.stringify({ method: 'AUTH', payload: token }))
    const [code] = await closed
    assert.equal(code, 1008)
  } finally {
    hub.end()
    server.close()
  }
})
