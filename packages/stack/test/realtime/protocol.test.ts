import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, test } from 'node:test'
import WebSocket from 'ws'
import { openRealtimeHouse } from './house.ts'

const house = await openRealtimeHouse()
after(() => house[Symbol.asyncDispose]())
const BILLS = 'io.cozy.bills'
const alice = await house.person()
const bob = await house.person()

const refusal = async (path: string, host: string) => {
  const socket = new WebSocket(`${house.origin.replace('http', 'ws')}${path}`, { headers: { host } })
  const [, response] = await once(socket, 'unexpected-response')
  return response.statusCode
}

test('only /realtime/ of an instance is a websocket', async () => {
  const host = new URL(alice.url).host
  assert.equal(await refusal('/data/io.cozy.bills', host), 404)
  assert.equal(await refusal('/realtime/x', host), 404)
  assert.equal(await refusal('/realtime/', 'nobody.example.test'), 404)
})

test('a blocked instance opens none', async () => {
  const carol = await house.person()
  await house.rooms.instances.update(carol, { blocked: 'PAYMENT_FAILED' })
  assert.equal(await refusal('/realtime/', new URL(carol.url).host), 402)
})

test('the subprotocol is answered where it is asked for', async () => {
  const one = await house.connect(alice)
  assert.equal(one.socket.protocol, 'io.cozy.websocket')
  const other = await house.connect(alice, { protocol: '' })
  assert.equal(other.socket.protocol, '')
  for (const { socket } of [one, other]) socket.close()
})

test('the first message must be AUTH', async () => {
  for (const message of [
    { method: 'SUBSCRIBE', payload: { type: BILLS } },
    { method: 'AUTH', payload: { token: 'x' } },
    { method: 'AUTH' },
    { method: 'HELLO', payload: 'x' },
    'not json',
    '[]',
    '"AUTH"',
    '{}',
  ]) {
    const client = await house.connect(alice)
    client.send(message)
    const { event, payload } = await client.next()
    assert.equal(event, 'error')
    assert.deepEqual(
      [payload.status, payload.code],
      ['405 Method Not Allowed', 'method not allowed'],
      JSON.stringify(message),
    )
    assert.equal((await client.closed).code, 1008)
  }
})

test('a token that is none, or somebody else’s, is refused and not said back', async () => {
  const ofBob = await house.token(BILLS, bob)
  for (const payload of ['', 'x', ofBob, 'a.b.c']) {
    const client = await house.connect(alice)
    client.send({ method: 'AUTH', payload })
    const answer = await client.next()
    assert.deepEqual(answer, {
      event: 'error',
      payload: {
        status: '401 Unauthorized',
        code: 'unauthorized',
        title: 'The authentication has failed',
        source: { method: 'AUTH', payload: '' },
      },
    })
    assert.equal((await client.closed).code, 1008)
  }
})

test('without a rule on the doctype there is nothing to hear', async () => {
  const client = await house.listen(
    alice,
    'io.cozy.files:GET io.cozy.jobs:POST io.cozy.contacts:GET:one io.cozy.triggers:GET:acme:worker',
  )
  const refused = async (type: string, id = '') => {
    client.subscribe(type, id)
    const { event, payload } = await client.next()
    assert.equal(event, 'error')
    assert.deepEqual(payload, {
      status: '403 Forbidden',
      code: 'forbidden',
      title: `The application can't subscribe to ${type}`,
      source: { method: 'SUBSCRIBE', payload: { type, id } },
    })
  }
  await refused(BILLS)
  await refused(BILLS, 'one')
  // A rule without GET, one on another document, one with a selector.
  await refused('io.cozy.jobs')
  await refused('io.cozy.contacts')
  await refused('io.cozy.contacts', 'two')
  await refused('io.cozy.triggers')
  await refused('io.cozy.triggers', 'one')
  await refused('io.cozy.jobs.events')
  await refused('io.cozy.settings', 'io.cozy.settings.passphrase')
  await refused('io.cozy.oauth.clients')
  const store = house.documents(alice)
  await store.create(BILLS, { amount: 1 })
  await store.create('io.cozy.contacts', { name: 'two' }, 'two')
  assert.deepEqual(await client.settled(), [])
  client.socket.close()
})

test('what the server tells itself is nobody’s, whatever the scope', async () => {
  const client = await house.listen(alice, 'konnectory.instances')
  client.subscribe('konnectory.instances')
  assert.equal((await client.next()).payload.code, 'forbidden')
  client.socket.close()
})

test('doctypes with rights of their own', async () => {
  const client = await house.listen(alice, 'io.cozy.files io.cozy.settings:GET:io.cozy.settings.instance')
  client.subscribe('io.cozy.files.thumbnails')
  client.subscribe('io.cozy.notes.events', 'note')
  client.subscribe('io.cozy.settings', 'io.cozy.settings.passphrase')
  client.subscribe('io.cozy.settings', 'io.cozy.settings.instance')
  client.subscribe('io.cozy.sharings.initial_sync')
  client.subscribe('io.cozy.auth.confirmations', 'x')
  assert.deepEqual(await client.settled(), [])
  client.subscribe('io.cozy.settings')
  assert.equal((await client.next()).payload.code, 'forbidden')
  client.socket.close()
})

test('a file is heard by who may read a folder above it', async () => {
  const { service } = house.rooms.files
  assert.ok(service)
  const store = house.documents(alice)
  const now = new Date().toISOString()
  const folder = (name: string, dir_id: string, path: string, more: object = {}) => ({
    type: 'directory',
    name,
    dir_id,
    path,
    created_at: now,
    updated_at: now,
    ...more,
  })
  const reference = { type: 'io.cozy.konnectors', id: 'io.cozy.konnectors/acme' }
  await store.create(
    'io.cozy.files',
    folder('a', 'io.cozy.files.root-dir', '/a', { referenced_by: [reference] }),
    'dir-a',
  )
  await store.create('io.cozy.files', folder('b', 'dir-a', '/a/b'), 'dir-b')
  await store.create('io.cozy.files', folder('c', 'io.cozy.files.root-dir', '/c'), 'dir-c')
  const byId = await house.listen(alice, 'io.cozy.files:GET:dir-a')
  const byReference = await house.listen(alice, 'io.cozy.files:GET:io.cozy.konnectors/acme:referenced_by')
  for (const client of [byId, byReference]) {
    client.subscribe('io.cozy.files', 'dir-b')
    assert.deepEqual(await client.settled(), [])
    for (const id of ['dir-c', 'unknown', '_design/x', '']) {
      client.subscribe('io.cozy.files', id)
      assert.equal((await client.next()).payload.code, 'forbidden', id)
    }
    client.socket.close()
  }
})

test('creation, update and deletion come in order, with the document as it is stored', async () => {
  const client = await house.listen(alice, 'io.cozy.bills:GET')
  client.subscribe(BILLS)
  await client.settled()
  const store = house.documents(alice)
  const first = await store.create(BILLS, { amount: 1, label: 'é' })
  const second = await store.update(BILLS, first.id, first.rev, { amount: 2 })
  const gone = await store.remove(BILLS, first.id, second.rev)
  const events = await client.take(3)
  assert.deepEqual(
    events.map(({ event, payload: { seq, ...payload } }) => ({ event, payload })),
    [
      {
        event: 'CREATED',
        payload: { type: BILLS, id: first.id, doc: { amount: 1, label: 'é', _id: first.id, _rev: first.rev } },
      },
      { event: 'UPDATED', payload: { type: BILLS, id: first.id, doc: { amount: 2, _id: first.id, _rev: second.rev } } },
      { event: 'DELETED', payload: { type: BILLS, id: first.id, doc: { amount: 2, _id: first.id, _rev: gone.rev } } },
    ],
  )
  for (const { payload } of events) assert.match(payload.seq, /^\d+-[0-9a-z]+$/)
  client.socket.close()
})

test('nobody hears of another instance', async () => {
  const client = await house.listen(alice, BILLS)
  client.subscribe(BILLS)
  await client.settled()
  await house.documents(bob).create(BILLS, { amount: 666 })
  const mine = await house.documents(alice).create(BILLS, { amount: 3 })
  assert.equal((await client.next()).payload.id, mine.id)
  assert.deepEqual(await client.settled(), [])
  client.socket.close()
})

test('a document that two subscriptions name comes once, and unsubscribing ends both', async () => {
  const client = await house.listen(alice, BILLS)
  const store = house.documents(alice)
  const one = await store.create(BILLS, { n: 1 })
  client.send({ method: 'subscribe', payload: { type: BILLS } })
  client.subscribe(BILLS, one.id)
  await client.settled()
  const two = await store.update(BILLS, one.id, one.rev, { n: 2 })
  assert.equal((await client.next()).payload.doc._rev, two.rev)
  assert.deepEqual(await client.settled(), [])
  client.unsubscribe(BILLS)
  await client.settled()
  const three = await store.update(BILLS, one.id, two.rev, { n: 3 })
  assert.deepEqual(await client.settled(), [])
  client.subscribe(BILLS, one.id)
  await client.settled()
  await store.create(BILLS, { other: true })
  await store.update(BILLS, one.id, three.rev, { n: 4 })
  assert.equal((await client.next()).payload.doc.n, 4)
  client.unsubscribe(BILLS, one.id)
  await client.settled()
  client.socket.close()
})

test('a message without a type or of an unknown method is answered, and the connection stays', async () => {
  const client = await house.listen(alice, BILLS)
  for (const method of ['SUBSCRIBE', 'UNSUBSCRIBE']) {
    client.send({ method, payload: { id: 'x' } })
    const { payload } = await client.next()
    assert.deepEqual(
      [payload.status, payload.code, payload.source],
      ['404 Page Not Found', 'page not found', { method, payload: { type: '', id: 'x' } }],
    )
  }
  client.send({ method: 'DANCE', payload: {} })
  assert.equal((await client.next()).payload.code, 'method not allowed')
  assert.deepEqual(await client.settled(), [])
  client.socket.close()
})

test('what cannot be read, and what is too long, closes the connection', async () => {
  for (const [message, code] of [
    ['{broken', 1003],
    ['{"method":"SUBSCRIBE","payload":{"type":1}}', 1003],
    ['{"method":"SUBSCRIBE","payload":"x"}', 1003],
    [Buffer.from('{"method":"SUBSCRIBE"}'), 1003],
    [JSON.stringify({ method: 'SUBSCRIBE', payload: { type: BILLS, id: 'x'.repeat(8192) } }), 1009],
  ] as [string | Buffer, number][]) {
    const client = await house.listen(alice, BILLS)
    await client.settled()
    client.socket.send(message)
    assert.equal((await client.closed).code, code)
  }
})

test('a token of 6 KiB fits', async () => {
  const client = await house.listen(
    alice,
    `${BILLS} ${Array.from({ length: 180 }, (_, n) => `com.example.doctype${n}`).join(' ')}`,
  )
  client.subscribe(BILLS)
  assert.deepEqual(await client.settled(), [])
  client.socket.close()
})

test('another AUTH is taken, and ends what the new token does not allow', async () => {
  const client = await house.listen(alice, `${BILLS} io.cozy.contacts`)
  client.subscribe(BILLS)
  client.subscribe('io.cozy.contacts')
  client.send({ method: 'AUTH', payload: await house.token('io.cozy.contacts', alice) })
  const { payload } = await client.next()
  assert.deepEqual([payload.code, payload.source.payload.type], ['forbidden', BILLS])
  assert.deepEqual(await client.settled(), [])
  await house.documents(alice).create(BILLS, { n: 1 })
  await house.documents(alice).create('io.cozy.contacts', { n: 1 })
  assert.equal((await client.next()).payload.type, 'io.cozy.contacts')
  client.send({ method: 'AUTH', payload: 'wrong' })
  assert.equal((await client.next()).payload.code, 'unauthorized')
  assert.equal((await client.closed).code, 1008)
})

test('what is only for the server does not go out', async () => {
  const client = await house.listen(alice, 'io.cozy.files io.cozy.permissions io.cozy.oauth.clients')
  for (const type of ['io.cozy.files', 'io.cozy.permissions', 'io.cozy.oauth.clients']) client.subscribe(type)
  await client.settled()
  await house.documents(alice).create('io.cozy.files', {
    type: 'file',
    name: 'x',
    dir_id: 'io.cozy.files.root-dir',
    size: '3',
    internal_blob: 'secret-key',
    created_at: 'x',
    updated_at: 'x',
  })
  const file = (await client.next()).payload.doc
  assert.deepEqual([file.name, file.size, file.internal_blob], ['x', '3', undefined])
  await house.documents(alice).create('io.cozy.permissions', {
    type: 'share',
    permissions: {},
    codes: { a: 'eyJ' },
    shortcodes: { a: 'x' },
    password: 'hash',
  })
  const permission = (await client.next()).payload.doc
  assert.deepEqual(
    [permission.type, permission.codes, permission.shortcodes, permission.password],
    ['share', undefined, undefined, undefined],
  )
  client.socket.close()
})

test('POST /realtime/:doctype/:id tells listeners, and is stored nowhere', async () => {
  const client = await house.listen(alice, 'io.cozy.accounts')
  client.subscribe('io.cozy.accounts', 'oauth-popup')
  await client.settled()
  const post = async (
    scope: string | undefined,
    path = '/realtime/io.cozy.accounts/oauth-popup',
    body: object | string = { data: { account: 'x' } },
    type = 'application/json',
  ) =>
    (
      await house.request(alice, path, {
        method: 'POST',
        body: typeof body === 'string' ? body : JSON.stringify(body),
        headers: {
          'content-type': type,
          accept: 'application/json',
          ...(scope && { authorization: `Bearer ${await house.token(scope, alice)}` }),
        },
      })
    ).status
  assert.equal(await post(undefined), 401)
  assert.equal(await post('io.cozy.accounts:GET'), 403)
  assert.equal(await post('io.cozy.accounts:POST:other'), 403)
  // A rule with a selector cannot be satisfied by what the caller writes itself.
  assert.equal(await post('io.cozy.accounts:POST:x:kind', undefined, { kind: 'x' }), 403)
  assert.equal(await post('io.cozy.accounts', undefined, { a: 1 }, 'text/plain'), 415)
  for (const body of ['', '[]', '"x"', '{broken'])
    assert.equal(await post('io.cozy.accounts', undefined, body), 400, body)
  for (const doctype of ['io.cozy.sessions', 'io.cozy.permissions', 'instances', 'UPPER', 'konnectory.instances']) {
    assert.equal(await post('io.cozy.accounts', `/realtime/${doctype}/x`), 400, doctype)
  }
  assert.deepEqual(await client.settled(), [])
  assert.equal(await post('io.cozy.accounts:POST'), 204)
  assert.deepEqual(await client.next(), {
    event: 'NOTIFIED',
    payload: { type: 'io.cozy.accounts', id: 'oauth-popup', doc: { data: { account: 'x' }, _id: 'oauth-popup' } },
  })
  assert.equal(await house.documents(alice).get('io.cozy.accounts', 'oauth-popup'), undefined)
  client.socket.close()
})

test('events of no document have no id and no cursor', async () => {
  const client = await house.listen(alice, 'io.cozy.jobs.events:GET')
  client.subscribe('io.cozy.jobs.events')
  await client.settled()
  house.ground.news.publish([
    { tenant: alice, verb: 'CREATED', doctype: 'io.cozy.jobs.events', doc: { type: 'info', message: 'hello' } },
  ])
  assert.deepEqual(await client.next(), {
    event: 'CREATED',
    payload: { type: 'io.cozy.jobs.events', id: '', doc: { type: 'info', message: 'hello' } },
  })
  client.socket.close()
})
