import { AsyncLocalStorage } from 'node:async_hooks'
import type { Ground } from '#ground/ground'
import { type Due, earliestDue, takeDue } from '../store.ts'

export interface Scheduler extends AsyncDisposable {
  /** Begins to do what is due. */
  start(): void
  /** Something may be due earlier than what was known. */
  wake(): void
  /** Does what is due now, once. @returns how much there was */
  round(): Promise<number>
}

/** Taken at a time: a second's worth of the busiest we promise. */
const BATCH = 100
/** Done side by side; each holds a connection. */
const AT_ONCE = 4
/** What a process took and did not do is another's after so long. */
const HOLD_MS = 30_000
/** The clock may be set, and another process's news may be lost. */
const LONGEST_SLEEP_MS = 30_000
const SHORTEST_SLEEP_MS = 5
const AFTER_FAILURE_MS = 1000

/**
 * Does triggers when they are due: takes those that are, sleeps until the next is. What is not due is neither read nor known
 * here, so its number costs nothing. Any number of processes do the same; each slot is taken by one.
 */
export function createScheduler({
  database,
  clock,
  log,
  work,
  holdMs = HOLD_MS,
}: Pick<Ground, 'database' | 'clock' | 'log'> & { work(due: Due): Promise<void>; holdMs?: number }): Scheduler {
  // Who writes a trigger wakes us, from inside of a transaction: what is done here is no part of it.
  const outside = AsyncLocalStorage.snapshot()
  let running = false
  let again = false
  let current: Promise<void> | undefined
  let timer: NodeJS.Timeout | undefined

  async function round(): Promise<number> {
    let done = 0
    for (;;) {
      const now = clock.now()
      const batch = await takeDue(database.query, now, new Date(now.getTime() + holdMs), BATCH)
      await sideBySide(batch, AT_ONCE, async due => {
        await work(due).catch(error =>
          log.error('a trigger could not be started; tried again', { trigger: due.triggerId, kind: due.kind, error }),
        )
      })
      done += batch.length
      if (batch.length < BATCH) return done
    }
  }

  async function untilQuiet(): Promise<number> {
    do {
      again = false
      await round()
    } while (again && running)
    const next = await earliestDue(database.query)
    const wait = next ? next.getTime() - clock.now().getTime() : LONGEST_SLEEP_MS
    return Math.min(LONGEST_SLEEP_MS, Math.max(SHORTEST_SLEEP_MS, wait))
  }

  function wake(): void {
    again = true
    if (!running || current) return
    clearTimeout(timer)
    current = outside(untilQuiet)
      .catch(error => {
        log.warn('what is due could not be read; tried again', { error })
        return AFTER_FAILURE_MS
      })
      .then(wait => {
        current = undefined
        if (running) timer = setTimeout(wake, again ? 0 : wait)
      })
  }

  return {
    start() {
      running = true
      wake()
    },
    wake,
    round,
    async [Symbol.asyncDispose]() {
      running = false
      clearTimeout(timer)
      await current
    },
  }
}

async function sideBySide<T>(items: T[], most: number, work: (item: T) => Promise<void>): Promise<void> {
  const left = items.values()
  const one = async () => {
    for (const item of left) await work(item)
  }
  await Promise.all(Array.from({ length: Math.min(most, items.length) }, one))
}
