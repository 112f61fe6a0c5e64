import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { startTestHouse, type TestHouse } from '../help/house.ts'
import { createTestClock } from '../konnectors/clock.ts'
import { buildOf, manifestOf, sha256, startWeb, temporary, type WebServer, writeFiles } from '../konnectors/sources.ts'

/** Requests with the token of an OAuth client. */
async function asClient(house: TestHouse, scope = 'io.cozy.files') {
  const registered = await house.request('/auth/register', {
    method: 'POST',
    scope: null,
    body: { client_name: 'c', redirect_uris: ['http://localhost:1/'], software_id: 'test' },
  })
  assert.equal(registered.status, 201, registered.text)
  const subject = registered.json.client_id
  const token = await house.rooms.oauth.mint({ instance: house.instance, audience: 'access', subject, scope })
  return (path: string) => house.request(path, { headers: { authorization: `Bearer ${token}` } })
}

const application = (slug: string, more: object = {}) => ({
  slug,
  type: 'konnector',
  editor: 'E',
  versions: {},
  ...more,
})

function serve(web: WebServer, slugs: string[]): void {
  web.pages.set('/registry/slugs', { body: slugs })
  web.pages.set('/registry/maintenance', { body: [] })
  for (const slug of slugs) web.pages.set(`/registry/${slug}/`, { body: application(slug, { from: web.url }) })
  web.pages.set('/registry', request => {
    const { searchParams } = new URL(request.url!, web.url)
    const from = Number(searchParams.get('cursor') ?? 0)
    const to = from + Number(searchParams.get('limit'))
    const data = slugs
      .slice(from, to)
      .map(slug => application(slug, { from: web.url, asked: searchParams.get('filter[type]') }))
    return { body: { data, meta: { count: data.length, ...(to < slugs.length && { next_cursor: String(to) }) } } }
  })
}

test('the registries of an instance, as one: the first that has something wins', async () => {
  await using one = await startWeb()
  await using two = await startWeb()
  await using house = await startTestHouse({ environment: { KONNECTORY_REGISTRIES: `${one.url}, ${two.url}` } })
  const get = await asClient(house)
  serve(one, ['a', 'b'])
  serve(two, ['b', 'c', 'd'])
  const slugsOf = (json: { data: { slug: string }[] }) => json.data.map(({ slug }) => slug)
  const whole = (await get('/registry?filter[type]=konnector&limit=500&versionsChannel=stable')).json
  assert.deepEqual(slugsOf(whole), ['a', 'b', 'c', 'd'])
  assert.equal(whole.data[1].from, one.url)
  assert.equal(whole.data[0].asked, 'konnector')
  assert.deepEqual(whole.meta, { count: 4 })
  const pages: string[][] = []
  for (let cursor: string | undefined = ''; cursor !== undefined; ) {
    const page: { data: { slug: string }[]; meta: { next_cursor?: string } } = (
      await get(`/registry/?limit=1${cursor && `&cursor=${encodeURIComponent(cursor)}`}`)
    ).json
    pages.push(slugsOf(page))
    cursor = page.meta.next_cursor
  }
  assert.deepEqual(pages.flat(), ['a', 'b', 'c', 'd'])
  assert.deepEqual((await get('/registry/slugs')).json, ['a', 'b', 'c', 'd'])
  assert.equal((await get('/registry/b')).json.from, one.url)
  assert.equal((await get('/registry/c/')).json.from, two.url)
  const none = await get('/registry/none')
  assert.deepEqual([none.status, typeof none.json.error], [404, 'string'])
  assert.equal((await get('/registry?limit=x')).status, 400)
  const before = one.requests.length
  for (const path of ['%2e%2e', 'a/%2e%2e', '%2e%2e/%2e%2e/latest', 'a/..%2f..%2fadmin', 'a/1.0.0/tarball%2f..'])
    assert.equal((await get(`/registry/${path}`)).status, 404, path)
  assert.equal(one.requests.length, before, 'no registry was asked for what is no name')

  // One that is down is passed over; what it alone could have is not said to be missing.
  two.pages.set('/registry/e/', { body: application('e') })
  one.pages.set('/registry/e/', { status: 500 })
  one.pages.set('/registry/f/', { status: 500 })
  assert.equal((await get('/registry/e')).status, 200)
  assert.equal((await get('/registry/f')).status, 502)
})

test('apps and OAuth clients may look, others not', async () => {
  await using web = await startWeb()
  await using house = await startTestHouse({ environment: { KONNECTORY_REGISTRIES: web.url } })
  serve(web, ['a'])
  assert.equal((await house.request('/registry/a')).status, 403, 'a CLI token')
  assert.equal((await house.request('/registry/a', { scope: null })).status, 401)
  assert.equal((await (await asClient(house))('/registry/a')).status, 200)
})

test('answers are kept as long as a registry says, then asked for by their tag; a dead registry is not asked by everybody', async () => {
  await using web = await startWeb()
  const clock = createTestClock()
  await using house = await startTestHouse({ clock, environment: { KONNECTORY_REGISTRIES: web.url } })
  const get = await asClient(house)
  const asked = () => web.requests.filter(({ path }) => path === '/registry/a/').length
  let name = 'first'
  web.pages.set('/registry/a/', request => {
    const headers = { etag: '"1"', 'cache-control': 'max-age=60' }
    return request.headers['if-none-match'] === '"1"' && name === 'first'
      ? { status: 304, headers }
      : { headers, body: application('a', { name }) }
  })
  await Promise.all([get('/registry/a'), get('/registry/a'), get('/registry/a')])
  assert.equal(asked(), 1)
  clock.advance(61_000)
  assert.equal((await get('/registry/a')).json.name, 'first')
  assert.equal(asked(), 2)
  assert.equal(web.requests.at(-1)!.headers['if-none-match'], '"1"')
  name = 'second'
  clock.advance(61_000)
  assert.equal((await get('/registry/a')).json.name, 'second')
  web.pages.set('/registry/a/', { status: 503 })
  clock.advance(61_000)
  assert.equal((await get('/registry/a')).json.name, 'second', 'the best there is')
  const before = asked()
  await get('/registry/a')
  assert.equal(asked(), before)
})

test('a registry that does not answer in time, or too much, is none', async () => {
  await using web = await startWeb()
  const { createHttpRegistry } = await import('../../src/rooms/registry/http-registry.ts')
  const registry = createHttpRegistry(web.url, { clock: { now: () => new Date() }, allowPrivate: false, timeout: 200 })
  web.pages.set('/registry/a/', () => undefined)
  await assert.rejects(registry.application('a'), /in time/)
  web.pages.set('/registry/b/', { body: 'x'.repeat(17 * 1024 * 1024) })
  await assert.rejects(registry.application('b'), /more than|in time/)
  web.pages.set('/registry/c/', { body: '[]' })
  await assert.rejects(registry.application('c'), /not answer as a registry/)
  web.pages.set('/registry/d/', { body: 'nonsense' })
  await assert.rejects(registry.application('d'), /no JSON/)
  // Its archives may lie beside it, not elsewhere in the private network.
  web.pages.set('/a.tgz', { body: 'bytes' })
  assert.equal((await registry.archive('a', '1.0.0', `${web.url}a.tgz`)).toString(), 'bytes')
  await assert.rejects(registry.archive('a', '1.0.0', 'http://127.0.0.1:9/a.tgz'), /private network/)
  // Slugs are no paths.
  await registry.application('../../admin')
  assert.ok(web.requests.some(({ path }) => path === '/registry/..%2F..%2Fadmin/'))
})

test('a folder of built konnectors is a registry, and what it offers can be installed', async () => {
  await using folder = await temporary()
  await writeFiles(
    join(folder.path, 'one', 'build'),
    buildOf({ screenshots: ['shots/a.png'] }, { 'shots/a.png': 'png' }),
  )
  await writeFiles(join(folder.path, 'one'), { 'manifest.konnector': JSON.stringify(manifestOf({ version: '0.0.1' })) })
  await writeFiles(join(folder.path, 'two'), buildOf({ slug: 'two', version: '2.3.4', editor: 'Other' }))
  await writeFiles(join(folder.path, 'source'), {
    'manifest.konnector': JSON.stringify(manifestOf({ slug: 'source' })),
    'src/index.js': '1',
  })
  await writeFiles(join(folder.path, 'broken'), { 'manifest.konnector': '{', 'index.js': '1' })
  await writeFiles(join(folder.path, 'invalid'), buildOf({ slug: 'invalid', version: 'x' }))
  await using house = await startTestHouse({ environment: { KONNECTORY_KONNECTORS_DIR: folder.path } })
  const get = await asClient(house, 'io.cozy.apps:GET')
  const list = (await get('/registry?filter[type]=konnector')).json
  assert.deepEqual(
    list.data.map(({ slug }: { slug: string }) => slug),
    ['acme', 'two'],
  )
  assert.deepEqual(list.data[0].versions, { has_versions: true, stable: ['1.0.0'], beta: ['1.0.0'], dev: ['1.0.0'] })
  assert.deepEqual(list.data[0].latest_version.manifest.slug, 'acme')
  assert.deepEqual((await get('/registry?filter[editor]=Other')).json.meta, { count: 1 })
  assert.deepEqual((await get('/registry?filter[type]=webapp')).json.data, [])
  const version = await get('/registry/acme/1.0.0')
  assert.match(String(version.headers['cache-control']), /immutable/)
  const latest = (await get('/registry/acme/beta/latest')).json
  assert.deepEqual(latest, version.json)
  const tarball = await get(new URL(latest.url).pathname)
  assert.equal(sha256(tarball.bytes), latest.sha256)
  assert.equal(String(tarball.bytes.length), latest.size)
  assert.equal((await get('/registry/acme/9.9.9')).status, 404)
  assert.equal((await get('/registry/source')).status, 404)
  for (const path of ['icon', '1.0.0/icon', 'stable/latest/icon', 'screenshots/a.png', 'screenshots/shots/a.png']) {
    const picture = await get(`/registry/acme/${path}`)
    assert.equal(picture.status, 200, path)
    assert.match(String(picture.headers['content-security-policy']), /sandbox/)
  }
  for (const path of ['screenshots/index.js', 'screenshots/..%2F..%2Findex.js', 'partnership_icon', '9.9.9/icon/x'])
    assert.equal((await get(`/registry/acme/${path}`)).status, 404, path)
  assert.equal((await house.request('/registry/acme/icon', { scope: null })).status, 401)
  assert.equal((await house.request('/registry/acme/icon', { scope: 'io.cozy.files' })).status, 403)

  const { konnectors } = house.rooms
  await (await konnectors.install(house.instance, { slug: 'acme', source: 'registry://acme' })).done
  const code = await konnectors.codeOf(house.instance, 'acme')
  assert.deepEqual([code?.version, code?.checksum], ['1.0.0', latest.sha256])
  const download = await house.request('/konnectors/acme/download')
  assert.equal(download.status, 200, 'only we have it')
  await assert.rejects(
    (await konnectors.install(house.instance, { slug: 'none', source: 'registry://none' })).begun,
    /no registry has none/,
  )
  await rm(folder.path, { recursive: true })
  await mkdir(folder.path)
})

test('an archive of a registry that is not the one it says is not installed', async () => {
  await using web = await startWeb()
  await using house = await startTestHouse({ environment: { KONNECTORY_REGISTRIES: web.url } })
  web.pages.set('/a.tgz', { body: 'something else' })
  const version = {
    slug: 'acme',
    version: '1.0.0',
    manifest: manifestOf(),
    url: `${web.url}a.tgz`,
    sha256: createHash('sha256').update('x').digest('hex'),
  }
  web.pages.set('/registry/acme/stable/latest', { body: version })
  const progress = await house.rooms.konnectors.install(house.instance, { slug: 'acme', source: 'registry://acme' })
  assert.equal((await progress.begun).body.version, '1.0.0')
  await assert.rejects(progress.done, /another SHA-256 than the registry says/)
  web.pages.set('/registry/bad/stable/latest', { body: { ...version, sha256: undefined } })
  const bad = await house.rooms.konnectors.install(house.instance, { slug: 'acme', source: 'registry://bad' })
  await assert.rejects(bad.begun, /says too little/)
})

test('maintenance: the operator’s word over that of the registries', async () => {
  await using web = await startWeb()
  await using house = await startTestHouse({ environment: { KONNECTORY_REGISTRIES: web.url } })
  const get = await asClient(house)
  serve(web, ['a', 'b', 'c'])
  const theirs = application('b', {
    maintenance_activated: true,
    maintenance_options: { flag_short_maintenance: true },
  })
  web.pages.set('/registry/b/', { body: theirs })
  web.pages.set('/registry/maintenance', { body: [theirs] })
  const authorization = `Basic ${Buffer.from(`:${house.house.adminSecret}`).toString('base64')}`
  const admin = (path: string, method = 'GET', body?: object) =>
    fetch(`${house.house.adminUrl}konnectors/maintenance${path}`, {
      method,
      headers: { authorization, 'content-type': 'application/json' },
      ...(body && { body: JSON.stringify(body) }),
    })
  const options = {
    flag_infra_maintenance: true,
    flag_disallow_manual_exec: true,
    messages: { fr: { short_message: 's', long_message: 'l' } },
  }
  assert.equal((await admin('/a', 'PUT', { data: { attributes: options } })).status, 204)
  assert.equal((await admin('/a', 'PUT', { flag_infra_maintenance: 'yes' })).status, 400)
  assert.equal((await admin('/Bad_Slug', 'PUT', options)).status, 422)
  assert.equal((await fetch(`${house.house.adminUrl}konnectors/maintenance`)).status, 401)
  const full = { ...options, flag_short_maintenance: false }
  const own = { slug: 'a', type: 'konnector', maintenance_activated: true, maintenance_options: full, level: 'stack' }
  assert.deepEqual(await (await admin('')).json(), [own])
  const all = (await (await admin('?Context=default')).json()) as { slug: string; level: string }[]
  assert.deepEqual(
    all.map(({ slug, level }) => [slug, level]),
    [
      ['a', 'stack'],
      ['b', 'registry'],
    ],
  )

  assert.deepEqual(
    (await get('/registry/maintenance')).json.map(({ slug }: { slug: string }) => slug),
    ['a', 'b'],
  )
  const one = (await get('/registry/a')).json
  assert.deepEqual([one.maintenance_activated, one.maintenance_options], [true, full])
  const listed = (await get('/registry')).json.data
  assert.deepEqual(
    listed.map((app: Record<string, unknown>) => app.maintenance_activated),
    [true, undefined, undefined],
  )
  const { konnectors } = house.rooms
  assert.equal((await konnectors.maintenance(house.instance, 'a'))?.level, 'stack')
  assert.equal((await konnectors.maintenance(house.instance, 'b'))?.options.flag_short_maintenance, true)
  assert.equal(await konnectors.maintenance(house.instance, 'c'), undefined)
  assert.equal(await konnectors.maintenance(house.instance, 'unknown'), undefined)
  assert.equal((await admin('/a', 'DELETE')).status, 204)
  assert.equal(await konnectors.maintenance(house.instance, 'a'), undefined)
  web.pages.set('/registry/d/', { status: 500 })
  assert.equal(await konnectors.maintenance(house.instance, 'd'), undefined, 'unreachable is not in maintenance')
})

test('a folder that cannot be read is said to be, and keeps nobody from the registries', async () => {
  await using web = await startWeb()
  serve(web, ['a'])
  await using folder = await temporary()
  const file = join(folder.path, 'file')
  await writeFile(file, 'x')
  await using house = await startTestHouse({
    environment: { KONNECTORY_KONNECTORS_DIR: file, KONNECTORY_REGISTRIES: web.url },
  })
  const get = await asClient(house)
  assert.equal((await get('/registry/a')).status, 200)
  assert.equal((await get('/registry')).json.data.length, 1)
})
