import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { startTestHouse, type TestHouse } from '../help/house.ts'
import { settled } from './settled.ts'
import { buildOf, filesTar, manifestOf, sha256, startWeb, type TarEntry, tarOf, tgzOf } from './sources.ts'

const PRIVATE = { KONNECTORY_INSTALL_PRIVATE: '1' }

const install = (house: TestHouse, source: string, slug = 'acme', more = '') =>
  house.request(`/konnectors/${slug}?Source=${encodeURIComponent(source)}${more}`, { method: 'POST' })

test('a tarball over http: its manifest anywhere, its checksum, its parameters; the same version is no update', async () => {
  await using web = await startWeb()
  await using house = await startTestHouse({ environment: PRIVATE })
  const archive = tgzOf([
    ...filesTar(buildOf({ parameters: { a: 1 } }), 'org-repo-123/build/'),
    { name: 'org-repo-123/README.md', content: 'x' },
  ])
  web.pages.set('/a.tgz', { body: archive, headers: { 'content-type': 'application/octet-stream' } })

  const wrong = await install(house, `${web.url}a.tgz#${sha256('other')}`)
  assert.equal(wrong.status, 400)
  assert.match(wrong.json.errors[0].detail, /another SHA-256/)

  const parameters = `&Parameters=${encodeURIComponent('{"env":"prod"}')}`
  const answer = await install(house, `${web.url}a.tgz#${sha256(archive)}`, 'acme', parameters)
  assert.equal(answer.status, 202, answer.text)
  assert.deepEqual(answer.json.data.attributes.parameters, { env: 'prod' })
  assert.equal(answer.json.data.attributes.version, '1.0.0')
  await settled(house, 'ready')
  const code = await house.rooms.konnectors.codeOf(house.instance, 'acme')
  assert.deepEqual((await readdir(code!.directory)).sort(), ['icon.svg', 'index.js', 'manifest.konnector'])
  assert.deepEqual(code!.parameters, { env: 'prod' })

  const same = await house.request('/konnectors/acme', { method: 'PUT' })
  assert.deepEqual([same.status, same.json.data.attributes.state], [202, 'ready'])
  const plain = tarOf(filesTar(buildOf({ version: '1.2.0' })))
  web.pages.set('/b.tar', { body: plain })
  const other = await house.request(`/konnectors/acme?Source=${encodeURIComponent(`${web.url}b.tar`)}`, {
    method: 'PUT',
  })
  assert.equal(other.status, 202, other.text)
  const body = await settled(house, 'ready', '1.2.0')
  assert.deepEqual(body.parameters, { env: 'prod' }, 'kept when the new manifest has none')
})

test('what may not be installed, and what the caller is told', async () => {
  await using web = await startWeb()
  await using house = await startTestHouse({ environment: PRIVATE })
  const at = (name: string, entries: TarEntry[]) => {
    web.pages.set(`/${name}`, { body: tgzOf(entries) })
    return web.url + name
  }
  const withManifest = (name: string, changes: Record<string, unknown>) => at(name, filesTar(buildOf(changes)))
  const cases: [string, string, number, RegExp][] = [
    ['nothing there', `${web.url}none`, 404, /manifest is not reachable/],
    ['no manifest', at('no-manifest', [{ name: 'index.js', content: 'x' }]), 404, /no manifest\.konnector/],
    ['no JSON', at('no-json', [{ name: 'manifest.konnector', content: '{' }]), 400, /malformed/],
    ['a list', at('list', [{ name: 'manifest.konnector', content: '[]' }]), 400, /malformed/],
    ['a web application', withManifest('webapp', { type: 'webapp' }), 400, /web application/],
    [
      'an invalid doctype',
      withManifest('doctype', { permissions: { x: { type: 'io.cozy.*' } } }),
      403,
      /not a valid doctype/,
    ],
    ['everything', withManifest('all', { permissions: { x: { type: '*' } } }), 403, /not a valid doctype/],
    [
      'an unknown verb',
      withManifest('verb', { permissions: { x: { type: 'io.cozy.bills', verbs: ['READ'] } } }),
      400,
      /malformed/,
    ],
    ['no version', withManifest('version', { version: undefined }), 400, /no version/],
    [
      'a path that climbs out',
      at('climbs', [...filesTar(buildOf()), { name: '../../x', content: 'x' }]),
      400,
      /leads out/,
    ],
    [
      'a link',
      at('link', [...filesTar(buildOf()), { name: 'l', type: '2', link: '/etc/passwd' }]),
      400,
      /symbolic link/,
    ],
    ['a file twice', at('twice', [...filesTar(buildOf()), { name: './index.js', content: 'other' }]), 400, /twice/],
    [
      'a file that is a folder too',
      at('both', [...filesTar(buildOf()), { name: 'index.js/x', content: 'x' }]),
      400,
      /twice/,
    ],
    [
      'a bomb',
      at('bomb', [...filesTar(buildOf()), { name: 'b', content: Buffer.alloc(12 * 1024 * 1024) }]),
      400,
      /100 times/,
    ],
    ['another scheme', 'ext::sh -c id', 422, /not a URL|scheme/],
    ['this disk', 'file:///etc', 422, /KONNECTORY_INSTALL_LOCAL/],
    ['a repository of this disk', 'git+file:///etc#x', 422, /KONNECTORY_INSTALL_LOCAL/],
  ]
  for (const [what, source, status, message] of cases) {
    const answer = await install(house, source)
    assert.equal(answer.status, status, `${what}: ${answer.text}`)
    assert.match(answer.text, message, what)
  }
  assert.equal((await install(house, 'file:///x', 'Bad_Slug')).json.errors[0].source.parameter, 'slug')
  assert.equal((await install(house, web.url, 'acme', '&Parameters=%7B')).status, 400)
  assert.equal((await install(house, web.url, 'acme', '&Parameters=%5B%5D')).status, 400)
  // Nothing is left of any of them.
  assert.equal((await house.request('/konnectors')).json.meta.count, 0)
  const kept = await readdir(join(house.ground.config.dataDirectory, 'konnectors'))
  assert.deepEqual(kept, ['.incoming'])
  assert.deepEqual(await readdir(join(house.ground.config.dataDirectory, 'konnectors', '.incoming')), [])
})

test('a source that is no build, or lacks the script it names, fails after the manifest and leaves nothing', async () => {
  await using web = await startWeb()
  await using house = await startTestHouse({ environment: PRIVATE })
  const cases: [string, TarEntry[], RegExp][] = [
    ['no-index', [{ name: 'manifest.konnector', content: JSON.stringify(manifestOf()) }], /no index\.js/],
    ['no-script', filesTar(buildOf({ on_delete_account: 'onDelete.js' })), /no onDelete\.js/],
    ['climbs', filesTar(buildOf({ on_delete_account: '../../../../etc/passwd' })), /is it the build/],
  ]
  for (const [name, entries, message] of cases) {
    web.pages.set(`/${name}`, { body: tgzOf(entries) })
    const progress = await house.rooms.konnectors.install(house.instance, { slug: 'acme', source: web.url + name })
    assert.equal((await progress.begun).state, 'installing')
    await assert.rejects(progress.done, message)
    assert.equal(await house.rooms.konnectors.find(house.instance, 'acme'), undefined)
    assert.equal(await house.rooms.permissions.ofSource(house.instance, 'io.cozy.konnectors/acme'), undefined)
  }
})

test('without the operator’s word nothing is fetched from the private network', async () => {
  await using web = await startWeb()
  await using house = await startTestHouse()
  for (const source of [
    `${web.url}a.tgz#${sha256('x')}`,
    'https://127.0.0.1/a.tgz',
    'git+https://localhost/r',
    'git://10.0.0.1/r#build',
  ]) {
    const answer = await install(house, source)
    assert.equal(answer.status, 404, answer.text)
    assert.match(answer.json.errors[0].detail, /private network/)
  }
  assert.match((await install(house, web.url)).json.errors[0].detail, /Without https/)
  assert.equal((await install(house, 'git+http://example.com/r')).status, 422)
  assert.equal(web.requests.length, 0)
})
