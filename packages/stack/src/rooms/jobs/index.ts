import { join } from 'node:path'
import type { MigrationSource } from '#ground/database/index'
import type { DocumentTransaction, StoredDocument } from '#ground/documents/contract'
import type { Ground } from '#ground/ground'
import type { Route } from '#ground/http/route'
import type { Tenant } from '#ground/tenant'
import type { Instances } from '#rooms/instances'
import { JOBS } from './job.ts'
import { AttemptAborted } from './job-error.ts'
import { KEEP_MS, purgeJobs } from './purge.ts'
import { createPurgeRound } from './purge-round.ts'
import { createPush } from './push.ts'
import { createListener, type Listener } from './queue/listener.ts'
import { createQueue, type QueueOptions } from './queue/queue.ts'
import { adminJobRoutes } from './routes/admin.ts'
import { jobRoutes } from './routes/jobs.ts'
import { maintenanceRoutes } from './routes/maintenance.ts'
import { supportRoutes } from './routes/support.ts'
import type { EndListener } from './run/begin.ts'
import { doJob } from './run/do-job.ts'
import { createLeases } from './run/leases.ts'
import { startWorkerLoop, type WorkerLoop } from './run/worker-loop.ts'
import { jobsOfTriggers, openJobs } from './store.ts'
import { createUpkeep } from './upkeep.ts'
import { CLIENT, kindOfWorker, type Worker, type WorkerDefinition, withDefaults } from './worker.ts'

export {
  hasEnded,
  JOBS,
  type JobOptions,
  type JobRecord,
  type JobState,
  jobRecord,
  readMessage,
  ZERO_DATE,
} from './job.ts'
export { AttemptAborted, JobError, TIMED_OUT } from './job-error.ts'
export { jobAnswer, jobsAnswer, presentJob } from './present.ts'
export { asRequestError, JobRefused, type NewJob, RateExceeded } from './push.ts'
export type { Listener } from './queue/listener.ts'
export type { EndedJob, EndListener, JobOutcome } from './run/begin.ts'
export { CANCELLED } from './upkeep.ts'
export type { AttemptContext, PushedJob, RunningJob, WorkerDefinition } from './worker.ts'
export { CLIENT, kindOfWorker } from './worker.ts'

/** Tables of this room, and the queue's own schema. */
export const migrations: MigrationSource = { room: 'jobs', folder: join(import.meta.dirname, 'migrations') }

export interface JobsDeps {
  instances: Pick<Instances, 'byId' | 'rates' | 'onDestroy' | 'archive'>
}

export interface JobsOptions extends Partial<QueueOptions> {
  /** How often a worker looks by itself while hints come; without the connection for hints every second. */
  lookEveryMs?: number
}

/** A worker that is gone is noticed after a lease and two rounds: 35 s, and its jobs go on (`design.md` §6: 60 s). */
const LEASE = { leaseSeconds: 25, superviseSeconds: 5 }
const LOOK_EVERY_MS = 5000
const LOOK_EVERY_WITHOUT_HINTS_MS = 1000

/** Work that is done later, once, whatever happens meanwhile. Knows nothing of what the work is: workers register. */
export function createJobs(ground: Ground, { instances }: JobsDeps, options: JobsOptions = {}) {
  const { documents, database, clock, log } = ground
  const { leaseSeconds = LEASE.leaseSeconds, superviseSeconds = LEASE.superviseSeconds } = options
  const listener: Listener = createListener(database.driver, log)
  const queue = createQueue(database, { leaseSeconds, superviseSeconds }, listener, log)
  const leases = createLeases({ queue, leaseSeconds, log })
  const workers = new Map<string, Worker>()
  const loops = new Map<string, WorkerLoop>()
  const listeners: EndListener[] = []
  let works = false
  let resting: Promise<void> | undefined
  let starting: Promise<void> | undefined
  let disposed: Promise<void> | undefined

  queue.onHint({
    ready: worker => loops.get(worker)?.wake(),
    withdrawn: id => leases.cancel(id),
    gap: () => {
      for (const loop of loops.values()) loop.wake()
    },
  })

  const { push } = createPush({
    documents,
    clock,
    instances,
    queue,
    workers,
    wake: worker => loops.get(worker)?.wake(),
  })
  const purgeRound = createPurgeRound(ground, instances)
  listeners.push(purgeRound.noticed)
  const upkeep = createUpkeep({ documents, clock, queue, listeners })
  instances.onDestroy(instance => queue.forget(instance.id))
  instances.archive.onImported(upkeep.endImported)

  const startLoop = (worker: Worker) =>
    loops.set(
      worker.name,
      startWorkerLoop({
        worker,
        queue,
        doJob: (of, claim) =>
          doJob({ documents, clock, log, database, instances, queue, leases, listeners }, of, claim),
        lookEveryMs: () => (listener.connected ? (options.lookEveryMs ?? LOOK_EVERY_MS) : LOOK_EVERY_WITHOUT_HINTS_MS),
        log,
      }),
    )

  function work(): void {
    works = true
    if (!resting) for (const worker of workers.values()) if (!loops.has(worker.name)) startLoop(worker)
  }

  function rest(): Promise<void> {
    resting ??= (async () => {
      const stopping = [...loops.values()].map(loop => loop.stop())
      leases.end(new AttemptAborted('shutdown'))
      await Promise.all(stopping)
    })()
    return resting
  }

  const service = {
    push,
    async find(tenant: Tenant, id: string): Promise<StoredDocument | undefined> {
      const job = await documents.of(tenant).get(JOBS, id)
      return job && !job.deleted ? job : undefined
    },
    /** Jobs of a worker that have not ended, oldest first. */
    listOpen: (tenant: Tenant, worker: string, limit = 200) => openJobs(database.query, tenant.id, worker, limit),
    /** The newest jobs of triggers, newest first. @param writer to see what its transaction has written */
    ofTriggers: (tenant: Tenant, triggerIds: string[], limit: number, writer?: DocumentTransaction) =>
      jobsOfTriggers(writer?.query ?? database.query, tenant.id, triggerIds, limit),
    cancel: upkeep.cancel,
    clean: upkeep.clean,
    /** Removes old jobs (`protocol/jobs.md` §2). Default: those of more than two weeks ago, of all workers. */
    purge: (
      tenant: Tenant,
      { olderThanMs = KEEP_MS, workers: of }: { olderThanMs?: number; workers?: string[] } = {},
    ) => purgeJobs(ground, tenant, { before: new Date(clock.now().getTime() - olderThanMs), workers: of }),
    /** Ends a job of the worker `client`, which a device does. */
    endClientJob: (tenant: Tenant, id: string, outcome: { state: 'done' | 'errored'; error?: string | undefined }) =>
      documents.transaction(tenant, async writer => {
        const job = await writer.get(JOBS, id)
        if (job && !job.deleted) await upkeep.end(writer, job, outcome)
        return await writer.get(JOBS, id)
      }),
    kindOf: (worker: string) => kindOfWorker(worker, workers.has(worker)),
    has: (worker: string) => workers.has(worker),
  }

  return {
    ...service,
    listener,

    /** Says who does the jobs of a name. @returns when its jobs can be pushed: at once before `start` */
    async registerWorker(definition: WorkerDefinition): Promise<void> {
      if (definition.name === CLIENT || workers.has(definition.name))
        throw new Error(`there is a worker ${definition.name} already`)
      const worker = withDefaults(definition)
      workers.set(worker.name, worker)
      if (!starting) return
      await starting
      await queue.serve([worker.name])
      if (works && !resting && !loops.has(worker.name)) startLoop(worker)
    },

    /** Is told of each job that has ended, in the transaction that says so. */
    onEnded: (told: EndListener) => void listeners.push(told),

    /**
     * Opens the queue; afterwards jobs can be pushed.
     * @param work whether jobs are done at once, or not before `work()`
     */
    start({ work: worksAtOnce = true }: { work?: boolean } = {}): Promise<void> {
      starting ??= (async () => {
        await Promise.all([listener.start(), queue.start()])
        await queue.serve([...workers.keys()])
      })()
      return worksAtOnce ? starting.then(work) : starting
    },

    /** Begins to do jobs, after `start`. A process that only takes them (`--role api`) never does. */
    work,

    /** Claims nothing more, tells those at work to stop, and gives their jobs back. Jobs can still be pushed. */
    rest,

    /** Purges instances whose jobs ended here lately; once a day each. */
    housekeeping: purgeRound.work,

    routes: [...jobRoutes(service), ...maintenanceRoutes(service), ...supportRoutes(service)] as Route[],
    adminRoutes: adminJobRoutes(queue),
    migrations,

    [Symbol.asyncDispose](): Promise<void> {
      disposed ??= (async () => {
        await starting?.catch(() => {})
        await rest()
        await queue[Symbol.asyncDispose]()
        await listener[Symbol.asyncDispose]()
      })()
      return disposed
    },
  }
}

export type Jobs = ReturnType<typeof createJobs>
