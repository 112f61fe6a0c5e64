import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { JobError, jobRecord } from '../../src/rooms/jobs/index.ts'
import { TRIGGERS, type TriggerType } from '../../src/rooms/triggers/index.ts'
import { openTriggers, START, type TriggersHouse } from './help.ts'

let house: TriggersHouse
before(async () => {
  house = await openTriggers()
})
after(() => house[Symbol.asyncDispose]())

/** Each test on its own day, with no trigger of another. */
async function clean(now = START): Promise<void> {
  for (const { id } of await house.triggers.list(house.alice)) await house.triggers.remove(house.alice, id)
  house.clock.set(now)
  house.failures.clear()
}

test('a trigger is shown with its next run, in the zone of the instance', async () => {
  await clean()
  const { id } = await house.make({})
  assert.deepEqual(await house.state(id), {
    trigger_id: id,
    status: 'done',
    next_execution: '2026-03-02T02:00:00.000Z',
  })
})

test('it runs when it is due, once, and then when it is due next', async () => {
  await clean()
  const { id } = await house.make({})
  assert.equal(await house.at('2026-03-02T01:59:59.999Z'), 0)
  assert.equal(await house.at('2026-03-02T02:00:00.000Z'), 1)
  assert.equal(await house.at('2026-03-02T02:00:00.000Z'), 0)
  const [job] = await house.settled(id)
  assert.ok(job)
  const { trigger_id, message, manual_execution, worker } = jobRecord(job)
  assert.deepEqual([trigger_id, message, manual_execution, worker], [id, { konnector: 'acme' }, undefined, 'konnector'])
  assert.equal((await house.state(id))?.next_execution, '2026-03-03T02:00:00.000Z')
  assert.equal((await house.state(id))?.last_executed_job_id, job.id)
})

test('slots missed while nobody was there are one run', async () => {
  await clean()
  const { id } = await house.make({ type: '@every', arguments: '10m' })
  assert.equal(await house.at('2026-03-05T10:03:00.000Z'), 1)
  assert.equal((await house.settled(id)).length, 1)
  assert.equal((await house.state(id))?.next_execution, '2026-03-05T10:10:00.000Z', 'in step with the first')
})

test('two schedulers on the same due: one job', async () => {
  await clean()
  const { id } = await house.make({})
  house.clock.set('2026-03-02T02:00:01.000Z')
  await Promise.all(Array.from({ length: 5 }, () => house.triggers.doDue()))
  assert.equal((await house.settled(id)).length, 1)
})

test('one process dies with what it took: another does it when the hold is over', async () => {
  await clean()
  const { id } = await house.make({})
  await house.database.driver.query(
    "update trigger_schedule set claimed_until = '2026-03-02T02:00:30Z' where trigger_id = $1",
    [id],
  )
  assert.equal(await house.at('2026-03-02T02:00:29.000Z'), 0)
  assert.equal(await house.at('2026-03-02T02:00:30.000Z'), 1)
  assert.equal((await house.settled(id)).length, 1)
})

test('@at and @in: once, then gone; due dates survive a restart', async () => {
  await clean()
  const at = await house.make({ type: '@at', arguments: '2026-03-01T11:00:00Z' })
  const late = await house.make({ type: '@at', arguments: '2026-02-28T20:00:00Z' })
  const dropped = await house.make({ type: '@at', arguments: '2026-02-20T20:00:00Z' })
  const within = await house.make({ type: '@in', arguments: '30m' })
  const { rows } = await house.database.driver.query<{ trigger_id: string; due: Date }>(
    'select trigger_id, due from trigger_schedule where instance_id = $1 order by due',
    [house.alice.id],
  )
  assert.deepEqual(
    rows.map(row => [row.trigger_id, row.due.toISOString()]),
    [
      [late.id, '2026-02-28T20:00:00.000Z'],
      [within.id, '2026-03-01T10:30:00.000Z'],
      [at.id, '2026-03-01T11:00:00.000Z'],
    ],
  )
  assert.equal(await house.at('2026-03-01T10:00:01.000Z'), 1)
  assert.equal((await house.jobsOf(late.id)).length, 1)
  assert.equal(await house.at('2026-03-01T12:00:00.000Z'), 2)
  assert.deepEqual(
    (await house.triggers.list(house.alice)).map(({ id }) => id),
    [dropped.id],
  )
  assert.equal((await house.jobsOf(at.id)).length + (await house.jobsOf(within.id)).length, 2)
})

test('@at that nobody could do for more than a day is dropped, and says so', async () => {
  await clean()
  const { id } = await house.make({ type: '@at', arguments: '2026-03-01T11:00:00Z' })
  assert.equal(await house.at('2026-03-02T11:00:00.001Z'), 1)
  const state = await house.state(id)
  assert.equal(state?.skip_reason, 'it was due more than a day ago')
  assert.equal(state?.next_execution, undefined)
  assert.equal((await house.jobsOf(id)).length, 0)
})

test('other arguments move the next run; another message does not', async () => {
  await clean()
  const { id } = await house.make({})
  house.clock.set('2026-03-02T02:00:00.000Z')
  await house.triggers.patch(house.alice, id, { message: { konnector: 'other' } })
  assert.equal((await house.state(id))?.next_execution, '2026-03-02T02:00:00.000Z', 'what is due is not lost')
  await house.triggers.patch(house.alice, id, { arguments: '0 0 5 * * *' })
  assert.equal((await house.state(id))?.next_execution, '2026-03-02T04:00:00.000Z')
})

test('another time zone of the instance moves what stands on the wall', async () => {
  await clean()
  const { id } = await house.make({})
  const pinned = await house.make({ arguments: 'TZ=Asia/Tokyo 0 3 * * *' })
  const before = (await house.state(pinned.id))?.next_execution
  await house.instances.update(house.alice, { tz: 'America/New_York' })
  assert.equal((await house.state(id))?.next_execution, '2026-03-02T08:00:00.000Z')
  assert.equal((await house.state(pinned.id))?.next_execution, before)
  await house.instances.update(house.alice, { tz: 'Europe/Paris' })
})

test('after LOGIN_FAILED it does not run by itself, and says why; a person’s run that goes well cures it', async () => {
  await clean()
  const { id } = await house.make({})
  house.failures.set('acme', new JobError('LOGIN_FAILED.NEEDS_SECRET'))
  await house.at('2026-03-02T02:00:00.000Z')
  await house.settled(id)
  await house.at('2026-03-03T02:00:00.000Z')
  assert.equal((await house.jobsOf(id)).length, 1)
  const paused = await house.state(id)
  assert.equal(paused?.status, 'errored')
  assert.equal(paused?.skip_reason, 'LOGIN_FAILED.NEEDS_SECRET')
  assert.equal(paused?.skipped_execution, '2026-03-03T02:00:00.000Z')
  assert.equal(paused?.next_execution, '2026-03-04T02:00:00.000Z')
  house.failures.clear()
  house.clock.set('2026-03-03T12:00:00.000Z')
  const launched = await house.triggers.launch(house.alice, id)
  assert.equal(launched.body.manual_execution, true)
  await house.settled(id)
  const cured = await house.state(id)
  assert.equal(cured?.status, 'done')
  assert.equal(cured?.skip_reason, undefined)
  assert.equal(cured?.last_error, 'LOGIN_FAILED.NEEDS_SECRET', 'kept after a later success')
  assert.equal(cured?.last_manual_job_id, launched.id)
  await house.at('2026-03-04T02:00:00.000Z')
  assert.equal((await house.settled(id)).length, 3)
})

test('which errors pause', async () => {
  const pauses: [string, boolean][] = [
    ['LOGIN_FAILED', true],
    ['USER_ACTION_NEEDED', true],
    ['USER_ACTION_NEEDED.OAUTH_OUTDATED', true],
    ['USER_ACTION_NEEDED.CGU_FORM', false],
    ['VENDOR_DOWN', false],
    ['UNKNOWN_ERROR', false],
  ]
  for (const [error, expected] of pauses) {
    await clean()
    const { id } = await house.make({})
    house.failures.set('acme', new JobError(error))
    await house.at('2026-03-02T02:00:00.000Z')
    await house.settled(id)
    await house.at('2026-03-03T02:00:00.000Z')
    assert.equal((await house.jobsOf(id)).length, expected ? 1 : 2, error)
    await house.settled(id)
  }
})

test('services are not paused, nor what an aggregator asks for', async () => {
  await clean()
  const service = await house.make({ worker: 'service', message: { konnector: 'svc' } })
  const bank = await house.make({ message: { konnector: 'bank', bi_webhook: true } })
  for (const name of ['svc', 'bank']) house.failures.set(name, new JobError('LOGIN_FAILED'))
  for (const day of ['02', '03']) {
    await house.at(`2026-03-${day}T02:00:00.000Z`)
    await house.settled(service.id)
    await house.settled(bank.id)
  }
  assert.equal((await house.jobsOf(service.id)).length, 2)
  assert.equal((await house.jobsOf(bank.id)).length, 2)
})

test('a bad trigger goes with its job', async () => {
  await clean()
  const { id } = await house.make({ message: { konnector: 'gone' } })
  house.failures.set('gone', new JobError('konnector is not installed', { badTrigger: true }))
  await house.at('2026-03-02T02:00:00.000Z')
  await house.settled(id)
  assert.equal(await house.triggers.find(house.alice, id), undefined)
})

test('the account’s triggers go with the account, in its transaction', async () => {
  await clean()
  const account = await house.ground.documents.of(house.alice).create('io.cozy.accounts', { account_type: 'acme' })
  const message = { konnector: 'acme', account: account.id }
  const mine = await house.make({ message })
  const legacy = await house.make({
    message: { Data: Buffer.from(JSON.stringify(message)).toString('base64'), Type: 'json' },
  })
  const device = await house.make({ type: '@client', message })
  const other = await house.make({ message: { konnector: 'acme', account: 'another' } })
  const service = await house.make({ worker: 'service', message })
  assert.deepEqual(
    (await house.triggers.ofAccount(house.alice, account.id)).map(({ id }) => id).sort(),
    [mine.id, legacy.id, device.id].sort(),
  )
  await house.ground.documents.transaction(house.alice, writer => house.triggers.deleteForAccount(writer, account.id))
  assert.deepEqual((await house.triggers.list(house.alice)).map(({ id }) => id).sort(), [other.id, service.id].sort())
  const { rows } = await house.database.driver.query(
    'select trigger_id from trigger_schedule where trigger_id = any($1)',
    [[mine.id, legacy.id]],
  )
  assert.equal(rows.length, 0)
})

test('a hundred jobs of an hour, then the triggers are passed over, and say so', async () => {
  await clean('2026-05-01T00:00:30.000Z')
  const { id } = await house.make({ type: '@every', arguments: '10s' })
  for (let index = 1; index <= 100; index++)
    await house.jobs.push(house.alice, { worker: 'konnector', message: { konnector: 'x' } })
  await assert.rejects(
    house.jobs.push(house.alice, { worker: 'konnector', message: {} }),
    /as many konnector jobs as it may/,
  )
  await house.at('2026-05-01T00:00:41.000Z')
  assert.equal((await house.jobsOf(id)).length, 0)
  assert.match((await house.state(id))?.skip_reason ?? '', /as many konnector jobs/)
  await house.at('2026-05-01T01:00:31.000Z')
  assert.equal((await house.settled(id)).length, 1)
})

test('what cannot be read is refused, each with its error', async () => {
  await clean()
  const refused: [Partial<Parameters<TriggersHouse['make']>[0]>, RegExp, number][] = [
    [{ type: '@sometimes' }, /no trigger type/, 422],
    [{ arguments: 'every day' }, /^Trigger unparsable$/, 400],
    [{ type: '@at', arguments: 'tomorrow' }, /^Trigger unparsable$/, 400],
    [{ type: '@every', arguments: '10ms' }, /^Trigger unparsable$/, 400],
    [{ type: '@in', arguments: '-5m' }, /^Trigger unparsable$/, 400],
    [{ type: '@weekly', arguments: 'on someday' }, /^Trigger unparsable$/, 400],
    [{ type: '@event', arguments: '' }, /^Trigger unparsable$/, 400],
    [{ type: '@event', arguments: 'io.cozy.files:CREATED:a:b:c' }, /^Trigger unparsable$/, 400],
    [{ debounce: 'soon' }, /debounce is a duration/, 422],
  ]
  for (const [given, message, status] of refused)
    await assert.rejects(async () => house.make(given), { message, status }, JSON.stringify(given))
})

test('every type that time starts has a next run; the others have none', async () => {
  await clean()
  const types: [TriggerType, string, boolean][] = [
    ['@at', '2027-01-01T00:00:00Z', true],
    ['@in', '1h', true],
    ['@every', '1h', true],
    ['@cron', '@daily', true],
    ['@hourly', '', true],
    ['@daily', 'between 2am and 5am', true],
    ['@weekly', 'on sun', true],
    ['@monthly', 'on the 31', true],
    ['@event', 'io.cozy.contacts', false],
    ['@webhook', '', false],
    ['@client', '', false],
  ]
  for (const [type, text, timed] of types) {
    const { id, body } = await house.make({ type, arguments: text })
    assert.equal((await house.state(id))?.next_execution !== undefined, timed, type)
    assert.equal(body.worker, type === '@client' ? 'client' : 'konnector')
  }
  assert.equal((await house.ground.documents.of(house.alice).list(TRIGGERS)).length, types.length)
})

test('a device’s job runs at once, and ends when the device says so', async () => {
  await clean()
  const { id } = await house.make({ type: '@client' })
  const job = await house.triggers.launch(house.alice, id)
  assert.equal(job.body.state, 'running')
  assert.equal(job.body.worker, 'client')
  await house.jobs.endClientJob(house.alice, job.id, { state: 'errored', error: 'LOGIN_FAILED' })
  assert.equal((await house.state(id))?.last_error, 'LOGIN_FAILED')
})
