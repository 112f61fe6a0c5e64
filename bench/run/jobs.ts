/**
 * Jobs and triggers: what a tick of the scheduler costs with a million triggers stored, how late 100 due per second are, how
 * fast a job is picked up and how many no-op jobs a process does.
 *
 *     node bench/run/jobs.ts             prints a table
 *     node bench/run/jobs.ts --quick     with 50,000 triggers
 *
 * Exits 1 when a number misses its limit.
 */
import { systemClock } from '../../packages/stack/src/ground/clock.ts'
import { JOBS } from '../../packages/stack/src/rooms/jobs/index.ts'
import { earliestDue, takeDue } from '../../packages/stack/src/rooms/triggers/store.ts'
import { openTriggers, type TriggersHouse } from '../../packages/stack/test/triggers/help.ts'
import { format, isOver, type Line } from '../lib/report.ts'

const FEW = 1000
const WORKER = 'bench'
const PER_SECOND = 100

/** @param stored how many triggers there are that are not due @param seconds how long 100 per second become due */
export async function jobs({ stored, seconds }: { stored: number; seconds: number }): Promise<Line[]> {
  const began = new Map<string, number>()
  let wanted = Promise.withResolvers<void>()
  let left = 0
  const seen = (id: string) => {
    began.set(id, Date.now())
    if (--left === 0) wanted.resolve()
  }
  await using house = await openTriggers({ clock: systemClock, connections: 10 })
  await house.jobs.registerWorker({ name: WORKER, concurrency: 8, run: async ({ id }) => seen(id) })
  const expect = (count: number) => {
    left = count
    wanted = Promise.withResolvers<void>()
    return wanted
  }
  const lines: Line[] = []

  await fill(house, 0, FEW)
  const few = await tickCost(house)
  const started = performance.now()
  await fill(house, FEW, stored)
  process.stderr.write(`${stored} triggers stored in ${Math.round((performance.now() - started) / 1000)} s\n`)
  const many = await tickCost(house)
  lines.push({
    what: `tick with ${stored} triggers stored, p50`,
    value: many,
    unit: 'ms',
    against: { name: `with ${FEW}`, value: few },
    limit: 2,
  })

  const opening = performance.now()
  {
    await using again = await openTriggersAgain(house)
    await again.triggers.doDue()
  }
  lines.push({ what: 'open, start and first tick', value: performance.now() - opening, unit: 'ms', limit: 3000 })

  const count = PER_SECOND * seconds
  const { promise: all } = expect(count)
  const dues = await becomeDue(house, count)
  house.triggers.start()
  await all
  const lags = await lagsOf(house, dues)
  lines.push({ what: `${PER_SECOND} due per second: lag p50`, value: percentile(lags, 50), unit: 'ms' })
  lines.push({ what: `${PER_SECOND} due per second: lag p99`, value: percentile(lags, 99), unit: 'ms', limit: 1000 })

  const pickUps: number[] = []
  for (let index = 0; index < 300; index++) {
    const { promise } = expect(1)
    const at = performance.now()
    await house.jobs.push(house.alice, { worker: WORKER, message: null })
    const stored = performance.now()
    await promise
    pickUps.push(Math.max(0, performance.now() - stored))
    if (performance.now() - at > 5000) throw new Error('a job waited for more than 5 s')
  }
  lines.push({ what: 'pushed → worker called, p50', value: percentile(pickUps, 50), unit: 'ms' })
  lines.push({ what: 'pushed → worker called, p99', value: percentile(pickUps, 99), unit: 'ms', limit: 100 })

  const instances = await Promise.all(Array.from({ length: 20 }, (_, index) => house.instance(`i${index}.example`)))
  const jobsToDo = 1000
  const { promise: done } = expect(jobsToDo)
  const from = performance.now()
  await Promise.all(
    instances.map(async instance => {
      for (let index = 0; index < jobsToDo / instances.length; index++)
        await house.jobs.push(instance, { worker: WORKER, message: null })
    }),
  )
  await done
  lines.push({
    what: 'no-op jobs pushed and done',
    value: (jobsToDo * 1000) / (performance.now() - from),
    unit: 'per s',
  })
  return lines
}

/** Triggers of ten thousand instances, due within the next month, written as they would be. */
async function fill({ database, alice }: TriggersHouse, from: number, to: number): Promise<void> {
  const { driver } = database
  await driver.query('set statement_timeout = 0')
  for (let start = from; start < to; start += 50_000) {
    const values = [start, Math.min(start + 50_000, to) - 1]
    await driver.query(
      `insert into konnectory.docs (instance_id, doctype, id, rev, generation, deleted, seq, history, doc)
       select md5((n % 10000)::text)::uuid, 'io.cozy.triggers', md5(n::text), '1-' || md5(n::text), 1, false, n, '{}',
              jsonb_build_object('domain', 'x', 'type', '@cron', 'worker', 'konnector', 'arguments', '0 42 3 * * 4',
                'debounce', '', 'options', null, 'message', jsonb_build_object('konnector', 'acme', 'account', md5(n::text)))
         from generate_series($1::int, $2::int) n`,
      values,
    )
    await driver.query(
      `insert into konnectory.trigger_schedule (instance_id, trigger_id, kind, due)
       select md5((n % 10000)::text)::uuid, md5(n::text), 'slot', now() + interval '1 day' + random() * interval '30 days'
         from generate_series($1::int, $2::int) n`,
      values,
    )
  }
  await driver.query('analyze konnectory.trigger_schedule')
  if (alice.id === '') throw new Error('there is no instance')
}

/** What the scheduler does when it looks: take what is due, ask when the next is. */
async function tickCost({ database }: TriggersHouse): Promise<number> {
  const times: number[] = []
  for (let index = 0; index < 300; index++) {
    const from = performance.now()
    const now = new Date()
    await takeDue(database.query, now, now, 100)
    await earliestDue(database.query)
    times.push(performance.now() - from)
  }
  return percentile(times.slice(50), 50)
}

/** The same database, opened by another process's worth of rooms. */
const openTriggersAgain = (house: TriggersHouse) =>
  openTriggers({ clock: systemClock, url: house.url, domain: 'again.example' })

/** Real triggers of real instances, each due at its own hundredth of a second. @returns when, by trigger */
async function becomeDue(house: TriggersHouse, count: number): Promise<Map<string, number>> {
  const instances = await Promise.all(Array.from({ length: 50 }, (_, index) => house.instance(`due${index}.example`)))
  const made: string[] = []
  await Promise.all(
    instances.map(async (instance, index) => {
      for (let n = index; n < count; n += instances.length) {
        const arguments_ = { type: '@cron', worker: WORKER, arguments: '0 0 5 1 1 *' }
        made.push(`${instance.id} ${(await house.triggers.create(instance, arguments_)).id}`)
      }
    }),
  )
  const first = Date.now() + 1000
  const dues = new Map(made.map((key, index) => [key.split(' ')[1]!, first + (index * 1000) / PER_SECOND]))
  await house.database.driver.query(
    `update konnectory.trigger_schedule s set due = w.due
       from unnest($1::text[], $2::timestamptz[]) as w(trigger_id, due) where s.trigger_id = w.trigger_id and kind = 'slot'`,
    [[...dues.keys()], [...dues.values()].map(at => new Date(at).toISOString())],
  )
  return dues
}

async function lagsOf({ database }: TriggersHouse, dues: Map<string, number>): Promise<number[]> {
  const { rows } = await database.driver.query<{ trigger_id: string; at: string }>(
    `select doc ->> 'trigger_id' as trigger_id, doc ->> 'queued_at' as at from konnectory.docs
      where doctype = $1 and not deleted and doc ? 'trigger_id'`,
    [JOBS],
  )
  if (rows.length !== dues.size) throw new Error(`${rows.length} jobs of ${dues.size} triggers`)
  return rows.map(({ trigger_id, at }) => Date.parse(at) - dues.get(trigger_id)!)
}

function percentile(values: number[], percent: number): number {
  const sorted = values.toSorted((one, other) => one - other)
  return sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * percent) / 100))] ?? Number.NaN
}

if (import.meta.main) {
  const quick = process.argv.includes('--quick')
  const lines = await jobs(quick ? { stored: 50_000, seconds: 5 } : { stored: 1_000_000, seconds: 20 })
  for (const line of lines) process.stdout.write(`${format(line)}\n`)
  process.exitCode = lines.some(isOver) ? 1 : 0
}
