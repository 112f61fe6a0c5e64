import { setTimeout as delay } from 'node:timers/promises'
import { DatabaseUnavailable, StatementTimeout } from '#ground/database/index'
import type { Ground } from '#ground/ground'
import type { Instances } from '#rooms/instances'
import { AttemptAborted } from '../job-error.ts'
import type { Claim, Queue } from '../queue/queue.ts'
import type { Worker } from '../worker.ts'
import { tryJob } from './attempts.ts'
import { type BegunJob, beginJob, ClaimLost, type EndListener, endJob, type JobOutcome } from './begin.ts'
import type { HeldJob, Leases } from './leases.ts'

/** So often a job may lose its worker (a crash, a kill) before it is taken for the cause. */
export const MOST_LOSSES = 20
const LOST_TOO_OFTEN = `the server lost this job ${MOST_LOSSES} times`
const AGAIN_MS = { first: 100, most: 2000 }

export interface DoJobDeps extends Pick<Ground, 'documents' | 'clock' | 'log' | 'database'> {
  instances: Pick<Instances, 'byId'>
  queue: Queue
  leases: Leases
  listeners: EndListener[]
}

/** Does one claimed job from its beginning to its end. Rejects only when the database cannot be reached for long. */
export async function doJob(deps: DoJobDeps, worker: Worker, claim: Claim): Promise<void> {
  const { instances, queue, leases, database } = deps
  const held = leases.add(claim)
  const log = deps.log.with({ job: claim.id, worker: worker.name })
  try {
    const instance = await instances.byId(claim.tenantId)
    if (!instance) {
      await database.transaction(query => queue.settle(query, claim))
      return
    }
    const begun = await beginJob(deps, instance, worker, claim)
    if (!begun) return
    const outcome =
      claim.fence >= MOST_LOSSES
        ? ({ state: 'errored', error: LOST_TOO_OFTEN } satisfies JobOutcome)
        : await attempt(deps, worker, held, begun)
    if (outcome) await untilAnswered(held, () => endJob(deps, instance, claim, outcome))
    else if (abortedFor(held) === 'shutdown') await queue.giveBack(claim)
  } catch (error) {
    if (!(error instanceof ClaimLost)) throw error
    log.warn('another worker has this job; what was done here is not written')
  } finally {
    leases.drop(held)
  }
}

function attempt({ queue, log }: DoJobDeps, worker: Worker, held: HeldJob, { job, limits }: BegunJob) {
  return tryJob({
    worker,
    job,
    ...limits,
    signal: held.controller.signal,
    log: log.with({ job: job.id, worker: worker.name }),
    heartbeat: async () => (await queue.renew([held.claim])).has(held.claim),
  })
}

const abortedFor = ({ controller }: HeldJob) =>
  controller.signal.reason instanceof AttemptAborted ? controller.signal.reason.why : undefined

/** A job that is done is not done again because the database was away for a moment; while the lease holds, we try. */
async function untilAnswered(held: HeldJob, work: () => Promise<void>): Promise<void> {
  for (let wait = AGAIN_MS.first; ; wait = Math.min(2 * wait, AGAIN_MS.most)) {
    try {
      return await work()
    } catch (error) {
      const maybeLater = error instanceof DatabaseUnavailable || error instanceof StatementTimeout
      if (!maybeLater || held.controller.signal.aborted) throw error
    }
    await delay(wait)
  }
}
