import assert from 'node:assert/strict'
import { test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { silentLog } from '../../src/ground/database/testing.ts'
import type { Log } from '../../src/ground/log.ts'
import { LIMITS, unpack } from '../../src/rooms/registry/archive/index.ts'
import { startTestHouse, type TestHouse } from '../help/house.ts'
import { send } from '../help/request.ts'
import { buildOf, temporary, writeFiles } from './sources.ts'

const LOCAL = { KONNECTORY_INSTALL_LOCAL: '1' }

async function installed(
  house: TestHouse,
  folder: string,
  slugs: string[],
  changes: Record<string, unknown> = {},
): Promise<void> {
  await writeFiles(folder, buildOf(changes))
  for (const slug of slugs)
    await (await house.rooms.konnectors.install(house.instance, { slug, source: `file://${folder}` })).done
}

test('the list, page by page; nothing to who may not read all', async () => {
  await using folder = await temporary()
  await using house = await startTestHouse({ environment: LOCAL })
  assert.deepEqual((await house.request('/konnectors/')).json, { data: [], meta: { count: 0 }, links: {} })
  await installed(house, folder.path, ['a', 'b', 'c'])
  const first = (await house.request('/konnectors/?limit=2')).json
  assert.deepEqual(
    first.data.map(({ id }: { id: string }) => id),
    ['io.cozy.konnectors/a', 'io.cozy.konnectors/b'],
  )
  assert.equal(first.meta.count, 2)
  assert.ok(first.links.next.startsWith(`${house.url}konnectors/?`))
  const { pathname, search } = new URL(first.links.next)
  const second = (await house.request(pathname + search)).json
  assert.deepEqual(
    second.data.map(({ attributes }: { attributes: { slug: string } }) => attributes.slug),
    ['c'],
  )
  assert.deepEqual(second.links, {})
  assert.equal((await house.request('/konnectors?limit=x')).status, 400)
  assert.equal((await house.request('/konnectors?limit=0')).status, 400)
  assert.equal(
    (await house.request('/konnectors/', { scope: 'io.cozy.konnectors:GET:io.cozy.konnectors/a' })).status,
    403,
  )
  assert.equal((await house.request('/konnectors/', { scope: null })).status, 401)
})

test('one: by id, slug or state; who may not read it does not learn whether it is there', async () => {
  await using folder = await temporary()
  await using house = await startTestHouse({ environment: LOCAL })
  await installed(house, folder.path, ['acme'])
  const cases: [string, string, number][] = [
    ['acme', 'io.cozy.konnectors', 200],
    ['acme', 'io.cozy.konnectors:GET:io.cozy.konnectors/acme', 200],
    ['acme', 'io.cozy.konnectors:GET:acme:slug', 200],
    ['acme', 'io.cozy.konnectors:GET:ready:state', 200],
    ['acme', 'io.cozy.konnectors:GET:installed:state', 403],
    ['acme', 'io.cozy.konnectors:GET:other:slug', 403],
    ['acme', 'io.cozy.konnectors:POST', 403],
    ['acme', 'io.cozy.files', 403],
    ['none', 'io.cozy.konnectors', 404],
    ['none', 'io.cozy.konnectors:GET:none:slug', 404],
    ['none', 'io.cozy.files', 403],
  ]
  for (const [slug, scope, status] of cases)
    assert.equal((await house.request(`/konnectors/${slug}`, { scope })).status, status, `${slug} ${scope}`)
  // Bob has none of it.
  const bob = await house.another('bob.example.test')
  const authorization = `Bearer ${await house.token('io.cozy.konnectors', bob)}`
  const asked = await send(house.url, '/konnectors/acme', { host: new URL(bob.url).host, headers: { authorization } })
  assert.equal(asked.status, 404)
})

test('an icon is a picture that runs nothing; by its version it lasts', async () => {
  await using folder = await temporary()
  await using house = await startTestHouse({ environment: LOCAL })
  await installed(house, folder.path, ['acme'])
  const { version } = (await house.rooms.konnectors.find(house.instance, 'acme'))!
  const icon = await house.request('/konnectors/acme/icon')
  assert.equal(icon.status, 200)
  assert.equal(icon.headers['content-type'], 'image/svg+xml')
  assert.match(String(icon.headers['content-security-policy']), /default-src 'none'.*sandbox/)
  assert.equal(icon.headers['x-content-type-options'], 'nosniff')
  const again = await house.request('/konnectors/acme/icon', {
    headers: { 'if-none-match': String(icon.headers.etag) },
  })
  assert.equal(again.status, 304)
  const lasting = await house.request(`/konnectors/acme/icon/${version}`)
  assert.equal(lasting.headers['cache-control'], 'max-age=31536000, immutable')
  assert.equal((await house.request('/konnectors/acme/icon/0.0.1')).status, 404)
  assert.equal((await house.request('/konnectors/none/icon')).status, 404)
  assert.equal((await house.request('/konnectors/acme/icon', { scope: null })).status, 401)
  assert.equal((await house.request('/konnectors/acme/icon', { scope: 'io.cozy.files' })).status, 401)
  const { setCookie } = await house.rooms.instances.sessions.open(house.instance)
  const cookie = setCookie.split(';')[0]!
  assert.equal((await house.request('/konnectors/acme/icon', { scope: null, headers: { cookie } })).status, 200)
})

test('an icon that leads elsewhere, or is no picture, is not shown as one', async () => {
  await using folder = await temporary()
  await using house = await startTestHouse({ environment: LOCAL })
  await installed(house, folder.path, ['climbs'], { icon: '../../../../etc/passwd' })
  assert.equal((await house.request('/konnectors/climbs/icon')).status, 404)
  await installed(house, folder.path, ['script'], { icon: 'index.js' })
  const script = await house.request('/konnectors/script/icon')
  assert.equal(script.headers['content-type'], 'application/octet-stream')
  assert.equal(script.headers['content-disposition'], 'attachment')
  await installed(house, folder.path, ['assets'], { icon: '/assets/icon.svg' })
  assert.equal((await house.request('/konnectors/assets/icon')).status, 200, 'builds are flat')
})

test('the code can be downloaded', async () => {
  await using folder = await temporary()
  await using house = await startTestHouse({ environment: LOCAL })
  await installed(house, folder.path, ['acme'])
  const { version } = (await house.rooms.konnectors.find(house.instance, 'acme'))!
  for (const path of ['/konnectors/acme/download', `/konnectors/acme/download/${version}`]) {
    const { status, headers, bytes } = await house.request(path)
    assert.deepEqual([status, headers['content-type']], [200, 'application/gzip'])
    assert.ok(gunzipSync(bytes).length > 0)
    const names: string[] = []
    await unpack(bytes, LIMITS, async name => void names.push(name))
    assert.deepEqual(names, ['icon.svg', 'index.js', 'manifest.konnector'])
  }
  const other = await house.request('/konnectors/acme/download/9.9.9')
  assert.deepEqual([other.status, other.json.errors[0].source.parameter], [412, 'version'])
  assert.equal((await house.request('/konnectors/acme/download', { scope: 'io.cozy.files' })).status, 403)
})

test('lines of a konnector that runs on a phone go into the server’s log', async () => {
  await using folder = await temporary()
  const said: [string, Record<string, unknown>][] = []
  const log: Log = {
    ...silentLog,
    warn: (_message, fields = {}) => void said.push(['warn', fields]),
    info: (message, fields = {}) => void (message === 'a konnector says' && said.push(['info', fields])),
    with: () => log,
  }
  await using house = await startTestHouse({ environment: LOCAL, log })
  const LOGS = { permissions: { logs: { type: 'io.cozy.apps.logs' } } }
  await installed(house, folder.path, ['acme'], LOGS)
  const { oauth } = house.rooms
  const token = await oauth.mint({ instance: house.instance, audience: 'konn', subject: 'acme' })
  const post = (body: object | string, authorization = `Bearer ${token}`) =>
    house.request('/konnectors/other/logs?job_id=j1&version=1', { method: 'POST', body, headers: { authorization } })
  const answer = await post([
    { timestamp: '2026-01-01T00:00:00Z', level: 'info', msg: 'one' },
    { timestamp: '2026-01-01T00:00:00Z', level: 'warning', msg: 'x'.repeat(9000) },
  ])
  assert.equal(answer.status, 204, answer.text)
  assert.deepEqual(
    said.map(([level, { slug, job }]) => [level, slug, job]),
    [
      ['info', 'acme', 'j1'],
      ['warn', 'acme', 'j1'],
    ],
  )
  assert.equal(String(said[1]![1].line).length, 4000)
  const unknown = await post([{ level: 'loud', msg: 'x' }])
  assert.deepEqual([unknown.status, unknown.json.errors[0].source.pointer], [422, 'level'])
  assert.equal((await post('{')).status, 400)
  assert.equal((await post('{"a":1}')).status, 400)
  assert.equal((await post([], `Bearer ${await house.token('io.cozy.apps.logs')}`)).status, 403)
})
