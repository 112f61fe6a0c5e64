import { CompiledQuery } from 'kysely'
import type pg from 'pg'
import type { Body, Documents, DocumentTransaction, StoredDocument } from '#ground/documents/contract'
import type { Ground } from '#ground/ground'
import { badRequest, notThere } from '#ground/http/errors'
import type { Tenant } from '#ground/tenant'
import type { Instances } from '#rooms/instances'
import { encodeJson, JOBS, type JobOptions, type JobRecord, readMessage, ZERO_DATE } from './job.ts'
import type { Queue } from './queue/queue.ts'
import { GRACE_MS } from './run/attempts.ts'
import { CLIENT, kindOfWorker, limitsOf, rateOf, type Worker } from './worker.ts'

/** A job to be done. */
export interface NewJob {
  worker: string
  /** The `arguments` of a request. */
  message: unknown
  options?: JobOptions | undefined
  triggerId?: string | undefined
  /** A person waits for it: before those that nobody does. */
  manual?: boolean | undefined
  /** Before others, without having been asked for by a person (the cleaning run of a deleted account). */
  urgent?: boolean | undefined
  forwardLogs?: boolean | undefined
  /** Of an `@event` trigger. */
  event?: unknown
  /** What a webhook was sent. */
  payload?: Uint8Array | undefined
  debounced?: boolean | undefined
  /** The server's own jobs do not count. */
  unlimited?: boolean | undefined
  /** What becomes of a job its worker refuses: stored as `errored` (default), or JobRefused is thrown and nothing stored. */
  whenRefused?: 'store' | 'throw' | undefined
}

/** Its worker does not do the job now. */
export class JobRefused extends Error {
  override name = 'JobRefused'
  readonly reason: string

  constructor(reason: string) {
    super(`the job is refused: ${reason}`)
    this.reason = reason
  }
}

/** An instance has had its jobs of this hour (`protocol/conventions.md` §7). */
export class RateExceeded extends Error {
  override name = 'RateExceeded'
  readonly retryAfter: number

  constructor(worker: string, retryAfter: number) {
    super(`This instance has run as many ${worker} jobs as it may within an hour; try again in ${retryAfter} seconds`)
    this.retryAfter = retryAfter
  }
}

/** The same as clients are told it. */
export function asRequestError(error: unknown): unknown {
  return error instanceof RateExceeded ? badRequest(error.message) : error
}

export interface PushDeps extends Pick<Ground, 'clock'> {
  documents: Documents
  instances: Pick<Instances, 'rates'>
  queue: Queue
  workers: Map<string, Worker>
  wake(worker: string): void
}

/** Stores jobs and queues them, in one transaction: the caller's, or one of its own. */
export function createPush({ documents, clock, instances, queue, workers, wake }: PushDeps) {
  async function within(writer: DocumentTransaction, job: NewJob): Promise<StoredDocument> {
    const { tenant, query } = writer
    const worker = workers.get(job.worker)
    if (kindOfWorker(job.worker, worker !== undefined) === 'unknown')
      throw notThere(`There is no worker ${job.worker} here`)
    if (!job.unlimited) await count(writer, job.worker)
    const now = clock.now().toISOString()
    const record = newRecord(tenant, job, now)
    const refused = await refusal(writer, worker, job)
    if (refused !== undefined && job.whenRefused === 'throw') throw new JobRefused(refused)
    if (refused !== undefined)
      return await writer.create(JOBS, {
        ...record,
        event: null,
        state: 'errored',
        finished_at: now,
        error: refused,
      } as Body)
    if (job.worker === CLIENT)
      return await writer.create(JOBS, { ...record, state: 'running', started_at: now } as Body)
    const stored = await writer.create(JOBS, record as unknown as Body)
    await queue.add(query, { ...queued(worker!, record, job), id: stored.id, tenantId: tenant.id })
    writer.afterCommit(() => wake(job.worker))
    return stored
  }

  async function count({ tenant, query }: DocumentTransaction, name: string): Promise<void> {
    const rate = rateOf(name)
    if (!rate) return
    // On this transaction's connection: who holds one must not wait for another.
    const run = async (text: string, values: unknown[]) =>
      (await query.executeQuery(CompiledQuery.raw(text, values))) as unknown as pg.QueryResult
    const { exceeded, retryAfter } = await instances.rates.hit(tenant.id, rate, '', { query: run })
    if (exceeded) throw new RateExceeded(name, retryAfter)
  }

  async function refusal(writer: DocumentTransaction, worker: Worker | undefined, job: NewJob) {
    if (job.worker === CLIENT) return undefined
    // Known in the ecosystem, but this server does none of it: said at once, nobody waits for it.
    if (!worker) return `this server has no worker ${job.worker}`
    const { triggerId, manual = false } = job
    return await worker.refuse?.(writer, { message: readMessage(job.message), triggerId, manual })
  }

  return {
    /**
     * @param target an instance, or a transaction of one that the job joins: it is there if and only if that commits
     * @returns the job's document, `queued`; `running` for the worker `client`; `errored` when its worker refuses it
     * @throws JsonApiError 404 for an unknown worker, RateExceeded, JobRefused
     */
    push: (target: Tenant | DocumentTransaction, job: NewJob): Promise<StoredDocument> =>
      'afterCommit' in target ? within(target, job) : documents.transaction(target, writer => within(writer, job)),
  }
}

function newRecord({ domain }: Tenant, job: NewJob, now: string): JobRecord {
  const { worker, message, triggerId, manual, event, payload, debounced, options, forwardLogs } = job
  return {
    domain,
    worker,
    ...(triggerId !== undefined && { trigger_id: triggerId }),
    message: message ?? null,
    event: event === undefined ? null : encodeJson(event),
    ...(payload && payload.length > 0 && { payload: Buffer.from(payload).toString('base64') }),
    ...(manual && { manual_execution: true }),
    ...(debounced && { debounced: true }),
    ...(options && Object.keys(options).length > 0 && { options }),
    ...(forwardLogs && { forward_logs: true }),
    state: 'queued',
    queued_at: now,
    started_at: ZERO_DATE,
    finished_at: ZERO_DATE,
  }
}

function queued(worker: Worker, record: JobRecord, { manual, urgent }: NewJob) {
  const { maxAttempts, timeoutSeconds } = limitsOf(worker, record)
  const pauses = (worker.retryDelayMs * 2 ** maxAttempts) / 1000
  return {
    worker: worker.name,
    key: worker.exclusiveKey(readMessage(record.message)),
    urgent: manual === true || urgent === true,
    // Only for a process that lives, and does not end what it must: twice the time it may take.
    longestSeconds: 2 * (maxAttempts * (timeoutSeconds + GRACE_MS / 1000) + pauses) + 60,
  }
}
