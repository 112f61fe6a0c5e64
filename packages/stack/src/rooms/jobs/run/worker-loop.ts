import { AsyncLocalStorage } from 'node:async_hooks'
import type { Log } from '#ground/log'
import type { Claim, Queue } from '../queue/queue.ts'
import type { Worker } from '../worker.ts'

/** Most jobs claimed in one statement: a process that stops just then holds no more than this of others' work. */
const MOST_AT_ONCE = 20

export interface WorkerLoop {
  /** There may be something to do. */
  wake(): void
  /** Claims nothing more; resolves when what was claimed has ended. */
  stop(): Promise<void>
}

/**
 * Keeps a worker busy: claims as many jobs as it has places for, each time one ends, a hint comes, or `lookEveryMs` passed.
 */
export function startWorkerLoop({
  worker,
  queue,
  doJob,
  lookEveryMs,
  log,
}: {
  worker: Worker
  queue: Pick<Queue, 'claim'>
  doJob(worker: Worker, claim: Claim): Promise<void>
  lookEveryMs(): number
  log: Log
}): WorkerLoop {
  const running = new Set<Promise<void>>()
  // Who pushes a job wakes us, from inside of a transaction: what is done here is no part of it.
  const outside = AsyncLocalStorage.snapshot()
  let looking: Promise<void> | undefined
  let again = false
  let stopped = false
  let timer: NodeJS.Timeout | undefined

  function begin(claim: Claim): void {
    const run = doJob(worker, claim)
      .catch(error => log.error('a job could not be brought to its end; its lease will end', { job: claim.id, error }))
      .finally(() => {
        running.delete(run)
        wake()
      })
    running.add(run)
  }

  async function look(): Promise<void> {
    do {
      again = false
      const free = worker.concurrency - running.size
      if (free <= 0) return
      const claims = await queue.claim(worker.name, Math.min(free, MOST_AT_ONCE))
      for (const claim of claims) begin(claim)
      if (claims.length > 0) again = true
    } while (again && !stopped)
  }

  function wake(): void {
    again = true
    if (stopped || looking) return
    clearTimeout(timer)
    looking = outside(look)
      .catch(error => {
        again = false
        log.warn('jobs could not be claimed; tried again later', { worker: worker.name, error })
      })
      .finally(() => {
        looking = undefined
        if (again) wake()
        else if (!stopped) timer = setTimeout(wake, lookEveryMs())
      })
  }

  wake()
  return {
    wake,
    async stop() {
      stopped = true
      clearTimeout(timer)
      await looking
      await Promise.all(running)
    },
  }
}
