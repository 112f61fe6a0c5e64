import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { hashPassphrase } from '../help/browser.ts'
import { startStack } from '../help/stack.ts'
import { published } from './published.ts'

const { default: CozyClient, Q } = published('cozy-client')
const { default: flag } = published('cozy-flags')

const SETTINGS = 'io.cozy.settings'
const PERMISSIONS = 'io.cozy.permissions'
const FILES = 'io.cozy.files'

const stack = await startStack()
after(() => stack[Symbol.asyncDispose]())
await stack.admin('/instances/localhost', {
  method: 'PATCH',
  body: { flags: { 'harvest.beta': true, 'a.list': { list: ['x'] } } },
})
const registered = JSON.parse(
  await stack.admin(
    `/instances/oauth_client?${new URLSearchParams({
      Domain: stack.domain,
      RedirectURI: 'http://localhost:3333/cb',
      ClientName: 'Collect',
      SoftwareID: 'github.com/konnectory/acceptance',
    })}`,
    { method: 'POST' },
  ),
)
const token = await stack.tokenOf({
  Audience: 'access',
  Subject: registered.client_id,
  Scope: [SETTINGS, PERMISSIONS, FILES, 'io.cozy.sessions', 'io.cozy.oauth.clients'].join(' '),
})
const client = new CozyClient({
  uri: stack.url,
  oauth: {
    clientID: registered.client_id,
    clientSecret: registered.client_secret,
    token: { accessToken: token, tokenType: 'bearer' },
  },
})

test('settings of the instance are read and changed', async () => {
  const { data: instance } = await client.query(Q(SETTINGS).getById('io.cozy.settings.instance'))
  assert.deepEqual([instance.locale, instance.public_name], ['en', 'Alice'])
  const { data: saved } = await client
    .collection(SETTINGS)
    .update({ ...instance, attributes: { ...instance.attributes, public_name: 'Alice A.', tz: 'Europe/Paris' } })
  assert.equal(saved.attributes.public_name, 'Alice A.')
  await assert.rejects(client.collection(SETTINGS).update(instance), { status: 409 })
  const { data: again } = await client.query(Q(SETTINGS).getById('io.cozy.settings.instance'))
  assert.deepEqual([again.public_name, again.tz], ['Alice A.', 'Europe/Paris'])
})

test('capabilities, context, disk usage, passphrase, flags', async () => {
  const get = async (name: string) => (await client.query(Q(SETTINGS).getById(`io.cozy.settings.${name}`))).data
  const capabilities = await get('capabilities')
  assert.deepEqual([capabilities.file_versioning, capabilities.can_auth_with_password], [true, true])
  assert.equal((await get('context')).id, 'io.cozy.settings.context')
  const usage = await get('disk-usage')
  assert.match(usage.used, /^\d+$/)
  await client.collection(FILES).createFile('12345', { name: 'five', dirId: 'io.cozy.files.root-dir' })
  assert.equal(Number((await get('disk-usage')).used), Number(usage.used) + 5)
  const { salt, iterations, kdf } = await get('passphrase')
  assert.deepEqual([salt, kdf], ['me@localhost', 0])
  assert.ok(iterations >= 50_000)

  await flag.initialize(client)
  assert.deepEqual([flag('harvest.beta'), flag('unknown')], [true, null])
})

test('a document of settings that is nobody’s route', async () => {
  const stackClient = client.getStackClient()
  const made = await stackClient.fetchJSON('PUT', '/data/io.cozy.settings/io.cozy.settings.bitwarden', {
    extension: true,
  })
  const { data } = await client.query(Q(SETTINGS).getById('io.cozy.settings.bitwarden'))
  assert.deepEqual([data.extension, data._rev], [true, made.rev])
})

test('devices: listed, and the last synchronisation is noted', async () => {
  await client.collection(SETTINGS).updateLastSynced()
  const { data } = await client.query(Q('io.cozy.oauth.clients'))
  assert.equal(data.length, 1)
  assert.equal(data[0].client_name ?? data[0].attributes.client_name, 'Collect')
  assert.equal('client_secret' in data[0], false)
})

test('permissions of the token', async () => {
  const { data } = await client.collection(PERMISSIONS).fetchOwnPermissions()
  const rules = Object.values(data.attributes.permissions) as { type: string }[]
  assert.ok(rules.some(({ type }) => type === SETTINGS))
})

test('a link to share a file: made, used without any token of ours, revoked', async () => {
  const permissions = client.collection(PERMISSIONS)
  const files = client.collection(FILES)
  const { data: dir } = await files.createDirectoryByPath('/Shared')
  const { data: file } = await files.createFile('shared', { name: 'a.txt', dirId: dir._id })
  await files.createFile('private', { name: 'private.txt', dirId: 'io.cozy.files.root-dir' })
  const { data: link } = await permissions.createSharingLink(
    { _id: dir._id, _type: FILES },
    { verbs: ['GET'], ttl: '1D' },
  )
  const { shortcodes, codes } = link.attributes
  assert.ok(shortcodes.code && codes.code)

  for (const token of [shortcodes.code, codes.code]) {
    const guest = new CozyClient({ uri: stack.url, token }).collection(FILES)
    assert.equal(await (await guest.fetchFileContentById(file._id)).text(), 'shared')
    await assert.rejects(guest.statByPath('/private.txt'), { status: 403 })
    await assert.rejects(guest.createFile('x', { name: 'x.txt', dirId: dir._id }), { status: 403 })
  }
  const { data: links } = await permissions.fetchAllLinks({ _type: FILES })
  assert.deepEqual(
    links.map(({ id }: { id: string }) => id),
    [link.id],
  )

  await permissions.revokeSharingLink({ _id: dir._id, _type: FILES })
  const guest = new CozyClient({ uri: stack.url, token: shortcodes.code }).collection(FILES)
  assert.equal((await guest.fetchFileContentById(file._id)).status, 400)
  await assert.rejects(guest.statById(file._id), { status: 400 })
  assert.deepEqual((await permissions.fetchAllLinks({ _type: FILES })).data, [])
})

test('rules can be added to a link, never more than one has', async () => {
  const permissions = client.collection(PERMISSIONS)
  const { data: made } = await permissions.create({
    codes: 'email',
    permissions: { files: { type: FILES, verbs: ['GET'], values: ['io.cozy.files.root-dir'] } },
  })
  const document = { ...made, _type: PERMISSIONS, _id: made.id }
  const { data: added } = await permissions.add(document, {
    more: { type: FILES, verbs: ['GET'], values: ['another'] },
  })
  assert.deepEqual(Object.keys(added.attributes.permissions), ['files', 'more'])
  await assert.rejects(permissions.add(document, { contacts: { type: 'io.cozy.contacts' } }), { status: 403 })
  await permissions.destroy(made)
  await assert.rejects(permissions.get(made.id), { status: 404 })
})

test('the passphrase is changed by who knows it', async () => {
  await stack.setPassphrase('the first one')
  const { data } = await client.query(Q(SETTINGS).getById('io.cozy.settings.passphrase'))
  const derive = (text: string) => hashPassphrase(text, data.salt, data.iterations)
  const change = (current: string, next: string) =>
    client.getStackClient().fetchJSON('PUT', '/settings/passphrase', {
      current_passphrase: derive(current),
      new_passphrase: derive(next),
      iterations: data.iterations,
    })
  await assert.rejects(change('a wrong one', 'x'), { status: 400 })
  await change('the first one', 'the second one')
  await change('the second one', 'the third one')
})
