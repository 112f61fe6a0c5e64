import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { startTestHouse } from '../help/house.ts'
import { settled } from './settled.ts'
import { buildOf, createRepository, manifestOf, temporary, writeFiles } from './sources.ts'

const LOCAL = { KONNECTORY_INSTALL_LOCAL: '1' }
const source = (path: string, branch = 'build') => encodeURIComponent(`git+file://${path}#${branch}`)

test('a konnector is installed from a git repository, shown, updated to the next commit, and uninstalled', async () => {
  await using folder = await temporary()
  await using house = await startTestHouse({ environment: LOCAL })
  const { konnectors, permissions } = house.rooms
  const repository = await createRepository(folder.path)
  const first = await repository.commit(buildOf())

  const answer = await house.request(`/konnectors/acme?Source=${source(repository.path)}`, { method: 'POST' })
  assert.equal(answer.status, 202, answer.text)
  const { data } = answer.json
  assert.equal(data.type, 'io.cozy.konnectors')
  assert.equal(data.id, 'io.cozy.konnectors/acme')
  assert.equal(data.attributes.state, 'installing')
  assert.equal(data.attributes.version, `1.0.0-${first}`)
  assert.equal(data.attributes.created_at, '0001-01-01T00:00:00Z')
  assert.deepEqual(data.meta, {})
  assert.deepEqual(data.links, {
    self: '/konnectors/acme',
    icon: `/konnectors/acme/icon/1.0.0-${first}`,
    permissions: '/permissions/konnectors/acme',
  })
  await settled(house, 'ready')

  const shown = (await house.request('/konnectors/acme')).json.data
  assert.equal(shown.attributes.state, 'ready')
  assert.equal(shown.attributes.source, `git+file://${repository.path}#build`)
  assert.match(shown.meta.rev, /^1-/)
  assert.ok(!('_id' in shown.attributes) && !('_rev' in shown.attributes))
  assert.deepEqual(Object.keys(shown.attributes.fields), ['zlogin', 'a', 'password'], 'in the author’s order')
  const record = await permissions.ofSource(house.instance, 'io.cozy.konnectors/acme')
  assert.deepEqual(
    record?.rules.map(({ title, type, verbs }) => [title, type, verbs]),
    [
      ['files', 'io.cozy.files', []],
      ['accounts', 'io.cozy.accounts', ['GET']],
    ],
  )

  const code = await konnectors.codeOf(house.instance, 'acme')
  assert.ok(code)
  assert.deepEqual((await readdir(code.directory)).sort(), ['icon.svg', 'index.js', 'manifest.konnector'])
  assert.equal(code.directory, join(house.ground.config.dataDirectory, 'konnectors', code.bundle))
  assert.deepEqual(code.manifest, manifestOf())

  const again = await house.request(`/konnectors/acme?Source=${source(repository.path)}`, { method: 'POST' })
  assert.equal(again.status, 409)
  assert.equal(again.json.errors[0].title, 'Conflict')

  const second = await repository.commit(buildOf({ version: '1.1.0' }))
  const updated = await house.request('/konnectors/acme', { method: 'PUT', body: { headers: 'sent by mistake' } })
  assert.equal(updated.status, 202, updated.text)
  assert.equal(updated.json.data.attributes.state, 'upgrading')
  await settled(house, 'ready', `1.1.0-${second}`)
  const newer = await konnectors.codeOf(house.instance, 'acme')
  assert.match(await readFile(join(newer!.directory, 'index.js'), 'utf8'), /from 1\.1\.0/)
  assert.match(await readFile(join(code.directory, 'index.js'), 'utf8'), /from 1\.0\.0/, 'for runs that began before')

  const same = await house.request('/konnectors/acme', { method: 'PUT' })
  assert.equal(same.json.data.attributes.state, 'ready', 'the same commit: nothing to do')

  const gone = await house.request('/konnectors/acme', { method: 'DELETE' })
  assert.equal(gone.status, 200, gone.text)
  assert.equal(gone.json.data.attributes.slug, 'acme')
  assert.equal((await house.request('/konnectors/acme')).status, 404)
  assert.equal(await permissions.ofSource(house.instance, 'io.cozy.konnectors/acme'), undefined)
  assert.equal(await konnectors.codeOf(house.instance, 'acme'), undefined)
})

test('a konnector is installed from a folder; each update is a version of its own', async () => {
  await using folder = await temporary()
  await using house = await startTestHouse({ environment: LOCAL })
  await writeFiles(folder.path, buildOf({}, { '.git/config': 'secret', 'lib/more.js': '1' }))
  const from = encodeURIComponent(`file://${folder.path}`)
  const answer = await house.request(`/konnectors/other-slug?Source=${from}`, { method: 'POST' })
  assert.equal(answer.status, 202, answer.text)
  assert.match(answer.json.data.attributes.version, /^1\.0\.0-[0-9a-f]{10}$/)
  assert.equal(answer.json.data.attributes.slug, 'other-slug', 'the URL’s')
  const ready = await settled(house, 'ready', undefined, 'other-slug')
  const code = await house.rooms.konnectors.codeOf(house.instance, 'other-slug')
  assert.deepEqual((await readdir(code!.directory, { recursive: true })).sort(), [
    'icon.svg',
    'index.js',
    'lib',
    'lib/more.js',
    'manifest.konnector',
  ])
  await house.request('/konnectors/other-slug', { method: 'PUT' })
  const next = await settled(house, 'ready', `!${ready.version}`, 'other-slug')
  assert.notEqual(next.version, ready.version)
})
