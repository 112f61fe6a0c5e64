import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createKonnectors } from '../../src/rooms/konnectors/index.ts'
import { startTestHouse, type TestHouse } from '../help/house.ts'
import { buildOf, temporary, writeFiles } from './sources.ts'

const LOCAL = { KONNECTORY_INSTALL_LOCAL: '1' }
const SOFT = 'io.cozy.accounts.soft_deleted'

/** A konnector with a script for deleted accounts, two accounts with a trigger each; jobs end as the test says. */
async function prepared(house: TestHouse, folder: string, end: (account: string) => 'done' | 'errored') {
  const documents = house.ground.documents.of(house.instance)
  const runs: Record<string, unknown>[] = []
  const jobs = {
    push: async (_target: unknown, job: { message: unknown; worker: string }) => {
      const message = job.message as Record<string, unknown>
      runs.push(message)
      assert.ok(
        (await documents.get(SOFT, String(message.account)))?.deleted === false,
        'the script can read the account',
      )
      const stored = await documents.create('io.cozy.jobs', { worker: job.worker, message, state: 'queued' })
      const state = end(String(message.account))
      await documents.update('io.cozy.jobs', stored.id, stored.rev, {
        ...stored.body,
        state,
        ...(state === 'errored' && { error: 'VENDOR_DOWN' }),
      })
      return stored
    },
    find: async (_tenant: unknown, id: string) => documents.get('io.cozy.jobs', id),
  } as unknown as NonNullable<Parameters<typeof createKonnectors>[1]['jobs']>
  const konnectors = createKonnectors(house.ground, { ...house.rooms, jobs })
  await writeFiles(folder, buildOf({ on_delete_account: 'gone.js' }, { 'gone.js': '1' }))
  await (await konnectors.install(house.instance, { slug: 'acme', source: `file://${folder}` })).done
  for (const id of ['one', 'two']) {
    await documents.create('io.cozy.accounts', { account_type: 'acme', auth: { login: id } }, id)
    const trigger = { type: '@cron', arguments: '0 0 1 * * 1', debounce: '', options: null }
    await documents.create(
      'io.cozy.triggers',
      { ...trigger, worker: 'konnector', message: { konnector: 'acme', account: id } },
      `t-${id}`,
    )
  }
  await documents.create(
    'io.cozy.triggers',
    { type: '@webhook', worker: 'konnector', message: { konnector: 'other', account: 'one' } },
    't-other',
  )
  return { konnectors, documents, runs }
}

const alive = async (
  documents: { get(type: string, id: string): Promise<{ deleted: boolean } | undefined> },
  type: string,
  id: string,
) => (await documents.get(type, id))?.deleted === false

test('with accounts: each is cleaned by the konnector’s own script, then all goes', async () => {
  await using folder = await temporary()
  await using house = await startTestHouse({ environment: LOCAL })
  const { konnectors, documents, runs } = await prepared(house, folder.path, () => 'done')
  const rev = (await documents.get('io.cozy.accounts', 'one'))!.rev
  const { gone, done } = await konnectors.uninstall(house.instance, 'acme')
  assert.equal(gone, false)
  await assert.rejects(konnectors.uninstall(house.instance, 'acme'), { status: 409 })
  await done
  assert.deepEqual(
    runs.find(({ account }) => account === 'one'),
    { konnector: 'acme', account: 'one', account_rev: rev, account_deleted: true },
  )
  assert.equal(runs.length, 2)
  assert.equal(await konnectors.find(house.instance, 'acme'), undefined)
  assert.equal(await house.rooms.permissions.ofSource(house.instance, 'io.cozy.konnectors/acme'), undefined)
  for (const id of ['one', 'two']) {
    assert.equal(await alive(documents, 'io.cozy.accounts', id), false)
    assert.equal(await alive(documents, SOFT, id), false)
    assert.equal(await alive(documents, 'io.cozy.triggers', `t-${id}`), false)
  }
  assert.equal(await alive(documents, 'io.cozy.triggers', 't-other'), true)
  await konnectors[Symbol.asyncDispose]()
})

test('a cleaning that fails keeps the konnector; uninstalling again cleans what is left', async () => {
  await using folder = await temporary()
  await using house = await startTestHouse({ environment: LOCAL })
  let vendor: 'done' | 'errored' = 'errored'
  const { konnectors, documents, runs } = await prepared(house, folder.path, account =>
    account === 'two' ? vendor : 'done',
  )
  const { done } = await konnectors.uninstall(house.instance, 'acme')
  await assert.rejects(done, /VENDOR_DOWN/)
  assert.ok(await konnectors.find(house.instance, 'acme'))
  assert.equal(await alive(documents, 'io.cozy.accounts', 'two'), false)
  assert.equal(await alive(documents, SOFT, 'two'), true)
  vendor = 'done'
  const again = await konnectors.uninstall(house.instance, 'acme')
  await again.done
  assert.equal(runs.filter(({ account }) => account === 'two').length, 2)
  assert.equal(runs.filter(({ account }) => account === 'one').length, 1)
  assert.equal(await konnectors.find(house.instance, 'acme'), undefined)
  await konnectors[Symbol.asyncDispose]()
})

test('the route answers 200 or 202, 404 for what is not there, 403 to who may not', async () => {
  await using folder = await temporary()
  await using house = await startTestHouse({ environment: LOCAL })
  const remove = (scope?: string) =>
    house.request('/konnectors/acme', { method: 'DELETE', ...(scope !== undefined && { scope }) })
  assert.equal((await remove()).status, 404)
  await writeFiles(folder.path, buildOf())
  const { konnectors } = house.rooms
  await (await konnectors.install(house.instance, { slug: 'acme', source: `file://${folder.path}` })).done
  assert.equal((await remove('io.cozy.konnectors:GET,POST')).status, 403)
  const documents = house.ground.documents.of(house.instance)
  await documents.create('io.cozy.triggers', {
    type: '@cron',
    arguments: '0 0 1 * * 1',
    debounce: '',
    options: null,
    worker: 'konnector',
    message: { konnector: 'acme', account: 'a' },
  })
  const gone = Promise.withResolvers<void>()
  house.ground.news.subscribe(({ doctype, verb }) => {
    if (doctype === 'io.cozy.konnectors' && verb === 'DELETED') gone.resolve()
  })
  const answer = await remove()
  assert.equal(answer.status, 202, answer.text)
  assert.equal(answer.json.data.id, 'io.cozy.konnectors/acme')
  await gone.promise
  assert.equal((await remove()).status, 404)
})
