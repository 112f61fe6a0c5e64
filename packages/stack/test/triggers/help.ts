import { createAccounts } from '../../src/rooms/accounts/index.ts'
import { createData } from '../../src/rooms/data/index.ts'
import { createTriggers, type NewTrigger } from '../../src/rooms/triggers/index.ts'
import { fakeClock, type JobsHouseOptions, openJobs } from '../jobs/help.ts'

export const START = '2026-03-01T10:00:00.000Z'

/** Instances, accounts, jobs with a worker that says what it got, triggers; a clock that is turned by hand. */
export async function openTriggers({
  domain = 'alice.localhost',
  holdMs,
  ...options
}: JobsHouseOptions & { domain?: string; holdMs?: number } = {}) {
  await using cleanup = new AsyncDisposableStack()
  const clock = fakeClock(START)
  const house = cleanup.use(await openJobs({ clock, ...options }))
  const { ground, instances, jobs } = house
  const data = cleanup.use(createData(ground))
  const accounts = createAccounts(ground, { instances, data })
  const triggers = cleanup.use(
    createTriggers(ground, { instances, jobs, accounts }, holdMs === undefined ? {} : { holdMs }),
  )
  /** What the next runs throw, by the name in the message. */
  const failures = new Map<string, Error>()
  for (const name of ['konnector', 'service'])
    await jobs.registerWorker({
      name,
      maxAttempts: 1,
      async run({ message }) {
        const failure = failures.get((message as { konnector?: string } | null)?.konnector ?? '')
        if (failure) throw failure
      },
    })
  const alice = (await instances.byDomain(domain)) ?? (await instances.create({ domain, locale: 'fr' })).instance
  await jobs.start()
  const jobsOf = async (id: string) => (await jobs.ofTriggers(alice, [id], 50)).get(id) ?? []
  const opened = cleanup.move()
  return {
    ...house,
    clock,
    data,
    accounts,
    triggers,
    failures,
    alice,
    jobsOf,
    make: (given: Partial<NewTrigger>) =>
      triggers.create(alice, {
        type: '@cron',
        worker: 'konnector',
        arguments: '0 3 * * *',
        message: { konnector: 'acme' },
        ...given,
      }),
    state: (id: string) => triggers.stateOf(alice, id),
    /** Turns the clock, does what is due, and waits for the jobs that came of it. @returns how much was due */
    async at(to: string) {
      clock.set(to)
      return await triggers.doDue()
    },
    async settled(id: string) {
      for (const job of await jobsOf(id)) await house.ended(job.id)
      return await jobsOf(id)
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}

export type TriggersHouse = Awaited<ReturnType<typeof openTriggers>>
