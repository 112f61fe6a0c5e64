import assert from 'node:assert/strict'
import { after, beforeEach, describe, it } from 'node:test'
import { startRooms } from './help.ts'

const rooms = await startRooms()
after(() => rooms[Symbol.asyncDispose]())
const { permissions, instance } = rooms

const ACME = 'io.cozy.konnectors/acme'
const HOME = {
  files: { type: 'io.cozy.files' },
  accounts: { type: 'io.cozy.accounts' },
  konnectors: { type: 'io.cozy.konnectors', verbs: ['GET', 'POST', 'PUT', 'DELETE'] },
}
const MANIFEST = { files: { type: 'io.cozy.files', verbs: ['GET'] }, bills: { type: 'io.cozy.bills' } }
const saveFolder = { type: 'io.cozy.files', verbs: ['GET', 'PATCH', 'POST'], values: ['folder'] }

const home = await rooms.app('home', HOME)
const patch = (token: string | undefined, path: string, attributes: unknown) =>
  rooms.request(path, token, { method: 'PATCH', body: { data: { type: 'io.cozy.permissions', attributes } } })
const patchAcme = (token: string, rules: unknown) =>
  patch(token, '/permissions/konnectors/acme', { permissions: rules })
const rulesOfAcme = async () => (await permissions.find(instance, ACME))!.rules
const titles = async () => (await rulesOfAcme()).map(({ title }) => title)

let konnector = ''
beforeEach(async () => {
  await permissions.remove(instance, { type: 'konnector', slug: 'acme' })
  konnector = await rooms.konnector('acme', MANIFEST)
})

describe('PATCH of rules, as home and harvest do it', () => {
  it('adds a rule, and the same again, and answers with the whole document', async () => {
    for (let time = 1; time <= 2; time++) {
      const { status, json, text } = await patchAcme(home, { saveFolder })
      assert.equal(status, 200)
      assert.equal(json.data.id, ACME)
      assert.deepEqual(json.data.attributes.permissions.saveFolder, saveFolder)
      assert.match(text, /"permissions":\{"files":.*"bills":.*"saveFolder":/)
    }
    assert.deepEqual(await titles(), ['files', 'bills', 'saveFolder'])
  })

  it('for an aggregator account', async () => {
    const { status } = await patchAcme(home, {
      aggregatorAccount: { type: 'io.cozy.accounts', verbs: ['GET', 'PUT'], values: ['io.cozy.accounts.bi'] },
    })
    assert.equal(status, 200)
  })

  it('the newer rule of a title wins', async () => {
    await patchAcme(home, { saveFolder })
    await patchAcme(home, { saveFolder: { ...saveFolder, values: ['other'] } })
    assert.deepEqual((await rulesOfAcme()).find(({ title }) => title === 'saveFolder')?.values, ['other'])
  })

  it('a rule without type takes the one of its title away; all of it in order', async () => {
    await patchAcme(home, { saveFolder })
    const { status } = await patchAcme(home, {
      saveFolder: {},
      nothing: {},
      bills: { verbs: ['GET'] },
      more: saveFolder,
    })
    assert.equal(status, 200)
    assert.deepEqual(await titles(), ['files', 'more'])
  })

  it('tells who changed it', async () => {
    const { json } = await patchAcme(home, { saveFolder })
    assert.deepEqual(
      json.data.attributes.cozyMetadata.updatedByApps.map(({ slug }: { slug: string }) => slug),
      ['home'],
    )
    const given = { metadataVersion: 1, createdByApp: 'x' }
    const replaced = await patch(home, '/permissions/konnectors/acme', {
      permissions: { saveFolder },
      cozyMetadata: given,
    })
    assert.deepEqual(replaced.json.data.attributes.cozyMetadata, given)
  })

  it('works by the id of the document, and on apps', async () => {
    assert.equal(
      (await patch(home, `/permissions/${encodeURIComponent(ACME)}`, { permissions: { saveFolder } })).status,
      200,
    )
    const own = await patch(home, '/permissions/apps/home', {
      permissions: { folder: { type: 'io.cozy.files', values: ['x'] } },
    })
    assert.equal(own.status, 200)
    assert.equal(own.json.data.id, 'io.cozy.apps/home')
  })

  it('what was added outlives an update of the konnector', async () => {
    await patchAcme(home, { saveFolder })
    await permissions.replace(instance, { type: 'konnector', slug: 'acme' }, { bills: { type: 'io.cozy.bills' } })
    assert.deepEqual(await titles(), ['bills', 'saveFolder'])
  })

  it('takes effect on a token that is in use', async () => {
    const grant = async () => (await rooms.authenticate(instance, konnector)).grant
    assert.equal((await grant()).allowsId('POST', 'io.cozy.files', 'folder'), false)
    await patchAcme(home, { saveFolder })
    assert.equal((await grant()).allowsId('POST', 'io.cozy.files', 'folder'), true)
    await patchAcme(home, { saveFolder: {} })
    assert.equal((await grant()).allowsId('POST', 'io.cozy.files', 'folder'), false)
  })

  it('loses none of many at once', async () => {
    const names = ['a', 'b', 'c', 'd', 'e']
    const answers = await Promise.all(names.map(name => patchAcme(home, { [name]: { ...saveFolder, values: [name] } })))
    assert.deepEqual(
      answers.map(({ status }) => status),
      names.map(() => 200),
    )
    const all = await titles()
    assert.deepEqual(
      names.filter(name => !all.includes(name)),
      [],
    )
  })
})

describe('PATCH of rules refuses', () => {
  const refused = async (token: string, rules: unknown, status: number, message?: RegExp) => {
    const before = await rulesOfAcme()
    const answer = await patchAcme(token, rules)
    assert.equal(answer.status, status, answer.text)
    if (message) assert.match(answer.text, message)
    assert.deepEqual(await rulesOfAcme(), before)
  }
  const LARGER = /Attempt to create a larger permission set/

  it('all verbs from who has some [do not copy]', async () => {
    const reader = await rooms.app('reader', { ...HOME, files: { type: 'io.cozy.files', verbs: ['GET'] } })
    await refused(reader, { x: { type: 'io.cozy.files' } }, 403, LARGER)
    await refused(reader, { x: { type: 'io.cozy.files', verbs: ['ALL'] } }, 403, LARGER)
    await refused(reader, { x: { type: 'io.cozy.files', verbs: [], values: ['a'] } }, 403, LARGER)
    await refused(reader, { x: { type: 'io.cozy.files', verbs: ['GET', 'POST'] } }, 403, LARGER)
    assert.equal((await patchAcme(reader, { x: { type: 'io.cozy.files', verbs: ['GET'] } })).status, 200)
  })

  it('a whole doctype from who has some documents [do not copy]', async () => {
    const narrow = await rooms.app('narrow', { ...HOME, files: { type: 'io.cozy.files', values: ['a'] } })
    await refused(narrow, { x: { type: 'io.cozy.files' } }, 403, LARGER)
    await refused(narrow, { x: { type: 'io.cozy.files', values: [] } }, 403, LARGER)
    await refused(narrow, { x: { type: 'io.cozy.files', values: ['a', 'b'] } }, 403, LARGER)
    await refused(narrow, { x: { type: 'io.cozy.files', selector: 'name', values: ['a'] } }, 403, LARGER)
    assert.equal((await patchAcme(narrow, { x: { type: 'io.cozy.files', values: ['a'] } })).status, 200)
  })

  it('a rule added after a good one: nothing of the patch is done', () =>
    refused(home, { saveFolder, x: { type: 'io.cozy.contacts' } }, 403, LARGER))

  it('strangers, for adding and for taking away [do not copy]', async () => {
    const app = await rooms.app('notes', {
      files: { type: 'io.cozy.files' },
      konnectors: { type: 'io.cozy.konnectors', verbs: ['GET'] },
    })
    const one = await rooms.app('one', {
      files: { type: 'io.cozy.files' },
      konnectors: { type: 'io.cozy.konnectors', values: [ACME] },
    })
    const apps = await rooms.app('appstore', { files: { type: 'io.cozy.files' }, apps: { type: 'io.cozy.apps' } })
    const other = await rooms.konnector('other', { files: { type: 'io.cozy.files' }, bills: { type: 'io.cozy.bills' } })
    const client = await rooms.client(`c${Date.now()}`, 'io.cozy.files io.cozy.bills')
    for (const token of [app, one, apps, other, client]) {
      await refused(token, { saveFolder }, 403, /Forbidden/)
      await refused(token, { bills: {} }, 403, /Forbidden/)
    }
  })

  it('and not the owner, who manages konnectors, or permissions, or the server', async () => {
    const managers = [
      konnector,
      home,
      await rooms.app('perms', { files: { type: 'io.cozy.files' }, p: { type: 'io.cozy.permissions' } }),
      await rooms.client(`m${Date.now()}`, 'io.cozy.files io.cozy.konnectors'),
      await rooms.cli('io.cozy.files'),
    ]
    const rule = { type: 'io.cozy.files', verbs: ['GET'], values: ['x'] }
    for (const token of managers) assert.equal((await patchAcme(token, { mine: rule })).status, 200)
    for (const token of managers) assert.equal((await patchAcme(token, { mine: {} })).status, 200)
  })

  it('the konnector itself more than it has', () =>
    refused(konnector, { x: { type: 'io.cozy.files', verbs: ['POST'] } }, 403, LARGER))

  it('apps that manage konnectors on documents of apps', async () => {
    await rooms.app('victim', { files: { type: 'io.cozy.files' } })
    const answer = await patch(home, '/permissions/apps/victim', { permissions: { files: {} } })
    assert.equal(answer.status, 403)
  })

  it('rules that cannot be read', async () => {
    await refused(home, { x: { type: 'io.cozy.files', verbs: ['EAT'] } }, 400, /Permission scope is empty or malformed/)
    await refused(home, { x: { type: 'io.cozy.*' } }, 403, /not a valid doctype name/)
    await refused(home, { x: { type: '*' } }, 403, /not a valid doctype name/)
    await refused(home, { x: 'io.cozy.files' }, 400)
    await refused(home, [], 400)
    await refused(home, 'x', 400)
    await refused(home, { x: null }, 400)
  })

  it('rules and codes together, and nothing at all', async () => {
    const before = await rulesOfAcme()
    const path = '/permissions/konnectors/acme'
    for (const attributes of [
      { permissions: { saveFolder }, codes: {} },
      { permissions: {}, password: '' },
      {},
      { cozyMetadata: {} },
      { permissions: null },
    ]) {
      assert.equal((await patch(home, path, attributes)).status, 400, JSON.stringify(attributes))
    }
    for (const body of [
      {},
      { data: null },
      { data: {} },
      { data: [] },
      { data: { attributes: [] } },
      '{',
      '',
      'null',
      '[]',
    ]) {
      const answer = await rooms.request(path, home, { method: 'PATCH', body })
      assert.equal(answer.status, 400, JSON.stringify(body))
    }
    assert.deepEqual(await rulesOfAcme(), before)
  })

  it('codes, password and end on what is no share', async () => {
    for (const attributes of [{ codes: {} }, { password: 'x' }, { expires_at: '2030-01-01T00:00:00Z' }]) {
      const answer = await patch(home, '/permissions/konnectors/acme', attributes)
      assert.equal(answer.status, 403)
      assert.match(answer.text, /Permissions can be updated only by its parent/)
    }
  })

  it('documents that are not there', async () => {
    assert.equal((await patch(home, '/permissions/konnectors/nobody', { permissions: { saveFolder } })).status, 404)
    assert.equal((await patch(home, '/permissions/nothing', { permissions: { saveFolder } })).status, 404)
    assert.equal((await patch(home, '/permissions/nothing', { password: 'x' })).status, 404)
    assert.equal((await patch(undefined, '/permissions/konnectors/acme', { permissions: { saveFolder } })).status, 401)
  })
})
