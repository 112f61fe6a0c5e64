/** Two houses on one database: what one does the other hears. */
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { asAdmin } from '../../src/ground/database/testing.ts'
import { openTwoHouses } from './news-houses.ts'

const BILLS = 'io.cozy.bills'
const EVENTS = 'io.cozy.jobs.events'

const houses = await openTwoHouses()
const { one, two, database } = houses
after(() => houses[Symbol.asyncDispose]())

const positionOf = (cursor: string) => Number(cursor.split('-')[0])

test('what one writes the listeners of the other hear, in order, as it is stored', { timeout: 20_000 }, async () => {
  const alice = await houses.person()
  const here = await one.listen(alice, BILLS)
  const there = await two.listen(alice, BILLS)
  const documents = one.house.ground.documents.of(alice)
  const { id, rev } = await documents.create(BILLS, { n: 1 })
  const heard = [await there.next()]
  const second = await documents.update(BILLS, id, rev, { n: 2 })
  heard.push(await there.next())
  await documents.remove(BILLS, id, second.rev)
  heard.push(await there.next())
  assert.deepEqual(
    heard.map(({ event, payload }) => [event, payload.id, payload.doc._rev.slice(0, 2), payload.doc.n]),
    [
      ['CREATED', id, '1-', 1],
      ['UPDATED', id, '2-', 2],
      ['DELETED', id, '3-', undefined],
    ],
  )
  const own = await here.take(3)
  assert.deepEqual(
    heard.map(({ payload }) => payload.seq),
    own.map(({ payload }) => payload.seq),
  )
  // Nobody hears anything twice.
  assert.deepEqual(await here.settled(), [])
  assert.deepEqual(await there.settled(), [])
  here.socket.close()
  there.socket.close()
})

test('with writers on both, everybody hears every change once and in its order', { timeout: 60_000 }, async () => {
  const alice = await houses.person()
  const listening = [await one.listen(alice, BILLS), await two.listen(alice, BILLS)]
  const EACH = 40
  const writers = [one, two].flatMap(({ house }) =>
    Array.from({ length: 8 }, async (_, writer) => {
      const { documents } = house.ground
      for (let n = 0; n < EACH; n++) {
        const body = { writer, n }
        if (writer % 4 === 0) await documents.transaction(alice, w => w.create(BILLS, body))
        else if (writer % 4 === 1)
          await documents.of(alice).create(BILLS, body, `${house.url.length}-${house.adminUrl}-${writer}-${n}`)
        else await documents.of(alice).create(BILLS, body)
      }
    }),
  )
  await Promise.all(writers)
  const total = 16 * EACH
  for (const client of listening) {
    const heard = await client.take(total)
    assert.deepEqual(
      heard.map(({ payload }) => positionOf(payload.seq)),
      Array.from({ length: total }, (_, n) => n + 1),
    )
    assert.deepEqual(await client.settled(), [])
    client.socket.close()
  }
})

test('a listener that waits for changes by HTTP is woken', { timeout: 20_000 }, async () => {
  const alice = await houses.person()
  await one.house.ground.documents.of(alice).create(BILLS, { n: 1 })
  const waits = two.request(
    alice,
    `/data/${BILLS}/_changes?feed=longpoll&since=1&timeout=15000`,
    await two.token(alice),
  )
  // It hangs its bell once it has read that there is nothing yet; whether before or after does not matter.
  await one.house.ground.documents.of(alice).create(BILLS, { n: 2 }, 'woken')
  const { json } = await waits
  assert.deepEqual(
    json.results.map(({ id }: { id: string }) => id),
    ['woken'],
  )
})

test('a client that is removed on one is refused by the other within a second', { timeout: 20_000 }, async t => {
  const alice = await houses.person()
  const { oauth } = one.house.rooms
  const metadata = { redirect_uris: ['http://localhost/cb'], client_name: 'Tool', software_id: 'tool' }
  const { client } = await oauth.clients.create(alice, metadata, { pending: false })
  const token = await oauth.mint({ instance: alice, audience: 'access', subject: client.id, scope: BILLS })
  const ask = () => two.request(alice, `/data/${BILLS}/_all_docs`, token)
  await one.house.ground.documents.of(alice).create(BILLS, { n: 1 })
  assert.equal((await ask()).status, 200)
  const socket = await two.listen(alice)
  socket.send({ method: 'AUTH', payload: token })
  await socket.settled()
  const told = two.told(({ id, verb }) => id === client.id && verb === 'DELETED')
  await oauth.clients.remove(alice, client.id)
  const removed = performance.now()
  const { elsewhere } = await told
  assert.equal((await ask()).status, 400)
  const ms = performance.now() - removed
  t.diagnostic(`refused after ${ms.toFixed(1)} ms`)
  assert.ok(ms < 1_000, `${ms}`)
  assert.equal(elsewhere, true)
  assert.equal((await socket.closed).code, 1008)
})

test('a run that ended, a session that was closed, another passphrase: void in the other too', {
  timeout: 20_000,
}, async () => {
  const alice = await houses.person()
  const { oauth, permissions, instances } = one.house.rooms
  await permissions.create(alice, { type: 'konnector', slug: 'acme' }, { bills: { type: BILLS } })
  await permissions.create(alice, { type: 'app', slug: 'home' }, { bills: { type: BILLS } })
  await one.house.ground.documents.of(alice).create(BILLS, { n: 1 })
  const ask = async (token: string, cookie?: string) =>
    (await two.request(alice, `/data/${BILLS}/_all_docs`, token, { headers: { ...(cookie && { cookie }) } })).status

  const run = await permissions.runs.begin(alice, { slug: 'acme' })
  const ofRun = await oauth.mint({ instance: alice, audience: 'konn', subject: 'acme', run })
  assert.equal(await ask(ofRun), 200)
  const ended = two.told(({ id }) => id === run)
  await permissions.runs.end(alice, run)
  await ended
  assert.equal(await ask(ofRun), 400)

  const { session, setCookie } = await instances.sessions.open(alice)
  const cookie = setCookie.split(';')[0]!
  const ofApp = await oauth.mint({ instance: alice, audience: 'app', subject: 'home', sessionId: session.id })
  assert.equal(await ask(ofApp, cookie), 200)
  const closed = two.told(({ id, verb }) => id === session.id && verb === 'DELETED')
  await instances.sessions.close(alice, session.id)
  await closed
  assert.equal(await ask(ofApp, cookie), 400)

  const service = await oauth.mint({ instance: alice, audience: 'app', subject: 'home' })
  assert.equal(await ask(service), 200)
  const renewed = two.told(({ doc }) => doc.change === 'secrets')
  await instances.renewSessionSecret(alice)
  await renewed
  assert.equal(await ask(service), 400)
})

test('an instance that is blocked, moved or destroyed on one is so on the other', { timeout: 20_000 }, async () => {
  const alice = await houses.person()
  const { instances, oauth } = one.house.rooms
  const metadata = { redirect_uris: ['http://localhost/cb'], client_name: 'Tool', software_id: 'tool' }
  const { client: tool } = await oauth.clients.create(alice, metadata, { pending: false })
  const token = await oauth.mint({ instance: alice, audience: 'access', subject: tool.id, scope: BILLS })
  await one.house.ground.documents.of(alice).create(BILLS, { n: 1 })
  const ask = (host = alice.domain) => two.request(alice, `/data/${BILLS}/_all_docs`, token, { host })
  const changed = (what: string) => two.told(({ tenant, doc }) => tenant.id === alice.id && doc.change === what)

  assert.equal((await ask()).status, 200)
  let told = changed('updated')
  await instances.update(alice, { blocked: 'PAYMENT_FAILED' })
  await told
  assert.equal((await ask()).status, 402)

  told = changed('updated')
  const moved = await instances.update(alice, { blocked: null, domain: 'moved.example.test' })
  await told
  assert.equal((await ask('moved.example.test')).status, 200)
  assert.notEqual((await ask(alice.domain)).status, 200)

  const client = await two.listen(moved, BILLS)
  told = changed('destroyed')
  await instances.destroy(moved)
  await told
  assert.equal((await ask('moved.example.test')).status, 404)
  assert.equal((await client.closed).code, 1001)
})

test('what is in no feed comes too, large or small, in its order', { timeout: 20_000 }, async () => {
  const alice = await houses.person()
  const client = await two.listen(alice, EVENTS, BILLS)
  const token = await one.token(alice)
  const large = 'é\0'.repeat(25_000)
  const told = await one.request(alice, `/realtime/${BILLS}/big`, token, { method: 'POST', body: { data: large } })
  assert.equal(told.status, 204)
  const first = await client.next()
  assert.deepEqual([first.event, first.payload.id, first.payload.doc.data], ['NOTIFIED', 'big', large])

  const lines = Array.from({ length: 500 }, (_, n) => ({ n, text: 'x'.repeat(n % 50 === 0 ? 9_000 : 700) }))
  one.house.ground.news.publish(lines.map(doc => ({ tenant: alice, verb: 'CREATED' as const, doctype: EVENTS, doc })))
  const heard = await client.take(lines.length)
  assert.deepEqual(
    heard.map(({ payload }) => payload.doc),
    lines,
  )
  assert.ok(heard.every(({ payload }) => payload.id === '' && payload.seq === undefined))
  assert.deepEqual(await client.settled(), [])
  client.socket.close()
})

test('while it cannot hear it assumes nothing, and catches up', { timeout: 30_000 }, async () => {
  const alice = await houses.person()
  const { oauth, instances, permissions } = one.house.rooms
  const metadata = { redirect_uris: ['http://localhost/cb'], client_name: 'Tool', software_id: 'tool' }
  const clientOf = async () => (await oauth.clients.create(alice, metadata, { pending: false })).client
  const [client, staying] = [await clientOf(), await clientOf()]
  const tokenOf = ({ id }: { id: string }) =>
    oauth.mint({ instance: alice, audience: 'access', subject: id, scope: BILLS })
  const [token, other] = [await tokenOf(client), await tokenOf(staying)]
  const documents = one.house.ground.documents.of(alice)
  await documents.create(BILLS, { n: 0 })
  const ask = async (bearer: string) => (await two.request(alice, `/data/${BILLS}/_all_docs`, bearer)).status
  const cli = await two.token(alice)
  // Its end is in no feed: only who forgets everything learns of it.
  await permissions.create(alice, { type: 'konnector', slug: 'acme' }, { bills: { type: BILLS } })
  const run = await permissions.runs.begin(alice, { slug: 'acme' })
  const ofRun = await oauth.mint({ instance: alice, audience: 'konn', subject: 'acme', run })
  assert.deepEqual([await ask(token), await ask(cli), await ask(ofRun), await ask(other)], [200, 200, 200, 200])
  const live = await two.listen(alice, BILLS)
  const here = await one.listen(alice, BILLS)

  const again = [one.missed(), two.missed()]
  // Connections there are stay; those that listen are cut, and cannot come back for now.
  await asAdmin(async admin => {
    await admin.query(`alter database ${database.name} with allow_connections false`)
    await admin.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1 and application_name = 'konnectory news'",
      [database.name],
    )
  })
  for (let n = 1; n <= 5; n++) await documents.create(BILLS, { n })
  await oauth.clients.remove(alice, client.id)
  await permissions.runs.end(alice, run)
  await instances.update(alice, { blocked: 'PAYMENT_FAILED' })
  // Deaf as it is, it goes on with what it knew.
  assert.deepEqual([await ask(token), await ask(ofRun), await ask(other)], [200, 200, 200])
  await asAdmin(admin => admin.query(`alter database ${database.name} with allow_connections true`))
  await Promise.all(again)
  assert.deepEqual([await ask(token), await ask(ofRun), await ask(other)], [400, 400, 402])
  const told = two.told(({ doc }) => doc.change === 'updated')
  await instances.update(alice, { blocked: null })
  await told
  assert.equal(await ask(other), 200)
  for (const listener of [live, here]) {
    const heard = await listener.take(5)
    assert.deepEqual(
      heard.map(({ payload }) => [payload.doc.n, positionOf(payload.seq)]),
      [1, 2, 3, 4, 5].map(n => [n, n + 1]),
    )
  }
  await documents.create(BILLS, { n: 6 })
  for (const listener of [live, here]) assert.equal((await listener.next()).payload.doc.n, 6)
  assert.deepEqual([await live.settled(), await here.settled()], [[], []])
  live.socket.close()
  here.socket.close()
})
