import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { Body } from '../../src/ground/documents/contract.ts'
import { jobRecord } from '../../src/rooms/jobs/index.ts'
import { openTriggers, START, type TriggersHouse } from './help.ts'

let house: TriggersHouse
before(async () => {
  house = await openTriggers()
})
after(() => house[Symbol.asyncDispose]())

const docs = () => house.ground.documents.of(house.alice)
const CONTACTS = 'io.cozy.contacts'
const FILES = 'io.cozy.files'

async function listening(rules: string, more: object = {}): Promise<string> {
  for (const { id } of await house.triggers.list(house.alice)) {
    await house.triggers.remove(house.alice, id)
    await house.settled(id)
  }
  return (await house.make({ type: '@event', worker: 'service', arguments: rules, message: { name: 'x' }, ...more })).id
}

/** What the jobs of a trigger were told, oldest first. */
async function told(id: string): Promise<{ verb: string; doc: Body; old?: Body; domain: string }[]> {
  const jobs = await house.jobsOf(id)
  const created = house.events.filter(event => event.doctype === 'io.cozy.jobs' && event.verb === 'CREATED')
  return jobs
    .map(job => created.find(event => event.id === job.id)?.doc as { event?: string | null } | undefined)
    .filter(doc => doc?.event)
    .map(doc => JSON.parse(Buffer.from(doc!.event!, 'base64').toString()))
    .reverse()
}

test('a job for each change of the doctype, with what it was and what it is', async () => {
  const id = await listening(CONTACTS)
  const made = await docs().create(CONTACTS, { name: 'Ada' })
  house.clock.advance(1)
  await docs()
    .update(CONTACTS, made.id, made.rev, { name: 'Ada L.' })
    .then(({ rev }) => {
      house.clock.advance(1)
      return docs().remove(CONTACTS, made.id, rev)
    })
  await docs().create('io.cozy.bills', { amount: 1 })
  const events = await told(id)
  assert.deepEqual(
    events.map(({ verb, doc, old }) => [verb, doc.name, old?.name]),
    [
      ['CREATED', 'Ada', undefined],
      ['UPDATED', 'Ada L.', 'Ada'],
      ['DELETED', 'Ada L.', 'Ada L.'],
    ],
  )
  assert.equal(events[0]?.doc._id, made.id)
  assert.equal(events[0]?.domain, 'alice.localhost')
})

test('a job exists if and only if the change does', async () => {
  const id = await listening(CONTACTS)
  const undone = house.ground.documents.transaction(house.alice, async writer => {
    await writer.create(CONTACTS, { name: 'nobody' })
    throw new Error('undone')
  })
  await assert.rejects(undone, /undone/)
  assert.equal((await house.jobsOf(id)).length, 0)
})

test('verbs, ids, selectors, several rules', async () => {
  const cases: [string, number][] = [
    [`${CONTACTS}:CREATED`, 2],
    [`${CONTACTS}:UPDATED`, 2],
    [`${CONTACTS}:CREATED,UPDATED`, 4],
    [`${CONTACTS}:ALL`, 5],
    [`${CONTACTS}:DELETED io.cozy.bills`, 2],
    [`${CONTACTS}:ALL:one`, 3],
    [`${CONTACTS}:ALL:one,two`, 5],
    [`${CONTACTS}:ALL:other`, 0],
    // Of the new or the old document.
    [`${CONTACTS}:UPDATED:red:colour`, 1],
    [`${CONTACTS}:UPDATED:red,blue:colour`, 2],
    [`${CONTACTS}:UPDATED:!=:colour`, 1],
    [`${CONTACTS}:ALL:!=:colour`, 4],
    ['io.cozy.contact', 0],
    ['io.cozy.contacts.more', 0],
  ]
  for (const [rules, expected] of cases) {
    const id = await listening(rules)
    const one = await docs().create(CONTACTS, { colour: 'red' }, 'one')
    const two = await docs().create(CONTACTS, { colour: 'blue' }, 'two')
    const changed = await docs().update(CONTACTS, 'one', one.rev, { colour: 'green' })
    await docs().update(CONTACTS, 'two', two.rev, { colour: 'blue', more: true })
    const bill = await docs().create('io.cozy.bills', {})
    assert.ok(bill)
    await docs().remove(CONTACTS, 'one', changed.rev)
    assert.equal((await house.jobsOf(id)).length, expected, rules)
    house.clock.advance(3_600_001)
    const left = await docs().get(CONTACTS, 'two')
    await house.triggers.remove(house.alice, id)
    await docs().remove(CONTACTS, 'two', left!.rev)
  }
})

test('files below a directory, wherever they come from or go', async () => {
  const root = { type: 'directory', name: '', path: '/', dir_id: '' }
  if (!(await docs().get(FILES, 'root'))) await docs().create(FILES, root, 'root')
  await docs().create(FILES, { type: 'directory', name: 'a', path: '/a', dir_id: 'root' }, 'a')
  await docs().create(FILES, { type: 'directory', name: 'b', path: '/a/b', dir_id: 'a' }, 'b')
  await docs().create(FILES, { type: 'directory', name: 'ab', path: '/ab', dir_id: 'root' }, 'ab')
  const id = await listening(`${FILES}:ALL:a`)
  const file = (name: string, dir: string, more: Body = {}) =>
    docs().create(FILES, { type: 'file', name, dir_id: dir, ...more })
  await file('in', 'a')
  const deep = await file('deep', 'b')
  await file('beside', 'ab')
  await file('out', 'root')
  assert.equal((await house.jobsOf(id)).length, 2)
  const moved = await docs().update(FILES, deep.id, deep.rev, { type: 'file', name: 'deep', dir_id: 'ab' })
  assert.equal((await house.jobsOf(id)).length, 3, 'moved out of it')
  await docs().update(FILES, deep.id, moved.rev, { type: 'file', name: 'deeper', dir_id: 'ab' })
  assert.equal((await house.jobsOf(id)).length, 3)
  await file('trashed', 'io.cozy.files.trash-dir', { trashed: true, restore_path: '/a/b' })
  assert.equal((await house.jobsOf(id)).length, 3, 'an upload that has not ended')
  const other = await file('was here', 'a')
  await docs().update(FILES, other.id, other.rev, {
    type: 'file',
    name: 'was here',
    dir_id: 'io.cozy.files.trash-dir',
    trashed: true,
    restore_path: '/a',
  })
  assert.equal((await house.jobsOf(id)).length, 5)
})

test('jobs that events started start no others', async () => {
  const id = await listening('io.cozy.jobs')
  const other = await house.make({ type: '@event', worker: 'service', arguments: 'io.cozy.jobs:CREATED', message: {} })
  const job = await house.jobs.push(house.alice, { worker: 'konnector', message: { konnector: 'y' }, unlimited: true })
  await house.ended(job.id)
  await house.settled(id)
  await house.settled(other.id)
  assert.equal((await house.jobsOf(id)).length, 3, 'queued, running, done')
  assert.equal((await house.jobsOf(other.id)).length, 1)
})

test('debounce: one job for all that comes in time, without event', async () => {
  house.clock.set('2027-01-01T00:00:00.000Z')
  const id = await listening(CONTACTS, { debounce: '3m' })
  for (let index = 0; index < 5; index++) await docs().create(CONTACTS, { index })
  assert.equal((await house.jobsOf(id)).length, 0)
  assert.equal(await house.at('2027-01-01T00:02:59.000Z'), 0)
  assert.equal(await house.at('2027-01-01T00:03:00.000Z'), 1)
  const [job, ...more] = await house.settled(id)
  assert.ok(job)
  assert.equal(more.length, 0)
  assert.equal(jobRecord(job).debounced, true)
  assert.deepEqual(await told(id), [])
  await docs().create(CONTACTS, {})
  assert.equal(await house.at('2027-01-01T00:06:01.000Z'), 1)
  assert.equal((await house.settled(id)).length, 2)
})

test('webhooks that come within a debounce are one job with all of their payloads', async () => {
  house.clock.set('2027-02-01T00:00:00.000Z')
  const { id } = await house.make({ type: '@webhook', worker: 'service', debounce: '1m', message: {} })
  for (const payload of ['{"a":1}', 'no json', '[2]'])
    await house.triggers.call(house.alice, id, { payload: Buffer.from(payload), manual: false })
  await house.at('2027-02-01T00:01:00.000Z')
  const [job] = await house.settled(id)
  const created = house.events.find(event => event.id === job?.id && event.verb === 'CREATED')
  const payload = JSON.parse(Buffer.from(created?.doc.payload as string, 'base64').toString())
  assert.deepEqual(payload, { payloads: [{ a: 1 }, 'no json', [2]] })
})

test('an instance without event triggers pays nothing after its first change', async () => {
  await listening(CONTACTS)
  const { instance: bob } = await house.instances.create({ domain: 'bob.localhost', locale: 'en' })
  const of = house.ground.documents.of(bob)
  await of.create('io.cozy.bills', { first: true })
  await of.create('io.cozy.bills', { second: true })
  const statements: string[] = []
  const { driver } = house.database
  const query = driver.query
  const connect = driver.connect
  Object.assign(driver, {
    query: (...args: unknown[]) => {
      statements.push(String((args[0] as { name?: string }).name ?? args[0]))
      return Reflect.apply(query, driver, args)
    },
    connect: (...args: unknown[]) => {
      statements.push('connect')
      return Reflect.apply(connect, driver, args)
    },
  })
  try {
    await of.create('io.cozy.bills', { third: true })
  } finally {
    Object.assign(driver, { query, connect })
  }
  const ofBills = statements.filter(statement => statement === 'docs_insert_new')
  assert.equal(ofBills.length, 1, `one statement, the fast way: ${statements.join(' | ')}`)
  assert.ok(START)
})
