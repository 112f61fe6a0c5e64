import assert from 'node:assert/strict'
import { after, describe, it } from 'node:test'
import { PERMISSIONS } from '../../src/rooms/permissions/index.ts'
import { startRooms } from './help.ts'

const rooms = await startRooms()
after(() => rooms[Symbol.asyncDispose]())
const { permissions, instance, ground } = rooms
const acme = { type: 'konnector', slug: 'acme' } as const
const stored = async (id: string) => (await permissions.find(instance, id))!
const titles = async (id: string) => (await stored(id)).rules.map(({ title }) => title)

describe('documents of apps and konnectors', () => {
  it('are made at installation, under the name of their owner, in the order of the manifest', async () => {
    const manifest = {
      z: { type: 'io.cozy.files' },
      a: { type: 'io.cozy.accounts' },
      'bank operations': { type: 'io.cozy.bank.operations' },
    }
    const record = await permissions.create(instance, acme, manifest)
    assert.equal(record.id, 'io.cozy.konnectors/acme')
    assert.equal(record.type, 'konnector')
    // jsonb has sorted the members by length and name meanwhile.
    assert.deepEqual(await titles('io.cozy.konnectors/acme'), ['z', 'a', 'bank operations'])
    assert.deepEqual(await permissions.ofSource(instance, 'io.cozy.konnectors/acme'), record)
  })

  it('once: a second installation is a conflict', async () => {
    await assert.rejects(permissions.create(instance, acme, {}), { status: 409 })
  })

  it('refuse rules that cannot be read, and stay as they were', async () => {
    const before = await stored('io.cozy.konnectors/acme')
    await assert.rejects(async () => permissions.replace(instance, acme, { a: { type: 'io.cozy.*' } }), { status: 403 })
    await assert.rejects(
      async () => permissions.replace(instance, acme, { a: { type: 'io.cozy.files', verbs: ['EAT'] } }),
      { status: 400 },
    )
    assert.deepEqual(await stored('io.cozy.konnectors/acme'), before)
  })

  it('keep at an update what was added meanwhile, after the rules of the new manifest', async () => {
    const saveFolder = {
      title: 'saveFolder',
      type: 'io.cozy.files',
      verbs: ['GET', 'PATCH', 'POST'],
      values: ['folder'],
    }
    await permissions.addRules(instance, acme, [saveFolder])
    await permissions.replace(instance, acme, {
      files: { type: 'io.cozy.files', verbs: ['GET'] },
      z: { type: 'io.cozy.bills' },
    })
    assert.deepEqual(await titles('io.cozy.konnectors/acme'), ['files', 'z', 'saveFolder'])
    await permissions.replace(instance, acme, { b: { type: 'io.cozy.bills' } })
    assert.deepEqual((await stored('io.cozy.konnectors/acme')).rules, [
      { title: 'b', type: 'io.cozy.bills', verbs: [], values: [] },
      saveFolder,
    ])
  })

  it('keep both when the new manifest has a title that was added', async () => {
    await permissions.replace(instance, acme, { saveFolder: { type: 'io.cozy.contacts' } })
    const { rules } = await stored('io.cozy.konnectors/acme')
    assert.deepEqual(
      rules.map(({ title, type }) => [title, type]),
      [
        ['saveFolder', 'io.cozy.contacts'],
        ['saveFolder 2', 'io.cozy.files'],
      ],
    )
    await permissions.replace(instance, acme, {})
    assert.deepEqual(await titles('io.cozy.konnectors/acme'), ['saveFolder 2'])
  })

  it('add nothing to what is not installed', async () => {
    await assert.rejects(permissions.addRules(instance, { type: 'app', slug: 'nobody' }, []), { status: 404 })
  })

  it('lose no rule when many add one at the same moment', async () => {
    const rule = (title: string) => ({ title, type: 'io.cozy.files', verbs: ['GET'], values: [title] })
    const names = ['p', 'q', 'r', 's']
    await Promise.all(names.map(name => permissions.addRules(instance, acme, [rule(name)])))
    const all = await titles('io.cozy.konnectors/acme')
    assert.deepEqual(
      names.filter(name => !all.includes(name)),
      [],
    )
  })

  it('come and go with the transaction they are part of', async () => {
    const other = { type: 'konnector', slug: 'other' } as const
    await assert.rejects(
      ground.documents.transaction(instance, async writer => {
        await permissions.create(instance, other, { a: { type: 'io.cozy.files' } }, writer)
        throw new Error('the installation failed')
      }),
      /the installation failed/,
    )
    assert.equal(await permissions.ofSource(instance, 'io.cozy.konnectors/other'), undefined)
    await ground.documents.transaction(instance, writer => permissions.create(instance, other, {}, writer))
    assert.ok(await permissions.ofSource(instance, 'io.cozy.konnectors/other'))
  })

  it('go at uninstallation, and can be made again', async () => {
    await permissions.remove(instance, acme)
    await permissions.remove(instance, acme)
    assert.equal(await permissions.ofSource(instance, 'io.cozy.konnectors/acme'), undefined)
    const record = await permissions.create(instance, acme, { a: { type: 'io.cozy.files' } })
    assert.deepEqual(record.added, [])
  })
})

describe('GET /permissions/self and /permissions/:id', () => {
  it('asks for a token', async () => {
    assert.equal((await rooms.request('/permissions/self')).status, 401)
    assert.equal((await rooms.request('/permissions/io.cozy.apps%2Fhome')).status, 401)
  })

  it('shows the document of an app, in its order', async () => {
    const token = await rooms.app('drive', {
      z: { type: 'io.cozy.files', verbs: ['GET'] },
      a: { type: 'io.cozy.contacts' },
    })
    for (const path of ['/permissions/self', '/permissions/io.cozy.apps%2Fdrive']) {
      const { status, headers, text, json } = await rooms.request(path, token)
      assert.equal(status, 200)
      assert.match(String(headers['content-type']), /^application\/vnd\.api\+json/)
      const { data } = json
      assert.equal(data.type, PERMISSIONS)
      assert.equal(data.id, 'io.cozy.apps/drive')
      assert.deepEqual(data.links, { self: '/permissions/io.cozy.apps%2Fdrive' })
      assert.ok(data.meta.rev)
      assert.equal(data.attributes.type, 'app')
      assert.equal(data.attributes.source_id, 'io.cozy.apps/drive')
      assert.match(
        text,
        /"permissions":\{"z":\{"type":"io.cozy.files","verbs":\["GET"\]\},"a":\{"type":"io.cozy.contacts"\}\}/,
      )
      assert.doesNotMatch(text, /"order"|"added"/)
    }
  })

  it('shows sets without a document with an empty id', async () => {
    const { json } = await rooms.request('/permissions/self', await rooms.cli('io.cozy.files:GET:x io.cozy.jobs'))
    assert.equal(json.data.id, '')
    assert.equal(json.data.attributes.type, 'cli')
    assert.deepEqual(json.data.attributes.permissions, {
      rule0: { type: 'io.cozy.files', verbs: ['GET'], values: ['x'] },
      rule1: { type: 'io.cozy.jobs' },
    })
    const client = await rooms.client('c1', 'io.cozy.files')
    const own = (await rooms.request('/permissions/self', client)).json
    assert.equal(own.data.id, '')
    assert.equal(own.data.attributes.source_id, 'io.cozy.oauth.clients/c1')
  })

  it('shows nobody else’s', async () => {
    const token = await rooms.app('contacts', { a: { type: 'io.cozy.permissions' } })
    assert.equal((await rooms.request('/permissions/io.cozy.apps%2Fdrive', token)).status, 403)
    const flagship = await rooms.client('f1', '*', { flagship: true })
    assert.equal((await rooms.request('/permissions/io.cozy.apps%2Fdrive', flagship)).status, 200)
  })

  it('404 for what is not there, whatever the id', async () => {
    const token = await rooms.cli('io.cozy.files')
    for (const id of [
      'nothing',
      '%00',
      '%ED%A0%80',
      encodeURIComponent('x'.repeat(1200)),
      '_design',
      '..%2F..',
      '%F0%9F%98%80',
    ]) {
      const { status } = await rooms.request(`/permissions/${id}`, token)
      assert.ok(status === 404 || status === 400, `${id}: ${status}`)
    }
  })
})
