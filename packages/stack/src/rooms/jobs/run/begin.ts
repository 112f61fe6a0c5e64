import type { DocumentTransaction } from '#ground/documents/contract'
import type { Ground } from '#ground/ground'
import type { Instance } from '#rooms/instances'
import { decodeJson, hasEnded, JOBS, type JobRecord, jobRecord, moved, readMessage } from '../job.ts'
import type { Claim, Queue } from '../queue/queue.ts'
import { type Limits, limitsOf, type RunningJob, type Worker } from '../worker.ts'

/** The claim ended while it was thought to hold: whatever was to be written belongs to somebody else now. */
export class ClaimLost extends Error {
  override name = 'ClaimLost'
}

/** How a job ended. */
export interface JobOutcome {
  state: 'done' | 'errored'
  /** Stands in the document; only with `errored`. */
  error?: string | undefined
  /** What the worker returned. */
  result?: unknown
  /** The trigger asks for what is not there: it must go. */
  badTrigger?: boolean | undefined
}

/** A job that has ended, told inside the transaction that says so; what a listener throws undoes it. */
export interface EndedJob {
  id: string
  record: JobRecord
  outcome: JobOutcome
}

export type EndListener = (writer: DocumentTransaction, ended: EndedJob) => Promise<void>

export interface BegunJob {
  job: RunningJob
  limits: Limits
}

interface Deps extends Pick<Ground, 'documents' | 'clock'> {
  queue: Queue
  listeners: EndListener[]
}

/**
 * The document of a claimed job becomes `running`, unless it is already: then its last worker was lost.
 * @returns undefined when there is nothing to do (any more); the claim is settled
 * @throws ClaimLost
 */
export async function beginJob(
  { documents, clock, queue }: Deps,
  instance: Instance,
  worker: Worker,
  claim: Claim,
): Promise<BegunJob | undefined> {
  return await documents.transaction(instance, async writer => {
    if (!(await queue.holds(writer.query, claim))) throw new ClaimLost()
    const stored = await writer.get(JOBS, claim.id)
    if (!stored || stored.deleted || hasEnded(jobRecord(stored))) {
      await queue.settle(writer.query, claim)
      return undefined
    }
    const record = jobRecord(stored)
    if (record.state === 'queued') {
      const body = moved(record, 'running', { started_at: clock.now().toISOString() })
      await writer.update(JOBS, claim.id, stored.rev, body)
    }
    return { job: runningJob(claim.id, instance, record), limits: limitsOf(worker, record) }
  })
}

function runningJob(id: string, instance: Instance, record: JobRecord): RunningJob {
  return {
    id,
    worker: record.worker,
    instance,
    message: readMessage(record.message),
    triggerId: record.trigger_id,
    manual: record.manual_execution === true,
    event: record.event === null ? undefined : decodeJson(record.event),
    payload: record.payload === undefined ? undefined : Buffer.from(record.payload, 'base64'),
    forwardLogs: record.forward_logs === true,
    queuedAt: record.queued_at,
  }
}

/**
 * Writes how a claimed job ended.
 * @throws ClaimLost when somebody else has the job; then nothing is written
 */
export async function endJob(deps: Deps, instance: Instance, claim: Claim, outcome: JobOutcome): Promise<void> {
  await deps.documents.transaction(instance, async writer => {
    if (!(await deps.queue.settle(writer.query, claim))) throw new ClaimLost()
    await writeEnd(deps, writer, claim.id, outcome)
  })
}

/** Writes the end of a job that is not in the queue (any more). @returns whether it was still open */
export async function writeEnd(
  { clock, listeners }: Pick<Deps, 'clock' | 'listeners'>,
  writer: DocumentTransaction,
  id: string,
  outcome: JobOutcome,
): Promise<boolean> {
  const stored = await writer.get(JOBS, id)
  if (!stored || stored.deleted || hasEnded(jobRecord(stored))) return false
  const before = jobRecord(stored)
  const { state, error } = outcome
  const body = moved(before, state, {
    finished_at: clock.now().toISOString(),
    ...(state === 'errored' && { error: error || 'UNKNOWN_ERROR' }),
  })
  const written = await writer.update(JOBS, id, stored.rev, body)
  for (const listener of listeners) await listener(writer, { id, record: jobRecord(written), outcome })
  return true
}
