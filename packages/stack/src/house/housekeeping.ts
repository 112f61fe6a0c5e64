import type { Log } from '#ground/log'

/** Something to be done now and then. Several processes may do it at the same time. */
export interface Chore {
  name: string
  everyMs: number
  /** Also at once: what an end by force may have left. */
  atStart?: true
  work(): Promise<unknown>
}

/** Does each chore after its time, never two runs of one at once; a failure is logged and the next time comes. */
export function startHousekeeping(chores: Chore[], log: Log): AsyncDisposable {
  let stopped = false
  const running = new Set<Promise<void>>()
  const timers = new Map<string, NodeJS.Timeout>()
  const later = (chore: Chore) => {
    if (stopped) return
    timers.set(chore.name, setTimeout(() => begin(chore), chore.everyMs).unref())
  }
  const begin = (chore: Chore) => {
    const run = chore
      .work()
      .then(
        () => {},
        error => log.error('a chore failed; it is done again at its next time', { chore: chore.name, error }),
      )
      .finally(() => {
        running.delete(run)
        later(chore)
      })
    running.add(run)
  }
  for (const chore of chores) chore.atStart ? begin(chore) : later(chore)
  return {
    async [Symbol.asyncDispose]() {
      stopped = true
      for (const timer of timers.values()) clearTimeout(timer)
      await Promise.all(running)
    },
  }
}
