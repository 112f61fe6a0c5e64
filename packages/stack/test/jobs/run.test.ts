import assert from 'node:assert/strict'
import { once } from 'node:events'
import { after, before, test } from 'node:test'
import type { Instance } from '../../src/rooms/instances/index.ts'
import { type AttemptAborted, JobError, type RunningJob, ZERO_DATE } from '../../src/rooms/jobs/index.ts'
import { type JobsHouse, openJobs, signals } from './help.ts'

let house: JobsHouse
let alice: Instance
const signal = signals()
const seen: { job: RunningJob; attempt: number }[] = []
const runs = (id: string) => seen.filter(({ job }) => job.id === id)

before(async () => {
  house = await openJobs()
  const { jobs } = house
  await jobs.registerWorker({
    name: 'konnector',
    concurrency: 4,
    timeoutSeconds: 60,
    maxAttempts: 2,
    retryDelayMs: 1,
    run,
  })
  alice = await house.instance()
  await jobs.start()
  await jobs.registerWorker({ name: 'late', run: async () => 'late result' })
})
after(() => house[Symbol.asyncDispose]())

/** What the message says. */
async function run(job: RunningJob, { signal: aborted, attempt }: { signal: AbortSignal; attempt: number }) {
  seen.push({ job, attempt })
  const { does, name = '' } = job.message as { does: string; name?: string }
  if (does === 'fail') throw new Error(`attempt ${attempt}`)
  if (does === 'fail once' && attempt === 1) throw new JobError('VENDOR_DOWN')
  if (does === 'no retry') throw new JobError('LOGIN_FAILED', { retry: false })
  if (does === 'bad trigger') throw new JobError('konnector is not installed', { badTrigger: true })
  if (does === 'hang')
    return await new Promise((_, reject) => aborted.addEventListener('abort', () => reject(aborted.reason)))
  if (does === 'say more than the clock')
    return await new Promise((_, reject) =>
      aborted.addEventListener('abort', () => reject(new JobError('VENDOR_DOWN'))),
    )
  if (does === 'wait') {
    signal.say(`${name} began`, aborted)
    await signal.heard(`${name} may end`)
  }
  return { attempt }
}

const SHORT = { options: { timeout: 0.1e9 } }
const push = (message: object, options: object = {}) =>
  house.jobs.push(alice, { worker: 'konnector', message, unlimited: true, ...options })

test('a job is queued, running, done; its document says when, and events are told', async () => {
  const pushed = await push(
    { does: 'work' },
    { event: { verb: 'CREATED' }, payload: Buffer.from('{"a":1}'), manual: true },
  )
  const { queued_at, ...rest } = pushed.body
  assert.deepEqual(rest, {
    domain: 'alice.localhost',
    worker: 'konnector',
    message: { does: 'work' },
    event: Buffer.from('{"verb":"CREATED"}').toString('base64'),
    payload: Buffer.from('{"a":1}').toString('base64'),
    manual_execution: true,
    state: 'queued',
    started_at: ZERO_DATE,
    finished_at: ZERO_DATE,
  })
  const { outcome } = await house.ended(pushed.id)
  assert.deepEqual(outcome, { state: 'done', result: { attempt: 1 } })
  const [first] = runs(pushed.id)
  assert.deepEqual(first?.job.event, { verb: 'CREATED' })
  assert.equal(first?.job.payload?.toString(), '{"a":1}')
  assert.equal(first?.job.instance.domain, 'alice.localhost')
  const record = await house.record(alice, pushed.id)
  assert.equal(record.state, 'done')
  assert.equal(record.event, null, 'removed when the job ends')
  assert.ok(!('payload' in record) && !('error' in record))
  assert.ok(
    queued_at === record.queued_at && record.started_at >= record.queued_at && record.finished_at >= record.started_at,
  )
  const told = house.events.filter(({ id }) => id === pushed.id).map(({ verb, doc }) => [verb, doc.state])
  assert.deepEqual(told, [
    ['CREATED', 'queued'],
    ['UPDATED', 'running'],
    ['UPDATED', 'done'],
  ])
})

test('an error is retried, only the last is stored, `started_at` is of the first attempt', async () => {
  const { id } = await push({ does: 'fail' })
  assert.equal((await house.ended(id)).outcome.error, 'attempt 2')
  assert.equal((await house.record(alice, id)).error, 'attempt 2')
  assert.deepEqual(
    runs(id).map(({ attempt }) => attempt),
    [1, 2],
  )
  assert.equal(house.events.filter(event => event.id === id && event.doc.state === 'running').length, 1)
})

test('an attempt that goes well after one that failed is a job that went well', async () => {
  const { id } = await push({ does: 'fail once' })
  assert.deepEqual((await house.ended(id)).outcome, { state: 'done', result: { attempt: 2 } })
})

test('no retry after what says so, and after a bad trigger', async () => {
  const { id } = await push({ does: 'no retry' })
  assert.equal((await house.ended(id)).outcome.error, 'LOGIN_FAILED')
  assert.equal(runs(id).length, 1)
  const bad = await push({ does: 'bad trigger' })
  assert.deepEqual((await house.ended(bad.id)).outcome, {
    state: 'errored',
    error: 'konnector is not installed',
    badTrigger: true,
  })
  assert.equal(runs(bad.id).length, 1)
})

test('a timeout ends each attempt; what the worker says counts more', async () => {
  const hanging = await push({ does: 'hang' }, SHORT)
  assert.equal((await house.ended(hanging.id)).outcome.error, 'context deadline exceeded')
  assert.equal(runs(hanging.id).length, 2)
  const saying = await push({ does: 'say more than the clock' }, SHORT)
  assert.equal((await house.ended(saying.id)).outcome.error, 'VENDOR_DOWN')
})

test('options of a job lower limits and never raise them', async () => {
  const once = await push({ does: 'fail' }, { options: { max_exec_count: 1 } })
  assert.equal((await house.ended(once.id)).outcome.error, 'attempt 1')
  const more = await push({ does: 'fail' }, { options: { max_exec_count: 10, timeout: 3600e9 } })
  await house.ended(more.id)
  assert.equal(runs(more.id).length, 2)
})

test('one run per account at a time, others meanwhile', async () => {
  const [one, two] = [
    await push({ does: 'wait', name: 'one', account: 'a' }),
    await push({ does: 'wait', name: 'two', account: 'a' }),
  ]
  const other = await push({ does: 'work', account: 'b' })
  await signal.heard('one began')
  await house.ended(other.id)
  assert.equal(runs(two.id).length, 0)
  assert.equal((await house.record(alice, two.id)).state, 'queued')
  signal.say('one may end')
  await house.ended(one.id)
  await signal.heard('two began')
  signal.say('two may end')
  await house.ended(two.id)
})

test('the same account of another instance is another', async () => {
  const bob = await house.instance('bob.localhost')
  const one = await push({ does: 'wait', name: 'alice', account: 'c' })
  await signal.heard('alice began')
  const other = await house.jobs.push(bob, { worker: 'konnector', message: { does: 'work', account: 'c' } })
  await house.ended(other.id)
  signal.say('alice may end')
  await house.ended(one.id)
})

test('manual jobs first', async () => {
  const order: string[] = []
  const blocker = await push({ does: 'wait', name: 'blocker', account: 'd' })
  await signal.heard('blocker began')
  const slow = [await push({ does: 'work', account: 'd' }), await push({ does: 'work', account: 'd' })]
  const manual = await push({ does: 'work', account: 'd' }, { manual: true })
  for (const { id } of [...slow, manual]) void house.ended(id).then(() => order.push(id))
  signal.say('blocker may end')
  await house.ended(blocker.id)
  await Promise.all([...slow, manual].map(({ id }) => house.ended(id)))
  assert.equal(order[0], manual.id)
})

test('a worker that comes after the start has its jobs done', async () => {
  const { id } = await house.jobs.push(alice, { worker: 'late', message: null })
  assert.equal((await house.ended(id)).outcome.result, 'late result')
})

test('a push in a transaction that fails leaves neither document nor job', async () => {
  let id = ''
  const failing = house.ground.documents.transaction(alice, async writer => {
    id = (await house.jobs.push(writer, { worker: 'konnector', message: { does: 'work' } })).id
    throw new Error('changed my mind')
  })
  await assert.rejects(failing, /changed my mind/)
  assert.equal(await house.jobs.find(alice, id), undefined)
  const next = await push({ does: 'work' })
  await house.ended(next.id)
  assert.equal(runs(id).length, 0)
})

test('a cancelled job is told to stop, and stays cancelled', async () => {
  const { id } = await push({ does: 'wait', name: 'victim' })
  const aborted = (await signal.heard('victim began')) as AbortSignal
  const cancelled = await house.jobs.cancel(alice, id)
  assert.equal(cancelled?.body.error, 'CANCELLED')
  if (!aborted.aborted) await once(aborted, 'abort')
  assert.equal((aborted.reason as AttemptAborted).why, 'cancelled')
  signal.say('victim may end')
  const next = await push({ does: 'work' })
  await house.ended(next.id)
  assert.equal((await house.record(alice, id)).state, 'errored')
  const queued = await push({ does: 'wait', name: 'never', account: 'z' })
  await house.jobs.cancel(alice, queued.id)
  assert.equal((await house.record(alice, queued.id)).error, 'CANCELLED')
  assert.equal(await house.jobs.cancel(alice, 'nothing'), undefined)
})

test('jobs of a destroyed instance go with it', async () => {
  const carol = await house.instance('carol.localhost')
  const one = await house.jobs.push(carol, {
    worker: 'konnector',
    message: { does: 'wait', name: 'carol', account: 'x' },
  })
  await signal.heard('carol began')
  await house.jobs.push(carol, { worker: 'konnector', message: { does: 'work', account: 'x' } })
  await house.instances.destroy(carol)
  signal.say('carol may end')
  const { rows } = await house.database.driver.query("select from konnectory_jobs.job where data ->> 'tenant' = $1", [
    carol.id,
  ])
  assert.equal(rows.length, 0)
  assert.equal(runs(one.id).length, 1)
})
