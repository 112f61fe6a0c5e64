import type { Documents, DocumentTransaction, StoredDocument } from '#ground/documents/contract'
import type { Ground } from '#ground/ground'
import type { Tenant } from '#ground/tenant'
import type { Instance } from '#rooms/instances'
import { hasEnded, JOBS, jobRecord, ZERO_DATE } from './job.ts'
import type { Queue } from './queue/queue.ts'
import { type EndListener, type JobOutcome, writeEnd } from './run/begin.ts'
import { allOpenJobs } from './store.ts'
import { CLIENT } from './worker.ts'

const HOUR_MS = 3_600_000
export const CANCELLED = 'CANCELLED'
const NOT_HERE = 'the instance came from another server, where this job was'

/** Ending jobs from outside of their run. */
export function createUpkeep({
  documents,
  clock,
  queue,
  listeners,
}: Pick<Ground, 'clock'> & { documents: Documents; queue: Queue; listeners: EndListener[] }) {
  /** Whoever does the job meanwhile finds its claim gone, and lets it go. */
  async function end(writer: DocumentTransaction, job: StoredDocument, outcome: JobOutcome): Promise<boolean> {
    const { worker } = jobRecord(job)
    if (worker !== CLIENT) await queue.withdraw(writer.query, worker, [job.id])
    return await writeEnd({ clock, listeners }, writer, job.id, outcome)
  }

  return {
    end,

    /**
     * Ends a job, running or not: `errored`, `CANCELLED`. A worker that is at it is told to stop.
     * @returns the job as it is then; undefined when there is none
     */
    cancel: (tenant: Tenant, id: string): Promise<StoredDocument | undefined> =>
      documents.transaction(tenant, async writer => {
        const job = await writer.get(JOBS, id)
        if (!job || job.deleted) return undefined
        if (hasEnded(jobRecord(job))) return job
        await end(writer, job, { state: 'errored', error: CANCELLED })
        return await writer.get(JOBS, id)
      }),

    /**
     * `POST /jobs/clean`: says `done` of what has been under way for an hour; of what has not begun, since it was queued.
     * @returns how many
     */
    clean: (tenant: Tenant): Promise<number> =>
      documents.transaction(tenant, async writer => {
        const before = clock.now().getTime() - HOUR_MS
        let ended = 0
        for (const job of await allOpenJobs(writer.query, tenant.id)) {
          const { started_at, queued_at } = jobRecord(job)
          const since = Date.parse(started_at === ZERO_DATE ? queued_at : started_at)
          if (since < before && (await end(writer, job, { state: 'done' }))) ended++
        }
        return ended
      }),

    /** What was open in an archive is in no queue of this server. */
    endImported: (instance: Instance): Promise<void> =>
      documents.transaction(instance, async writer => {
        for (const job of await allOpenJobs(writer.query, instance.id))
          await writeEnd({ clock, listeners }, writer, job.id, { state: 'errored', error: NOT_HERE })
      }),
  }
}

export type Upkeep = ReturnType<typeof createUpkeep>
