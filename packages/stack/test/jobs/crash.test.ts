import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { openJobs } from './help.ts'

const started = new Set<ChildProcess>()
after(() => {
  for (const child of started) child.kill('SIGKILL')
})

interface Execution {
  job: string
  account: string
  pid: number
  began: Date
  ended: Date | null
}

/** A worker in a process of its own, when it is at work. */
async function worker(url: string): Promise<ChildProcess> {
  const script = join(import.meta.dirname, 'crash-worker.ts')
  const child = spawn(process.execPath, [script, url], { stdio: ['pipe', 'pipe', 'inherit'] })
  started.add(child)
  child.once('exit', () => started.delete(child))
  await once(child.stdout!, 'data')
  return child
}

async function prepared() {
  const house = await openJobs({ jobs: { leaseSeconds: 10 } })
  await house.database.driver.query(
    `create table public.executions (n serial primary key, job text not null, account text, pid integer not null,
       began timestamptz not null default clock_timestamp(), ended timestamptz)`,
  )
  // Only pushes: the work is others'.
  await house.jobs.registerWorker({ name: 'konnector', run: async () => assert.fail('not here') })
  await house.jobs.start({ work: false })
  const alice = await house.instance()
  const executions = async () =>
    (await house.database.driver.query<Execution>('select * from public.executions order by n')).rows
  const open = () => house.jobs.listOpen(alice, 'konnector')
  return { house, alice, executions, open }
}

/** Looks again until it is so; nothing tells us what happens in other processes. */
async function until(what: string, isSo: () => Promise<boolean>, mostMs: number): Promise<number> {
  const began = performance.now()
  while (!(await isSo())) {
    if (performance.now() - began > mostMs) throw new Error(`not within ${mostMs} ms: ${what}`)
    await delay(50)
  }
  return performance.now() - began
}

test('a worker that is killed in the middle: its job is taken over within 60 s, and done', {
  timeout: 120_000,
}, async () => {
  const { house, alice, executions } = await prepared()
  await using _ = house
  const first = await worker(house.url)
  const { id } = await house.jobs.push(alice, { worker: 'konnector', message: { account: 'a', ms: 1500 } })
  await until('it began', async () => (await executions()).length === 1, 10_000)
  first.kill('SIGKILL')
  const second = await worker(house.url)
  const took = await until('it was taken over', async () => (await executions()).length === 2, 60_000)
  assert.equal((await house.record(alice, id)).state, 'running', 'nothing else is said meanwhile')
  await until('it is done', async () => (await house.record(alice, id)).state === 'done', 10_000)
  const [lost, done] = await executions()
  assert.equal(lost?.ended, null)
  assert.ok(done?.ended)
  assert.ok(took < 20_000, `with a lease of 10 s it took ${Math.round(took)} ms`)
  second.stdin?.end()
  await once(second, 'exit')
})

test('a worker that is asked to stop gives its job back at once', { timeout: 60_000 }, async () => {
  const { house, alice, executions } = await prepared()
  await using _ = house
  const [first] = [await worker(house.url)]
  const { id } = await house.jobs.push(alice, { worker: 'konnector', message: { account: 'a', ms: 2000 } })
  await until('it began', async () => (await executions()).length === 1, 10_000)
  const second = await worker(house.url)
  first?.stdin?.end()
  const took = await until('it was taken over', async () => (await executions()).length === 2, 5000)
  await until('it is done', async () => (await house.record(alice, id)).state === 'done', 10_000)
  assert.ok(took < 3000, `${Math.round(took)} ms`)
  second.kill('SIGKILL')
})

test('workers killed at random: no job is lost, none is done twice at once, accounts one run at a time', {
  timeout: 300_000,
}, async () => {
  const { house, alice, executions, open } = await prepared()
  await using _ = house
  const KILLS = 12
  const ids: string[] = []
  for (let index = 0; index < 60; index++) {
    const message = { account: `account ${index % 12}`, ms: 20 + ((index * 37) % 400) }
    ids.push((await house.jobs.push(alice, { worker: 'konnector', message, unlimited: true })).id)
  }
  const killedAt = new Map<number, number>()
  const workers = await Promise.all([worker(house.url), worker(house.url)])
  for (let kill = 0; kill < KILLS; kill++) {
    await delay(Math.random() * 700)
    const index = kill % workers.length
    const victim = workers[index]!
    victim.kill('SIGKILL')
    await once(victim, 'exit')
    killedAt.set(victim.pid!, Date.now())
    workers[index] = await worker(house.url)
  }
  await until('all are done', async () => (await open()).length === 0, 90_000)
  for (const id of ids) assert.equal((await house.record(alice, id)).state, 'done')
  const all = await executions()
  for (const id of ids)
    assert.ok(
      all.some(({ job, ended }) => job === id && ended),
      `${id} was done`,
    )
  const endOf = ({ ended, pid }: Execution) => ended?.getTime() ?? killedAt.get(pid) ?? Number.POSITIVE_INFINITY
  for (const [index, one] of all.entries())
    for (const other of all.slice(index + 1)) {
      if (one.job !== other.job && one.account !== other.account) continue
      const [first, second] = one.began <= other.began ? [one, other] : [other, one]
      assert.ok(
        endOf(first) <= second.began.getTime() + 2,
        `${first.job} and ${second.job} of ${first.account} at once`,
      )
    }
  const { rows } = await house.database.driver.query('select from konnectory_jobs.job')
  assert.equal(rows.length, 0, 'nothing stays in the queue')
  assert.ok(all.length > ids.length, 'some were interrupted')
  for (const each of workers) each.kill('SIGKILL')
})
