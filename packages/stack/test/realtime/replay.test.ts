import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { openRealtimeHouse } from './house.ts'

const house = await openRealtimeHouse()
after(() => house[Symbol.asyncDispose]())
const BILLS = 'io.cozy.bills'

test('who comes back with a cursor hears what it missed, in order, and then goes on live', async () => {
  const alice = await house.person()
  const store = house.documents(alice)
  const before = await house.listen(alice, BILLS)
  before.subscribe(BILLS)
  await before.settled()
  const kept = await store.create(BILLS, { n: 0 })
  const { payload } = await before.next()
  before.socket.close()
  await before.closed

  const made = []
  for (let n = 1; n <= 450; n++) made.push(await store.create(BILLS, { n }))
  const changed = await store.update(BILLS, kept.id, kept.rev, { n: 1000 })
  const gone = await store.remove(BILLS, made[10]!.id, made[10]!.rev)

  const client = await house.listen(alice, BILLS)
  client.subscribe(BILLS, undefined, payload.seq)
  const events = await client.take(451)
  assert.deepEqual(await client.settled(), [])
  const expected = [
    ...made.filter((_, at) => at !== 10).map(({ id, rev }) => ['CREATED', id, rev]),
    ['UPDATED', kept.id, changed.rev],
    ['DELETED', gone.id, gone.rev],
  ]
  assert.deepEqual(
    events.map(({ event, payload: { id, doc } }) => [event, id, doc._rev]),
    expected,
  )

  const live = await store.create(BILLS, { n: 'live' })
  const next = await client.next()
  assert.equal(next.payload.id, live.id)
  // From any of them one can go on.
  const third = await house.listen(alice, BILLS)
  third.subscribe(BILLS, undefined, events.at(-1)!.payload.seq)
  assert.equal((await third.next()).payload.id, live.id)
  assert.deepEqual(await third.settled(), [])
  for (const { socket } of [client, third]) socket.close()
})

test('one document can be followed so', async () => {
  const alice = await house.person()
  const store = house.documents(alice)
  const one = await store.create(BILLS, { n: 1 })
  const client = await house.listen(alice, `${BILLS}:GET:${one.id}`)
  client.subscribe(BILLS, one.id)
  await client.settled()
  const two = await store.update(BILLS, one.id, one.rev, { n: 2 })
  const { seq } = (await client.next()).payload
  await store.create(BILLS, { other: true })
  const three = await store.update(BILLS, one.id, two.rev, { n: 3 })
  client.socket.close()
  const again = await house.listen(alice, `${BILLS}:GET:${one.id}`)
  again.subscribe(BILLS, one.id, seq)
  assert.equal((await again.next()).payload.doc._rev, three.rev)
  assert.deepEqual(await again.settled(), [])
  again.socket.close()
})

test('while others write all the time, nothing is missed and nothing comes twice', async () => {
  const alice = await house.person()
  const store = house.documents(alice)
  const first = await store.create(BILLS, { n: -1 })
  const watcher = await house.listen(alice, BILLS)
  watcher.subscribe(BILLS)
  await watcher.settled()
  await store.update(BILLS, first.id, first.rev, { n: -2 })
  const start = (await watcher.next()).payload.seq
  watcher.socket.close()

  const WRITERS = 8
  const EACH = 60
  const ids: string[] = []
  const write = async () => {
    for (let n = 0; n < EACH; n++) ids.push((await store.create(BILLS, { n })).id)
  }
  const writing = Promise.all(Array.from({ length: WRITERS }, write))
  const clients = []
  for (let n = 0; n < 6; n++) {
    const client = await house.listen(alice, BILLS)
    client.subscribe(BILLS, undefined, start)
    clients.push(client)
    // The next one comes when this one is in the middle of it.
    await client.next()
  }
  await writing
  for (const client of clients) {
    await client.settled()
    const heard = client.heard.filter(({ event }) => event === 'CREATED').map(({ payload }) => payload.id)
    assert.equal(heard.length, WRITERS * EACH)
    assert.deepEqual([...heard].sort(), [...ids].sort())
    const positions = client.heard
      .filter(({ event }) => event === 'CREATED')
      .map(({ payload }) => Number(payload.seq.split('-')[0]))
    assert.deepEqual(
      positions,
      [...positions].sort((a, b) => a - b),
    )
    client.socket.close()
  }
})

test('a cursor needs the same permission', async () => {
  const alice = await house.person()
  const store = house.documents(alice)
  await store.create(BILLS, { secret: true })
  const feed = await store.feed(BILLS)
  const client = await house.listen(alice, 'io.cozy.contacts')
  client.subscribe(BILLS, undefined, `0-${feed!.epoch}`)
  assert.equal((await client.next()).payload.code, 'forbidden')
  assert.deepEqual(await client.settled(), [])
  client.socket.close()
})

test('a cursor that is none is refused; one of a database that is no more says so, and live events go on', async () => {
  const alice = await house.person()
  const store = house.documents(alice)
  await store.create(BILLS, { n: 1 })
  const { epoch } = (await store.feed(BILLS))!
  const client = await house.listen(alice, BILLS)
  for (const cursor of ['x', '5', '-1-abc', `1.5-${epoch}`, '9999999999999999999-a']) {
    client.subscribe(BILLS, undefined, cursor)
    assert.equal((await client.next()).payload.code, 'bad cursor', cursor)
  }
  await store.create(BILLS, { n: 2 })
  assert.deepEqual(await client.settled(), [])
  for (const cursor of ['1-otherepoch', `99-${epoch}`]) {
    client.subscribe(BILLS, undefined, cursor)
    const { payload } = await client.next()
    assert.deepEqual([payload.status, payload.code], ['410 Gone', 'cursor gone'])
  }
  const made = await store.create(BILLS, { n: 3 })
  assert.equal((await client.next()).payload.id, made.id)

  // Dropped and made again while somebody listens: positions begin anew, under another epoch.
  await house.ground.documents.dropFeed(alice, BILLS)
  const anew = await store.create(BILLS, { n: 4 })
  const { payload } = await client.next()
  assert.equal(payload.id, anew.id)
  assert.equal(payload.seq, `1-${(await store.feed(BILLS))!.epoch}`)
  assert.notEqual(payload.seq.split('-')[1], epoch)
  client.socket.close()
})
