import type { Log } from '#ground/log'
import { AttemptAborted } from '../job-error.ts'
import type { Claim, Queue } from '../queue/queue.ts'

/** A job this process is doing. */
export interface HeldJob {
  claim: Claim
  controller: AbortController
  /** When the database last said, at the latest, that the claim holds; `performance.now()`. */
  seenAt: number
}

const LOOK_EVERY_MS = 1000

/**
 * Renews the leases of all jobs of this process. A job whose lease may end before we hear of it again is let go in time: after
 * two thirds of a lease without an answer, so that what takes a few seconds to stop has stopped when another begins.
 */
export function createLeases({
  queue,
  leaseSeconds,
  log,
}: {
  queue: Pick<Queue, 'renew'>
  leaseSeconds: number
  log: Log
}) {
  const held = new Set<HeldJob>()
  const renewEveryMs = (leaseSeconds * 1000) / 5
  const longestSilenceMs = (leaseSeconds * 1000 * 2) / 3
  let timer: NodeJS.Timeout | undefined
  let renewing = false
  let ending: AttemptAborted | undefined
  let renewedAt = performance.now()

  async function renew(): Promise<void> {
    renewing = true
    renewedAt = performance.now()
    const asked = [...held]
    try {
      const holds = await queue.renew(asked.map(({ claim }) => claim))
      for (const job of asked) {
        if (holds.has(job.claim)) job.seenAt = Math.max(job.seenAt, renewedAt)
        else if (held.has(job)) lose(job, 'its lease ended, or somebody ended it')
      }
    } catch (error) {
      log.warn('leases of jobs could not be renewed', { error })
    } finally {
      renewing = false
    }
  }

  function lose(job: HeldJob, reason: string): void {
    if (job.controller.signal.aborted) return
    log.warn('a job is let go', { job: job.claim.id, worker: job.claim.worker, reason })
    job.controller.abort(new AttemptAborted('lost'))
  }

  function look(): void {
    const now = performance.now()
    for (const job of held)
      if (now - job.seenAt > longestSilenceMs) lose(job, 'the database was not heard of for too long')
    if (held.size > 0 && !renewing && now - renewedAt >= renewEveryMs) void renew()
  }

  return {
    add(claim: Claim): HeldJob {
      const job = { claim, controller: new AbortController(), seenAt: performance.now() }
      held.add(job)
      if (ending) job.controller.abort(ending)
      timer ??= setInterval(look, LOOK_EVERY_MS)
      return job
    },
    drop(job: HeldJob): void {
      held.delete(job)
      if (held.size > 0) return
      clearInterval(timer)
      timer = undefined
    },
    /** Lets go of all jobs, and of those that come. */
    end(reason: AttemptAborted): void {
      ending = reason
      for (const { controller } of held) controller.abort(reason)
    },
    /** A job was ended by somebody. */
    cancel(id: string): void {
      for (const { claim, controller } of held) if (claim.id === id) controller.abort(new AttemptAborted('cancelled'))
    },
  }
}

export type Leases = ReturnType<typeof createLeases>
