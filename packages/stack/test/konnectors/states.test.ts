import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { request as httpRequest } from 'node:http'
import { join } from 'node:path'
import { test } from 'node:test'
import type { NewsEvent } from '../../src/ground/news/index.ts'
import { startTestHouse, type TestHouse } from '../help/house.ts'
import { createTestClock } from './clock.ts'
import { settled } from './settled.ts'
import { buildOf, filesTar, startWeb, tgzOf, type WebServer } from './sources.ts'

const PRIVATE = { KONNECTORY_INSTALL_PRIVATE: '1' }

interface Event {
  event: string
  // biome-ignore lint/suspicious/noExplicitAny: a test says what it expects by asserting it
  data: any
}

function eventsOf(text: string): Event[] {
  const blocks = text.split('\r\n\r\n').filter(block => block !== '')
  return blocks.map(block => {
    const [, event = '', data = ''] = /^(?:: still working\r\n)*event: (\w+)\r\ndata: (.*)$/s.exec(block) ?? []
    return { event, data: JSON.parse(data) }
  })
}

const sse = (house: TestHouse, path: string, method = 'POST') =>
  house.request(path, { method, headers: { accept: 'text/event-stream' } })

const pathOf = (web: WebServer, name: string) => `/konnectors/acme?Source=${encodeURIComponent(web.url + name)}`

test('the states of an installation and of an update, as a stream of events', async () => {
  await using web = await startWeb()
  await using house = await startTestHouse({ environment: PRIVATE })
  const news: string[] = []
  house.ground.news.subscribe(({ doctype, verb, doc }: NewsEvent) => {
    if (doctype === 'io.cozy.konnectors') news.push(`${verb} ${doc.state}`)
  })
  web.pages.set('/1', { body: tgzOf(filesTar(buildOf())) })
  web.pages.set('/2', { body: tgzOf(filesTar(buildOf({ version: '1.1.0' }))) })
  web.pages.set('/3', { body: tgzOf(filesTar(buildOf({ version: '1.2.0', on_delete_account: 'gone.js' }))) })

  const installed = await sse(house, pathOf(web, '1'))
  assert.equal(installed.status, 200)
  assert.equal(installed.headers['content-type'], 'text/event-stream')
  const [first, last, ...more] = eventsOf(installed.text)
  assert.deepEqual([first?.event, last?.event, more], ['state', 'state', []])
  assert.equal(first!.data.data.attributes.state, 'installing')
  assert.deepEqual([first!.data.data.meta, first!.data.included], [{}, []])
  assert.equal(last!.data.data.attributes.state, 'ready')
  assert.match(last!.data.data.meta.rev, /^1-/)
  assert.deepEqual(news.splice(0), ['UPDATED installing', 'CREATED ready'])

  const states = eventsOf((await sse(house, pathOf(web, '2'), 'PUT')).text).map(
    ({ data }) => data.data.attributes.state,
  )
  assert.deepEqual(states, ['upgrading', 'ready'])
  assert.deepEqual(news.splice(0), ['UPDATED upgrading', 'UPDATED ready'])

  const failed = eventsOf((await sse(house, pathOf(web, '3'), 'PUT')).text)
  assert.deepEqual(
    failed.map(({ event }) => event),
    ['state', 'error'],
  )
  assert.match(failed[1]!.data, /no gone\.js/)
  assert.deepEqual(news.splice(0), ['UPDATED upgrading', 'UPDATED errored'])
  const kept = (await house.request('/konnectors/acme')).json.data.attributes
  assert.deepEqual([kept.state, kept.version, kept.error], ['ready', '1.1.0', undefined], 'the old one stays')

  const unreachable = eventsOf((await sse(house, pathOf(web, 'none'), 'PUT')).text)
  assert.equal(unreachable.length, 1)
  assert.match(unreachable[0]!.data, /^Application manifest is not reachable/)
  assert.equal((await sse(house, pathOf(web, '1'))).status, 409, 'what is known at once is an answer')
})

test('a stream that has nothing to say shows that it lives; the installation outlives the client', async () => {
  await using web = await startWeb()
  await using house = await startTestHouse({ environment: PRIVATE })
  const asked = Promise.withResolvers<void>()
  const go = Promise.withResolvers<void>()
  web.pages.set('/slow', (_request, response) => {
    asked.resolve()
    void go.promise.then(() => response.end(tgzOf(filesTar(buildOf()))))
    return undefined
  })
  const { eventStream } = await import('../../src/rooms/konnectors/event-stream.ts')
  const progress = await house.rooms.konnectors.install(house.instance, { slug: 'acme', source: `${web.url}slow` })
  await asked.promise
  const body = eventStream(progress, 20).body as AsyncIterable<Buffer>
  let text = ''
  for await (const part of body) {
    text += part
    if (text.includes(': still working\r\n: still working\r\n')) go.resolve()
  }
  assert.match(text, /^(: still working\r\n){2,}event: state/)
  await house.rooms.konnectors.uninstall(house.instance, 'acme')

  const again = Promise.withResolvers<void>()
  web.pages.set('/slow', (_request, response) => {
    again.resolve()
    void left.promise.then(() => response.end(tgzOf(filesTar(buildOf()))))
    return undefined
  })
  const left = Promise.withResolvers<void>()
  const request = httpRequest(house.url + pathOf(web, 'slow').slice(1), {
    method: 'POST',
    headers: { accept: 'text/event-stream', authorization: `Bearer ${await house.token()}` },
  })
  request.once('error', () => left.resolve())
  request.end()
  await again.promise
  request.destroy()
  await left.promise
  await settled(house, 'ready')
})

test('of many at the same moment one installs; the others are told', async () => {
  await using web = await startWeb()
  await using house = await startTestHouse({ environment: PRIVATE })
  web.pages.set('/1', { body: tgzOf(filesTar(buildOf())) })
  const answers = await Promise.all(
    Array.from({ length: 8 }, () => house.request(pathOf(web, '1'), { method: 'POST' })),
  )
  assert.deepEqual(answers.map(({ status }) => status).sort(), [202, ...Array(7).fill(409)])
  await settled(house, 'ready')
  const updates = await Promise.all(Array.from({ length: 4 }, () => house.request(pathOf(web, '1'), { method: 'PUT' })))
  assert.ok(updates.every(({ status }) => status === 202 || status === 409))
  // Other konnectors and other instances do not wait for each other, and share the code.
  const bob = await house.another('bob.example.test')
  const { konnectors } = house.rooms
  const source = `${web.url}1`
  const many = [
    ['a', house.instance],
    ['b', house.instance],
    ['a', bob],
    ['b', bob],
  ] as const
  await Promise.all(many.map(async ([slug, instance]) => (await konnectors.install(instance, { slug, source })).done))
  const bundles = await Promise.all(many.map(([slug, instance]) => konnectors.codeOf(instance, slug)))
  assert.equal(new Set(bundles.map(code => code?.bundle)).size, 1)
})

test('the server stops, or is killed, in the middle: nothing half is left, and the next attempt works', async () => {
  await using web = await startWeb()
  const clock = createTestClock()
  await using house = await startTestHouse({ clock, environment: PRIVATE })
  const { konnectors } = house.rooms
  const asked = Promise.withResolvers<void>()
  web.pages.set('/never', () => void asked.resolve())
  const progress = await konnectors.install(house.instance, { slug: 'acme', source: `${web.url}never` })
  await asked.promise
  await konnectors[Symbol.asyncDispose]()
  await assert.rejects(progress.begun, /given up/)

  // What a process that was killed leaves: its claim, and a folder half full.
  const { createStore } = await import('../../src/rooms/konnectors/store.ts')
  const { createBundles } = await import('../../src/rooms/konnectors/bundles/bundles.ts')
  const { createKonnectors } = await import('../../src/rooms/konnectors/index.ts')
  const next = createKonnectors(house.ground, house.rooms)
  const store = createStore(house.ground.database.query)
  const { id } = house.instance
  const now = clock.now()
  assert.ok(await store.begin(id, 'acme', '00000000-0000-4000-8000-000000000001', now, now))
  const folder = join(house.ground.config.dataDirectory, 'konnectors')
  await (await createBundles(folder).stage()).write('index.js', 4, [
    Buffer.from('half'),
  ] as unknown as AsyncIterable<Buffer>)

  web.pages.set('/1', { body: tgzOf(filesTar(buildOf())) })
  const request = { slug: 'acme', source: `${web.url}1` }
  await assert.rejects(next.install(house.instance, request), { status: 409 })
  clock.advance(31_000)
  await (await next.install(house.instance, request)).done
  assert.ok(await next.codeOf(house.instance, 'acme'))

  // The one that was taken for dead comes back: it can no longer write.
  assert.equal(
    await house.ground.database.transaction(query =>
      store.endWithin(query, id, 'acme', '00000000-0000-4000-8000-000000000001'),
    ),
    false,
  )
  assert.equal(await next.housekeeping(), 0, 'too young to be taken for left behind')
  clock.advance(3_700_000)
  assert.equal(await next.housekeeping(), 1)
  assert.deepEqual(await readdir(join(folder, '.incoming')), [])
  assert.ok(await next.codeOf(house.instance, 'acme'))
  await next[Symbol.asyncDispose]()
})

test('code that no instance names any more goes, an hour later; code that one names stays', async () => {
  await using web = await startWeb()
  const clock = createTestClock()
  await using house = await startTestHouse({ clock, environment: PRIVATE })
  const { konnectors } = house.rooms
  for (const name of ['1', '2'])
    web.pages.set(`/${name}`, { body: tgzOf(filesTar(buildOf({ version: `1.${name}.0` }))) })
  const install = async (slug: string, name: string) =>
    (await konnectors.install(house.instance, { slug, source: web.url + name })).done
  await install('acme', '1')
  await install('twin', '1')
  await install('other', '2')
  const folder = join(house.ground.config.dataDirectory, 'konnectors')
  clock.advance(3_700_000)
  assert.equal(await konnectors.housekeeping(), 0)
  await konnectors.uninstall(house.instance, 'acme')
  await konnectors.uninstall(house.instance, 'other')
  assert.equal(await konnectors.housekeeping(), 0, 'a run may still be at it')
  clock.advance(3_700_000)
  assert.equal(await konnectors.housekeeping(), 1)
  const twin = await konnectors.codeOf(house.instance, 'twin')
  assert.deepEqual(await readdir(folder), ['.incoming', twin!.bundle].sort())
  await install('other', '2')
  assert.ok(await konnectors.codeOf(house.instance, 'other'))
})
