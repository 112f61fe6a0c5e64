import assert from 'node:assert/strict'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { needsAgreement } from '../../src/rooms/konnectors/agreement.ts'
import { startTestHouse, type TestHouse } from '../help/house.ts'
import { createTestClock } from './clock.ts'
import { settled } from './settled.ts'
import {
  buildOf,
  createRepository,
  filesTar,
  manifestOf,
  sha256,
  startWeb,
  temporary,
  tgzOf,
  type WebServer,
} from './sources.ts'

const MORE = { ...(manifestOf().permissions as object), contacts: { type: 'io.cozy.contacts' } }

/** Publishes a version on a registry of ours. */
function publish(web: WebServer, version: string, changes: Record<string, unknown> = {}, channel = 'stable'): void {
  const archive = tgzOf(filesTar(buildOf({ version, ...changes }), 'acme-1/'))
  web.pages.set(`/a/${version}.tgz`, { body: archive })
  const document = {
    slug: 'acme',
    type: 'konnector',
    editor: 'Acme Inc',
    version,
    manifest: manifestOf({ version, ...changes }),
    url: `${web.url}a/${version}.tgz`,
    sha256: sha256(archive),
    tar_prefix: 'acme-1',
  }
  const headers = { 'cache-control': 'no-cache' }
  web.pages.set(`/registry/acme/${version}`, { body: document, headers })
  web.pages.set(`/registry/acme/${channel}/latest`, { body: document, headers })
}

const indexOf = async ({ rooms, instance }: TestHouse) => {
  const code = await rooms.konnectors.codeOf(instance, 'acme')
  return readFile(join(code!.directory, 'index.js'), 'utf8')
}
const typesOf = async ({ rooms, instance }: TestHouse) =>
  (await rooms.permissions.ofSource(instance, 'io.cozy.konnectors/acme'))?.rules.map(({ type }) => type)

test('which changes need the owner’s agreement', () => {
  const base = {
    permissions: {
      a: { type: 'io.cozy.files' },
      b: { type: 'io.cozy.bills', verbs: ['GET', 'POST'], values: ['x', 'y'] },
    },
  }
  const cases: [string, object, object, boolean][] = [
    ['nothing', base, base, false],
    [
      'titles, descriptions, orders',
      base,
      {
        permissions: {
          q: { type: 'io.cozy.bills', verbs: ['POST', 'GET'], values: ['y', 'x'], description: 'z' },
          a: { type: 'io.cozy.files', verbs: ['ALL'] },
        },
      },
      false,
    ],
    [
      'all five verbs for all',
      base,
      {
        permissions: {
          ...base.permissions,
          a: { type: 'io.cozy.files', verbs: ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] },
        },
      },
      false,
    ],
    ['one more', base, { permissions: { ...base.permissions, c: { type: 'io.cozy.contacts' } } }, true],
    ['one less', base, { permissions: { a: base.permissions.a } }, true],
    ['other verbs', base, { permissions: { ...base.permissions, b: { ...base.permissions.b, verbs: ['GET'] } } }, true],
    [
      'no values any more',
      base,
      { permissions: { ...base.permissions, b: { type: 'io.cozy.bills', verbs: ['GET', 'POST'] } } },
      true,
    ],
    [
      'a selector',
      base,
      { permissions: { ...base.permissions, b: { ...base.permissions.b, selector: 'vendor' } } },
      true,
    ],
    [
      'certified functions',
      base,
      {
        permissions: {
          ...base.permissions,
          c: { type: 'io.cozy.certified.carbon_copy' },
          d: { type: 'io.cozy.certified.electronic_safe' },
        },
      },
      false,
    ],
    [
      'those for another rule',
      base,
      { permissions: { a: base.permissions.a, c: { type: 'io.cozy.certified.carbon_copy' } } },
      true,
    ],
    ['first terms', base, { ...base, terms: { id: 't', url: 'u', version: '1' } }, true],
    ['the same terms', { ...base, terms: { version: '1' } }, { ...base, terms: { version: '1', url: 'new' } }, false],
    ['other terms', { ...base, terms: { version: '1' } }, { ...base, terms: { version: '2' } }, true],
    ['no terms any more', { ...base, terms: { version: '1' } }, base, false],
  ]
  for (const [what, before, after, expected] of cases)
    assert.equal(needsAgreement(before as Record<string, unknown>, after as Record<string, unknown>), expected, what)
})

test('an update that asks for more waits; the version that is there goes on with what it had', async () => {
  await using web = await startWeb()
  await using house = await startTestHouse({ environment: { KONNECTORY_REGISTRIES: web.url } })
  publish(web, '1.0.0')
  assert.equal((await house.request('/konnectors/acme', { method: 'POST' })).status, 202)
  const installed = await settled(house, 'ready')
  assert.equal(installed.source, 'registry://acme/stable')
  assert.match(String(installed.checksum), /^[0-9a-f]{64}$/)
  // A rule that a UI added outlives every update.
  const saveFolder = { saveFolder: { type: 'io.cozy.files', verbs: ['GET'], values: ['f1'] } }
  const body = { data: { attributes: { permissions: saveFolder } } }
  assert.equal((await house.request('/permissions/konnectors/acme', { method: 'PATCH', body })).status, 200)

  publish(web, '1.1.0', { permissions: MORE })
  const blocked = (await house.request('/konnectors/acme', { method: 'PUT' })).json.data
  assert.deepEqual(
    [blocked.attributes.state, blocked.attributes.version, blocked.attributes.available_version],
    ['ready', '1.0.0', '1.1.0'],
  )
  assert.match(await indexOf(house), /from 1\.0\.0/)
  // Upstream's words could be read as giving the new permissions before anybody agreed.
  assert.deepEqual(await typesOf(house), ['io.cozy.files', 'io.cozy.accounts', 'io.cozy.files'])
  assert.deepEqual(Object.keys(blocked.attributes.permissions), ['files', 'accounts'])

  const acked = (await house.request('/konnectors/acme?PermissionsAcked=true', { method: 'PUT' })).json.data
  assert.equal(acked.attributes.state, 'upgrading')
  const done = await settled(house, 'ready', '1.1.0')
  assert.equal(done.available_version, undefined)
  assert.equal(done.created_at, installed.created_at)
  assert.match(await indexOf(house), /from 1\.1\.0/)
  assert.deepEqual(await typesOf(house), ['io.cozy.files', 'io.cozy.accounts', 'io.cozy.contacts', 'io.cozy.files'])
})

test('a context may agree for its instances', async () => {
  for (const context of [{ permissions_skip_verification: true }, { platform_apps: ['acme'] }]) {
    await using web = await startWeb()
    await using folder = await temporary()
    const file = join(folder.path, 'contexts.json')
    await writeFile(file, JSON.stringify({ contexts: { default: { ...context, registries: [web.url] } } }))
    await using house = await startTestHouse({ environment: { KONNECTORY_CONTEXTS: file } })
    publish(web, '1.0.0')
    await house.request('/konnectors/acme', { method: 'POST' })
    await settled(house, 'ready')
    publish(web, '1.1.0', { permissions: MORE })
    await house.request('/konnectors/acme', { method: 'PUT' })
    await settled(house, 'ready', '1.1.0')
  }
})

test('the silent update: before it is shown and before it runs, within its rules', async () => {
  await using web = await startWeb()
  await using house = await startTestHouse({ environment: { KONNECTORY_REGISTRIES: web.url } })
  const { konnectors } = house.rooms
  const shown = async () => (await house.request('/konnectors/acme')).json.data.attributes
  publish(web, '1.0.0')
  await house.request('/konnectors/acme?Deactivated=true', { method: 'POST' })
  await settled(house, 'installed')

  publish(web, '1.0.1')
  assert.equal((await shown()).version, '1.0.1')
  publish(web, '1.0.2')
  const code = await konnectors.codeForRun(house.instance, 'acme')
  assert.deepEqual([code?.version, code?.state], ['1.0.2', 'ready'], 'promoted by its first run')
  publish(web, '1.0.1')
  assert.equal((await shown()).version, '1.0.2', 'never down')

  publish(web, '2.0.0', { permissions: MORE })
  assert.equal((await shown()).available_version, '2.0.0')
  assert.equal((await shown()).version, '1.0.2')
  publish(web, '1.0.2')
  assert.equal((await shown()).available_version, undefined, 'withdrawn')

  // A registry that is down, or says nonsense, holds nobody up.
  web.pages.set('/registry/acme/stable/latest', { status: 500, body: 'no' })
  assert.equal((await shown()).version, '1.0.2')
  publish(web, '3.0.0')
  const before = web.requests.length
  assert.equal((await shown()).version, '1.0.2', 'not asked again at once')
  assert.equal(web.requests.length, before)
})

test('an instance that wants no silent updates has none', async () => {
  await using web = await startWeb()
  await using house = await startTestHouse({ environment: { KONNECTORY_REGISTRIES: web.url } })
  publish(web, '1.0.0')
  await house.request('/konnectors/acme', { method: 'POST' })
  await settled(house, 'ready')
  await house.rooms.instances.update(house.instance, { autoUpdate: false })
  publish(web, '1.0.1')
  assert.equal((await house.request('/konnectors/acme')).json.data.attributes.version, '1.0.0')
})

test('a repository is looked at every few minutes, not at each run', async () => {
  await using folder = await temporary()
  const clock = createTestClock()
  await using house = await startTestHouse({ clock, environment: { KONNECTORY_INSTALL_LOCAL: '1' } })
  const repository = await createRepository(folder.path)
  await repository.commit(buildOf())
  const source = encodeURIComponent(`git+file://${repository.path}#build`)
  await house.request(`/konnectors/acme?Source=${source}`, { method: 'POST' })
  const { version } = await settled(house, 'ready')
  const shown = async () => (await house.request('/konnectors/acme')).json.data.attributes.version
  assert.equal(await shown(), version)
  const commit = await repository.commit(buildOf({ version: '1.0.1' }))
  assert.equal(await shown(), version)
  clock.advance(301_000)
  assert.equal(await shown(), `1.0.1-${commit}`)
})

test('the operator updates all instances at once', async () => {
  await using web = await startWeb()
  await using house = await startTestHouse({ environment: { KONNECTORY_REGISTRIES: web.url } })
  const bob = await house.another('bob.example.test')
  publish(web, '1.0.0')
  for (const instance of [house.instance, bob])
    await (await house.rooms.konnectors.install(instance, { slug: 'acme', source: 'registry://acme/stable' })).done
  publish(web, '1.0.1')
  const authorization = `Basic ${Buffer.from(`:${house.house.adminSecret}`).toString('base64')}`
  const update = async (query = '') =>
    (
      await fetch(`${house.house.adminUrl}konnectors/updates${query}`, { method: 'POST', headers: { authorization } })
    ).json()
  assert.deepEqual(await update('?Slugs=other'), { updated: 0, unchanged: 0, waiting: 0, failed: 0 })
  assert.deepEqual(await update('?Domain=bob.example.test'), { updated: 1, unchanged: 0, waiting: 0, failed: 0 })
  assert.deepEqual(await update(), { updated: 1, unchanged: 1, waiting: 0, failed: 0 })
})

test('code that is not on this server (a moved instance) is fetched again, the same version', async () => {
  await using web = await startWeb()
  await using house = await startTestHouse({ environment: { KONNECTORY_REGISTRIES: web.url } })
  const { konnectors, instances } = house.rooms
  publish(web, '1.0.0')
  await (await konnectors.install(house.instance, { slug: 'acme', source: 'registry://acme/stable' })).done
  const installed = await konnectors.codeOf(house.instance, 'acme')
  await rm(installed!.directory, { recursive: true })
  assert.equal(await konnectors.codeOf(house.instance, 'acme'), undefined)
  await instances.update(house.instance, { autoUpdate: false })
  publish(web, '1.1.0')
  assert.deepEqual(await konnectors.codeForRun(house.instance, 'acme'), installed)
})
