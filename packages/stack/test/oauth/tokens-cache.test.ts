import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { silentLog } from '../../src/ground/database/testing.ts'
import { createNews } from '../../src/ground/news/index.ts'
import { INSTANCE_NEWS } from '../../src/rooms/instances/index.ts'
import { createTokenCache } from '../../src/rooms/oauth/token-cache.ts'
import { startRooms, testClock } from '../permissions/help.ts'

const FILES = { files: { type: 'io.cozy.files', verbs: ['GET'] } }
const CLIENTS = 'io.cozy.oauth.clients'
const INVALID = { status: 400, message: 'Invalid JWT token' }

describe('a token that was seen before', async () => {
  const rooms = await startRooms()
  after(() => rooms[Symbol.asyncDispose]())
  const { instance, instances, permissions, authenticate, clock, ground } = rooms
  const documents = ground.documents.of(instance)
  const queriesFor = (token: string, cookie?: string) => rooms.queriesOf(() => authenticate(instance, token, cookie))

  it('costs no query, of whatever kind it is', async () => {
    await rooms.konnector('acme', FILES)
    const run = await permissions.runs.begin(instance, { slug: 'acme', accountId: 'a' })
    await rooms.app('home', FILES)
    const { session, setCookie } = await instances.sessions.open(instance)
    const cookie = setCookie.split(';', 1)[0]
    const drive = await rooms.app('drive', { files: { type: 'io.cozy.files' } })
    const share = (
      await rooms.request('/permissions?codes=link', drive, {
        method: 'POST',
        body: { data: { attributes: { permissions: FILES } } },
      })
    ).json.data.attributes
    const tokens: [string, (string | undefined)?][] = [
      [await rooms.app('notes', FILES)],
      [await rooms.mint({ audience: 'app', subject: 'home', sessionId: session.id }), cookie],
      [await rooms.konnector('dev', FILES)],
      [await rooms.mint({ audience: 'konn', subject: 'acme', run, account: 'a' })],
      [await rooms.client('c1', 'io.cozy.files')],
      [await rooms.cli('io.cozy.files')],
      [share.codes.link],
      [share.shortcodes.link],
    ]
    let first = 0
    for (const [token, given] of tokens) first += await queriesFor(token, given)
    assert.ok(first >= tokens.length - 1, `${first}: the first time it must ask`)
    for (const [token, given] of tokens) assert.equal(await queriesFor(token, given), 0)
  })

  it('is looked at again, once, when what it rests on changed', async () => {
    const token = await rooms.client('c2', 'io.cozy.files')
    await authenticate(instance, token)
    const { rev, body } = (await documents.get(CLIENTS, 'c2'))!
    await documents.update(CLIENTS, 'c2', rev, { ...body, client_name: 'renamed' })
    assert.equal((await authenticate(instance, token)).client?.name, 'renamed')
    assert.equal(await queriesFor(token), 0)
  })

  it('and not when something else changed', async () => {
    const token = await rooms.konnector('calm', FILES)
    await authenticate(instance, token)
    await rooms.konnector('busy', FILES)
    await rooms.client('c3', 'io.cozy.files')
    await documents.create('io.cozy.bills', { amount: 1 })
    assert.equal(await queriesFor(token), 0)
  })

  it('is void at once when its rules, its app or its client go', async () => {
    const konnector = await rooms.konnector('gone', FILES)
    await authenticate(instance, konnector)
    await permissions.remove(instance, { type: 'konnector', slug: 'gone' })
    await assert.rejects(authenticate(instance, konnector), INVALID)
    // Refusals are not remembered: installed again, it is good again.
    await permissions.create(instance, { type: 'konnector', slug: 'gone' }, FILES)
    assert.equal((await authenticate(instance, konnector)).subject, 'gone')
  })

  it('tells the new version after an update', async () => {
    const token = await rooms.app('versioned', FILES)
    assert.equal((await authenticate(instance, token)).version, undefined)
    await documents.create('io.cozy.apps', { version: '1.0.0' }, 'io.cozy.apps/versioned')
    assert.equal((await authenticate(instance, token)).version, '1.0.0')
  })

  it('is void at once when the passphrase changes the key', async () => {
    const app = await rooms.app('secret', FILES)
    const cli = await rooms.cli('io.cozy.files')
    await authenticate(instance, app)
    await instances.renewSessionSecret(instance)
    await assert.rejects(authenticate(instance, app), INVALID)
    assert.equal((await authenticate(instance, cli)).kind, 'cli', 'another key signed this one')
  })

  it('expires while it is remembered', async () => {
    const token = await rooms.cli('io.cozy.files')
    for (let minute = 0; minute < 30; minute++) {
      await authenticate(instance, token)
      clock.forward(60_000)
    }
    await assert.rejects(authenticate(instance, token), { message: 'Expired token' })
  })
})

describe('the memory', () => {
  const tenant = { id: 't1', domain: 'a', url: 'http://a/', locale: 'en' }
  const other = { ...tenant, id: 't2' }
  const found =
    (value: string, ...ids: string[]) =>
    async () => ({
      value,
      foundations: ids.map(id => ({ doctype: 'd', id })),
    })
  const setUp = () => {
    const clock = testClock()
    const news = createNews({ log: silentLog })
    const change = (id: string, at = tenant, doctype = 'd') =>
      news.publish([{ tenant: at, verb: 'UPDATED', doctype, id, doc: {} }])
    return { clock, change, cache: createTokenCache<string>({ clock, news }) }
  }

  it('forgets what rests on what changed, and nothing else', async () => {
    const { cache, change } = setUp()
    await cache.remember(tenant, 'a', found('A', '1', '2'))
    await cache.remember(tenant, 'b', found('B', '2'))
    await cache.remember(other, 'a', found('C', '1'))
    change('3')
    change('1', tenant, 'another doctype')
    assert.deepEqual([cache.get(tenant, 'a'), cache.get(tenant, 'b'), cache.get(other, 'a')], ['A', 'B', 'C'])
    change('1')
    assert.deepEqual([cache.get(tenant, 'a'), cache.get(tenant, 'b'), cache.get(other, 'a')], [undefined, 'B', 'C'])
    change('x', tenant, INSTANCE_NEWS)
    assert.deepEqual([cache.get(tenant, 'b'), cache.get(other, 'a')], [undefined, 'C'])
  })

  it('does not remember what changed while it was looked at', async () => {
    const { cache, change } = setUp()
    for (const [id, at, doctype, remembered] of [
      ['1', tenant, 'd', false],
      ['2', tenant, 'd', true],
      ['1', other, 'd', true],
      ['1', tenant, 'e', true],
      ['x', tenant, INSTANCE_NEWS, false],
    ] as const) {
      const value = await cache.remember(tenant, `t${id}${at.id}${doctype}`, async () => {
        const read = await found('old', '1')()
        change(id, at, doctype)
        return read
      })
      assert.equal(value, 'old')
      assert.equal(cache.get(tenant, `t${id}${at.id}${doctype}`), remembered ? 'old' : undefined, doctype + id)
    }
  })

  it('remembers no refusal', async () => {
    const { cache } = setUp()
    await assert.rejects(
      cache.remember(tenant, 'a', () => Promise.reject(new Error('no'))),
      /no/,
    )
    assert.equal(cache.get(tenant, 'a'), undefined)
    assert.equal(await cache.remember(tenant, 'a', found('A')), 'A')
    assert.equal(cache.get(tenant, 'a'), 'A')
  })

  it('believes nothing for more than five minutes: news may get lost on their way', async () => {
    const { cache, clock } = setUp()
    await cache.remember(tenant, 'a', found('A'))
    clock.forward(299_999)
    assert.equal(cache.get(tenant, 'a'), 'A')
    clock.forward(1)
    assert.equal(cache.get(tenant, 'a'), undefined)
  })

  it('is bounded', async () => {
    const { cache, change } = setUp()
    for (let number = 0; number < 5_001; number++)
      await cache.remember(tenant, String(number), found('x', 'all', String(number)))
    assert.equal(cache.get(tenant, '0'), undefined)
    assert.equal(cache.get(tenant, '1'), 'x')
    change('all')
    assert.equal(cache.get(tenant, '1'), undefined)
    assert.equal(cache.get(tenant, '5000'), undefined)
  })

  it('hears nothing any more when it is disposed of', async () => {
    const { cache, change } = setUp()
    await cache.remember(tenant, 'a', found('A', '1'))
    cache[Symbol.dispose]()
    change('1')
    assert.equal(cache.get(tenant, 'a'), 'A')
  })
})
