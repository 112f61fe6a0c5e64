import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readMigrations } from '../../src/ground/database/index.ts'
import { replayEveryVersion } from '../../src/ground/database/replay.ts'
import { JsonApiError } from '../../src/ground/http/errors.ts'
import { INSTANCE_NEWS, migrations } from '../../src/rooms/instances/index.ts'
import { makeInstance, openBench } from './help.ts'

const refused = (status: number, text?: RegExp) => (error: unknown) => {
  assert.ok(error instanceof JsonApiError, String(error))
  assert.equal(error.status, status)
  if (text) assert.match(error.message, text)
  return true
}

test('the tables come out the same from every version', async () => {
  assert.ok((await replayEveryVersion(readMigrations([migrations]))) > 0)
})

test('an instance is made with its settings, and what rooms add, or not at all', async () => {
  await using bench = await openBench()
  const { instances, ground } = bench
  instances.onCreated(async (instance, writer) => {
    if (instance.domain.startsWith('broken')) throw new Error('no folders')
    await writer.create('io.cozy.files', { name: '' }, 'io.cozy.files.root-dir')
  })
  const { instance, registerToken } = await instances.create({
    domain: 'Alice.localhost',
    locale: 'fr',
    email: 'a@b.net',
    publicName: 'Alice',
  })
  assert.match(registerToken, /^[0-9a-f]{32}$/)
  assert.deepEqual(
    [instance.domain, instance.url, instance.tz, instance.onboardingFinished, instance.passphraseDefined],
    ['alice.localhost', 'http://alice.localhost:8080/', 'Europe/Paris', false, false],
  )
  const documents = ground.documents.of(instance)
  const settings = await documents.get('io.cozy.settings', 'io.cozy.settings.instance')
  assert.deepEqual(settings?.body, { email: 'a@b.net', public_name: 'Alice', tz: 'Europe/Paris' })
  assert.ok(await documents.get('io.cozy.files', 'io.cozy.files.root-dir'))

  await assert.rejects(instances.create({ domain: 'broken.localhost' }), /no folders/)
  assert.equal(await instances.byDomain('broken.localhost'), undefined)
  await assert.rejects(instances.create({ domain: 'alice.localhost' }), refused(409, /already/))
  await assert.rejects(instances.create({ domain: 'a b' }), refused(422))
  await assert.rejects(instances.create({ domain: 'b.localhost', tz: 'Paris' }), refused(422, /time zone/))
  await assert.rejects(instances.create({ domain: 'b.localhost', locale: 'french!' }), refused(422))
  await assert.rejects(instances.create({ domain: 'b.localhost', quotaBytes: -1 }), refused(422))
})

test('two at the same moment: one wins, the other is told', async () => {
  await using bench = await openBench()
  const both = await Promise.allSettled([
    bench.instances.create({ domain: 'alice.localhost' }),
    bench.other().create({ domain: 'alice.localhost' }),
  ])
  assert.deepEqual(both.map(({ status }) => status).sort(), ['fulfilled', 'rejected'])
  const lost = both.find(({ status }) => status === 'rejected') as PromiseRejectedResult
  refused(409)(lost.reason)
})

test('a domain that would be taken for an app of another is refused', async () => {
  await using nested = await openBench()
  await makeInstance(nested, 'alice.localhost')
  await assert.rejects(nested.instances.create({ domain: 'drive.alice.localhost' }), refused(409, /app of the other/))
  await assert.rejects(nested.instances.create({ domain: 'localhost' }), refused(409, /app of the other/))
  await makeInstance(nested, 'a.b.alice.localhost')
  await using flat = await openBench({ subdomains: 'flat' })
  await makeInstance(flat, 'alice.localhost')
  await assert.rejects(flat.instances.create({ domain: 'alice-drive.localhost' }), refused(422, /no "-"/))
})

test('hosts: exact with the port, without it, apps nested and flat, others unknown', async () => {
  await using bench = await openBench()
  const { instances } = bench
  const alice = await makeInstance(bench, 'alice.localhost')
  const bob = await makeInstance(bench, 'bob.localhost:9000')
  const found = async (host: string) => {
    const match = await instances.byHost(host)
    return match && [match.instance.id, match.slug]
  }
  assert.deepEqual(await found('alice.localhost'), [alice.id, undefined])
  assert.deepEqual(await found('ALICE.localhost:1234'), [alice.id, undefined])
  assert.deepEqual(await found('drive.alice.localhost:1234'), [alice.id, 'drive'])
  assert.deepEqual(await found('bob.localhost:9000'), [bob.id, undefined])
  assert.deepEqual(await found('drive.bob.localhost:9000'), [bob.id, 'drive'])
  for (const host of ['bob.localhost', 'bob.localhost:9001', 'carol.localhost', 'localhost', '', 'x y', '127.0.0.1'])
    assert.equal(await found(host), undefined, host)
  assert.equal(await instances.byHost(undefined), undefined)

  await using flat = await openBench({ subdomains: 'flat' })
  const carol = await makeInstance(flat, 'carol.localhost')
  const match = await flat.instances.byHost('carol-my-drive.localhost:8080')
  assert.deepEqual([match?.instance.id, match?.slug], [carol.id, 'my-drive'])
  assert.equal(await flat.instances.byHost('drive.carol.localhost'), undefined)
})

test('a known host costs no query, and an unknown one is found as soon as it is there', async () => {
  await using bench = await openBench()
  const { instances, ground } = bench
  assert.equal(await instances.byHost('alice.localhost'), undefined)
  await makeInstance(bench, 'alice.localhost')
  assert.ok(await instances.byHost('alice.localhost'))
  let asked = 0
  ground.database.driver.on('acquire', () => asked++)
  for (let n = 0; n < 5; n++) assert.ok(await instances.byHost('alice.localhost'))
  assert.equal(asked, 0)
})

test('news of another process make this one look again', async () => {
  await using bench = await openBench()
  const { instances, ground } = bench
  const alice = await makeInstance(bench, 'alice.localhost')
  assert.equal((await instances.byHost('alice.localhost'))?.instance.publicName, 'Alice')
  await bench.other().update(alice, { publicName: 'Alicia' })
  assert.equal((await instances.byHost('alice.localhost'))?.instance.publicName, 'Alice', 'not told yet')
  ground.news.publish([
    { tenant: alice, verb: 'NOTIFIED', doctype: INSTANCE_NEWS, id: alice.id, doc: { change: 'updated' } },
  ])
  assert.equal((await instances.byHost('alice.localhost'))?.instance.publicName, 'Alicia')
})

test('a change of the settings document is one of the instance, and the other way round', async () => {
  await using bench = await openBench()
  const { instances, ground } = bench
  const alice = await makeInstance(bench, 'alice.localhost')
  const documents = ground.documents.of(alice)
  await instances.byHost('alice.localhost')
  const stored = (await documents.get('io.cozy.settings', 'io.cozy.settings.instance'))!
  const body = { ...stored.body, public_name: 'Al', tz: 'Asia/Tokyo', mine: 1 }
  await documents.update('io.cozy.settings', stored.id, stored.rev, body)
  const now = (await instances.byHost('alice.localhost'))!.instance
  assert.deepEqual([now.publicName, now.tz], ['Al', 'Asia/Tokyo'])
  const updated = await instances.update(now, { publicName: 'Ally', locale: 'fr', quotaBytes: 10, flags: { a: true } })
  assert.deepEqual(
    [updated.publicName, updated.locale, updated.quotaBytes, updated.flags],
    ['Ally', 'fr', 10, { a: true }],
  )
  const again = await documents.get('io.cozy.settings', 'io.cozy.settings.instance')
  assert.deepEqual([again?.body.public_name, again?.body.mine], ['Ally', 1])
  assert.equal((await instances.update(updated, { quotaBytes: null })).quotaBytes, undefined)
  const settled = (await documents.get('io.cozy.settings', 'io.cozy.settings.instance'))?.rev
  await instances.update(updated, { publicName: 'Ally' })
  assert.equal((await documents.get('io.cozy.settings', 'io.cozy.settings.instance'))?.rev, settled, 'nothing to write')
})

test('a move sends the old domain on, and the freed one before it is free', async () => {
  await using bench = await openBench()
  const { instances } = bench
  const alice = await makeInstance(bench, 'alice.localhost')
  await makeInstance(bench, 'bob.localhost')
  await assert.rejects(instances.update(alice, { domain: 'bob.localhost' }), refused(409))
  const moved = await instances.update(alice, { domain: 'alice.example' })
  assert.deepEqual([moved.id, moved.domain, moved.oldDomain], [alice.id, 'alice.example', 'alice.localhost'])
  assert.equal((await instances.byHost('alice.localhost:8080'))?.movedTo, 'http://alice.example:8080/')
  assert.equal((await instances.byHost('drive.alice.localhost'))?.movedTo, 'http://drive.alice.example:8080/')
  assert.equal((await instances.byHost('alice.example'))?.movedTo, undefined)
  await assert.rejects(instances.create({ domain: 'alice.localhost' }), refused(409))
  await assert.rejects(
    instances.tenantOf('alice.localhost', '/files/x?a=%2F'),
    (error: { status?: number; headers?: object }) => {
      assert.deepEqual([error.status, error.headers], [308, { location: 'http://alice.example:8080/files/x?a=%2F' }])
      return true
    },
  )
  const again = await instances.update(moved, { domain: 'alice2.example' })
  assert.equal(again.oldDomain, 'alice.example')
  assert.equal(await instances.byHost('alice.localhost'), undefined)
})

test('destroying leaves nothing anywhere, and what a crash left is gone on with', async () => {
  await using bench = await openBench()
  const { instances, ground } = bench
  const { driver } = ground.database
  const alice = await makeInstance(bench, 'alice.localhost', 'correct horse')
  const bob = await makeInstance(bench, 'bob.localhost')
  for (const instance of [alice, bob]) {
    const documents = ground.documents.of(instance)
    await documents.write(
      'io.cozy.things',
      Array.from({ length: 30 }, (_, n) => ({ body: { n } })),
    )
    await instances.rates.hit(instance.id, { name: 'x', limit: 1, windowMs: 1000 })
    await instances.sessions.open(instance)
  }
  const hooked: string[] = []
  instances.onDestroy(async ({ domain }) => void hooked.push(domain))
  assert.ok(await instances.byHost('alice.localhost'))
  await instances.destroy(alice)
  assert.deepEqual(hooked, ['alice.localhost'])
  assert.equal(await instances.byHost('alice.localhost'), undefined)
  const { rows: tables } = await driver.query<{ name: string }>(
    `select quote_ident(table_name) as name from information_schema.columns
      where table_schema = 'konnectory' and column_name = 'instance_id'`,
  )
  assert.ok(tables.length > 8)
  for (const { name } of tables) {
    const { rows } = await driver.query(`select count(*)::int as n from ${name} where instance_id = $1`, [alice.id])
    assert.equal(rows[0].n, 0, name)
  }
  assert.equal((await ground.documents.of(bob).list('io.cozy.things')).length, 30)

  await driver.query('update instances set destroying = true where instance_id = $1', [bob.id])
  const other = bench.other()
  assert.equal(await other.byHost('bob.localhost'), undefined)
  await other.finishDestroying()
  assert.deepEqual((await driver.query('select * from instances')).rows, [])
})

test('secrets are sealed in the database, the same in every process, and a renewal reaches the caches', async () => {
  await using bench = await openBench()
  const { instances, ground } = bench
  const alice = await makeInstance(bench, 'alice.localhost')
  const bob = await makeInstance(bench, 'bob.localhost')
  const first = await instances.secrets(alice)
  assert.deepEqual(await bench.other().secrets(alice), first)
  const all = [first.session, first.oauth, first.cli, (await instances.secrets(bob)).session]
  assert.equal(new Set(all.map(key => Buffer.from(key).toString('hex'))).size, 4)
  const { rows } = await ground.database.driver.query('select secrets from instances')
  for (const { secrets } of rows) assert.match(secrets, /^k1\./)
  await instances.renewSessionSecret(alice)
  const second = await instances.secrets(alice)
  assert.notDeepEqual(second.session, first.session)
  assert.deepEqual([second.oauth, second.cli], [first.oauth, first.cli])
})

test('blocked instances answer as the protocol says', async () => {
  await using bench = await openBench()
  const { instances } = bench
  let alice = await makeInstance(bench, 'alice.localhost')
  const answer = async (blocked: 'PAYMENT_FAILED' | 'UNKNOWN' | 'MOVING' | 'LOGIN_FAILED' | null) => {
    alice = await instances.update(alice, { blocked })
    return (await instances.tenantOf('alice.localhost', '/')).blocked
  }
  assert.equal(await answer(null), undefined)
  const unknown = await answer('UNKNOWN')
  assert.deepEqual(
    [unknown?.status, unknown?.body],
    [503, [{ status: '503', title: 'Blocked', code: 'UNKNOWN', detail: 'This instance is blocked', source: {} }]],
  )
  const payment = await answer('PAYMENT_FAILED')
  assert.equal(payment?.status, 402)
  assert.match(JSON.stringify(payment?.body), /^\[\{"status":"402","title":"Blocked","code":"PAYMENT_FAILED"/)
  assert.deepEqual((await answer('MOVING'))?.body, { error: 'The instance is being moved' })
  assert.match(String((await answer('LOGIN_FAILED'))?.body), /^<!doctype html>/)
  await assert.rejects(instances.tenantOf('carol.localhost', '/'), /Instance not found/)
})

test('lists go by domain, page by page', async () => {
  await using bench = await openBench()
  for (const name of ['c', 'a', 'b']) await makeInstance(bench, `${name}.localhost`)
  const domains = async (options: Parameters<typeof bench.instances.list>[0]) =>
    (await bench.instances.list(options)).map(({ domain }) => domain)
  assert.deepEqual(await domains({}), ['a.localhost', 'b.localhost', 'c.localhost'])
  assert.deepEqual(await domains({ after: 'a.localhost', limit: 1 }), ['b.localhost'])
})
