import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { startStack } from '../help/stack.ts'
import { published } from './published.ts'

const { default: CozyClient } = published('cozy-client')
const { default: CozyRealtime } = published('cozy-realtime')

const BILLS = 'io.cozy.bills'
const FILES = 'io.cozy.files'

const stack = await startStack()
after(() => stack[Symbol.asyncDispose]())
const client = new CozyClient({ uri: stack.url, token: await stack.token(`${BILLS} ${FILES} io.cozy.accounts`) })

interface Event {
  _id: string
  _type: string
  [member: string]: unknown
}

/** A realtime client. The server does not confirm a subscription; it refuses one to what the token is not for, in order. */
function listening() {
  let refused: (() => void) | undefined
  const quiet = () => {}
  const realtime = new CozyRealtime({
    client,
    logger: { debug: quiet, log: quiet, info: quiet, error: quiet, warn: () => refused?.() },
  })
  return {
    realtime,
    /** Resolves when all subscriptions so far are in place. */
    async inPlace(): Promise<void> {
      const { promise, resolve } = Promise.withResolvers<void>()
      refused = resolve
      realtime.subscribe('created', 'io.cozy.forbidden', quiet)
      await promise
      realtime.unsubscribe('created', 'io.cozy.forbidden', quiet)
    },
    [Symbol.dispose]() {
      realtime.unsubscribeAll()
      realtime.stop()
    },
  }
}

test('created, updated, deleted: of a type, of one document', async () => {
  using listener = listening()
  const { realtime } = listener
  const { data: watched } = await client.create(BILLS, { n: 0 })
  const heard: [string, unknown, unknown][] = []
  const { promise: last, resolve } = Promise.withResolvers<void>()
  realtime.subscribe('created', BILLS, (bill: Event) => heard.push(['created', bill._type, bill.n]))
  realtime.subscribe('updated', BILLS, watched._id, (bill: Event) => heard.push(['updated', bill._id, bill.n]))
  realtime.subscribe('deleted', BILLS, (bill: Event) => {
    heard.push(['deleted', bill._id, bill._type])
    resolve()
  })
  await listener.inPlace()

  const { data: made } = await client.create(BILLS, { n: 1 })
  await client.save({ ...made, n: 2 })
  const { data: saved } = await client.save({ ...watched, n: 3 })
  await client.destroy(saved)
  await last
  assert.deepEqual(heard, [
    ['created', BILLS, 1],
    ['updated', watched._id, 3],
    ['deleted', watched._id, BILLS],
  ])
})

test('files: once they are complete, and when they go to the trash', async () => {
  using listener = listening()
  const { realtime } = listener
  const heard: unknown[] = []
  const { promise: last, resolve } = Promise.withResolvers<void>()
  realtime.subscribe('created', FILES, (file: Event) => heard.push(['created', file.name, file.size, file.trashed]))
  realtime.subscribe('updated', FILES, (file: Event) => {
    heard.push(['updated', file.name, file.trashed])
    resolve()
  })
  await listener.inPlace()
  const files = client.collection(FILES)
  const { data } = await files.createFile('content', { name: 'a.txt', dirId: 'io.cozy.files.root-dir' })
  await files.destroy(data)
  await last
  assert.deepEqual(heard, [
    ['created', 'a.txt', '7', false],
    ['updated', 'a.txt', true],
  ])
})

test('a notification between clients', async () => {
  using listener = listening()
  const heard = new Promise<Event>(resolve =>
    listener.realtime.subscribe('notified', 'io.cozy.accounts', 'oauth-popup', resolve),
  )
  await listener.inPlace()
  await listener.realtime.sendNotification('io.cozy.accounts', 'oauth-popup', { key: 'acc1' })
  const { data, _type } = await heard
  assert.deepEqual([data, _type], [{ key: 'acc1' }, 'io.cozy.accounts'])
})

test('accounts come sealed', async () => {
  using listener = listening()
  const heard = new Promise<Event>(resolve => listener.realtime.subscribe('created', 'io.cozy.accounts', resolve))
  await listener.inPlace()
  await client.create('io.cozy.accounts', { account_type: 'acme', auth: { login: 'alice', password: 'hunter2' } })
  const account = await heard
  assert.equal(account.account_type, 'acme')
  assert.equal(JSON.stringify(account).includes('hunter2'), false)
})

test('after unsubscribing there is silence', async () => {
  using listener = listening()
  const { realtime } = listener
  const heard: unknown[] = []
  const handler = (bill: Event) => heard.push(bill.n)
  realtime.subscribe('created', BILLS, handler)
  await listener.inPlace()
  await client.create(BILLS, { n: 'heard' })
  const other = new Promise<void>(resolve => realtime.subscribe('created', FILES, () => resolve()))
  realtime.unsubscribe('created', BILLS, handler)
  await listener.inPlace()
  await client.create(BILLS, { n: 'not heard' })
  await client.collection(FILES).createFile('x', { name: 'last.txt', dirId: 'io.cozy.files.root-dir' })
  await other
  assert.deepEqual(heard, ['heard'])
})
