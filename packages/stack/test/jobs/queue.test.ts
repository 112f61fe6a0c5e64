import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { getConstructionPlans, PgBoss } from 'pg-boss'
import { silentLog } from '../../src/ground/database/testing.ts'
import { createListener } from '../../src/rooms/jobs/queue/listener.ts'
import { createQueue, QUEUE_SCHEMA } from '../../src/rooms/jobs/queue/queue.ts'
import { ClaimLost, endJob } from '../../src/rooms/jobs/run/begin.ts'
import { type JobsHouse, openJobs } from './help.ts'

let house: JobsHouse
before(async () => {
  house = await openJobs()
})
after(() => house[Symbol.asyncDispose]())

const MIGRATION = join(import.meta.dirname, '../../src/rooms/jobs/migrations/001-queue.sql')

test('the migration makes what the installed pg-boss makes', async () => {
  const plain = (sql: string) =>
    sql
      .replace(/^--.*\n/gm, '')
      .replace(/^\s*(BEGIN;|COMMIT;|SET LOCAL .*|SELECT pg_advisory_xact_lock.*)$/gm, '')
      .replace(/\s+/g, ' ')
      .trim()
  assert.equal(plain(readFileSync(MIGRATION, 'utf8')), plain(getConstructionPlans(QUEUE_SCHEMA)))
})

test('pg-boss finds nothing wrong with its schema', async () => {
  const boss = new PgBoss({
    db: { executeSql: (text, values) => house.database.driver.query(text, values) },
    schema: QUEUE_SCHEMA,
    schedule: false,
    supervise: false,
  })
  await boss.start()
  const drift = await boss.detectSchemaDrift()
  await boss.stop({ graceful: false })
  assert.equal(drift.ok, true, JSON.stringify(drift, undefined, 1))
})

test('who lost the claim writes nothing: not its end, not what stands in the same transaction', async () => {
  const { database, ground, jobs } = house
  const alice = await house.instance()
  const listener = createListener(database.driver, silentLog)
  await using queue = createQueue(database, { leaseSeconds: 10, superviseSeconds: 60 }, listener, silentLog)
  await queue.start()
  await queue.serve(['fenced'])
  await jobs.registerWorker({ name: 'fenced', run: async () => assert.fail('claimed by hand') })
  await jobs.start({ work: false })
  const { id } = await jobs.push(alice, { worker: 'fenced', message: null })
  const [first] = await queue.claim('fenced', 1)
  assert.equal(first?.id, id)
  assert.deepEqual(await queue.claim('fenced', 1), [], 'held')
  await queue.giveBack(first!)
  const [second] = await queue.claim('fenced', 1)
  assert.equal(second?.id, id)
  assert.notEqual(second?.fence, first?.fence)
  assert.deepEqual([...(await queue.renew([first!, second!]))], [second])
  const deps = { documents: ground.documents, clock: ground.clock, queue, listeners: [] }
  await assert.rejects(endJob(deps, alice, first!, { state: 'errored', error: 'too late' }), ClaimLost)
  assert.equal((await house.record(alice, id)).state, 'queued')
  await database.transaction(async query => {
    assert.equal(await queue.holds(query, first!), false)
    assert.equal(await queue.holds(query, second!), true)
    assert.equal(await queue.settle(query, second!), true)
  })
})

test('a queued job waits for a worker through a restart', async () => {
  const alice = await house.instance()
  const { id } = await house.jobs.push(alice, { worker: 'fenced', message: 'later' })
  await using next = await openJobs({ url: house.url })
  await next.jobs.registerWorker({ name: 'fenced', run: async ({ message }) => message })
  await next.jobs.start()
  assert.equal((await next.ended(id)).outcome.result, 'later')
  assert.equal((await house.record(alice, id)).state, 'done')
})

test('an export’s open jobs are ended where it is imported', async () => {
  const alice = await house.instance()
  const { id } = await house.jobs.push(alice, { worker: 'fenced', message: null })
  const archive = await house.instances.archive.export(alice, {})
  const { instance } = await house.instances.archive.import(archive, { domain: 'copy.example' })
  const copy = await house.record(instance, id)
  assert.deepEqual([copy.state, copy.error], ['errored', 'the instance came from another server, where this job was'])
  assert.equal((await house.record(alice, id)).state, 'queued')
})
