import { availableParallelism } from 'node:os'
import type { DocumentTransaction } from '#ground/documents/contract'
import type { Log } from '#ground/log'
import type { Instance, Rate } from '#rooms/instances'
import { isObject, type JobRecord } from './job.ts'

/** A job as its worker gets it. */
export interface RunningJob {
  id: string
  worker: string
  instance: Instance
  /** Decoded, also from the older form. */
  message: unknown
  triggerId: string | undefined
  manual: boolean
  /** Of an `@event` trigger: `{domain, verb, doc, old?}`. */
  event: unknown
  /** The body sent to a webhook. */
  payload: Buffer | undefined
  forwardLogs: boolean
  /** When it was pushed. */
  queuedAt: string
}

/** What an attempt is given beside its job. */
export interface AttemptContext {
  /** Aborted when the attempt must end; its reason is an `AttemptAborted`. The worker has 5 seconds to let go. */
  signal: AbortSignal
  log: Log
  /** Counts from 1. */
  attempt: number
  maxAttempts: number
  timeoutSeconds: number
  /**
   * Asks the database now whether this process still holds the job. The lease is renewed by itself; this is for who is about
   * to do what cannot be undone.
   */
  heartbeat(): Promise<boolean>
}

/** What is about to be pushed, for a worker that may refuse it. */
export interface PushedJob {
  message: unknown
  triggerId: string | undefined
  manual: boolean
}

/** Who does the jobs of a name. */
export interface WorkerDefinition {
  name: string
  /** Jobs at a time in this process. Default: see `limits.ts`. */
  concurrency?: number
  /** Of one attempt. */
  timeoutSeconds?: number
  maxAttempts?: number
  /** Before the second attempt; doubles, ±10 %. */
  retryDelayMs?: number
  /** Jobs with the same key in an instance are done one after the other. Default: the `account` of the message. */
  exclusiveKey?(message: unknown): string | undefined
  /** Before a job is stored: a reason not to do it. Runs in the transaction of the push. */
  refuse?(writer: DocumentTransaction, job: PushedJob): Promise<string | undefined>
  /** Does it once. What it returns goes to `onEnded`; what it throws is an attempt that failed. */
  run(job: RunningJob, context: AttemptContext): Promise<unknown>
}

/** A definition with everything decided. */
export type Worker = Required<Omit<WorkerDefinition, 'refuse'>> & Pick<WorkerDefinition, 'refuse'>

/** Of one job. */
export interface Limits {
  timeoutSeconds: number
  maxAttempts: number
}

/** `protocol/jobs.md` §5. */
const CPUS = availableParallelism()
const GENERIC: Limits & { concurrency: number } = { concurrency: CPUS, timeoutSeconds: 10, maxAttempts: 1 }
const LIMITS: Record<string, typeof GENERIC> = {
  konnector: { concurrency: 2 * CPUS, timeoutSeconds: 300, maxAttempts: 2 },
  service: { concurrency: 2 * CPUS, timeoutSeconds: 300, maxAttempts: 2 },
  zip: { concurrency: CPUS, timeoutSeconds: 600, maxAttempts: 2 },
  unzip: { concurrency: CPUS, timeoutSeconds: 600, maxAttempts: 2 },
}
const RETRY_DELAY_MS = 60

export function withDefaults(definition: WorkerDefinition): Worker {
  return {
    ...(LIMITS[definition.name] ?? GENERIC),
    retryDelayMs: RETRY_DELAY_MS,
    exclusiveKey: accountOf,
    ...definition,
  }
}

const accountOf = (message: unknown) =>
  isObject(message) && typeof message.account === 'string' && message.account !== '' ? message.account : undefined

/** What holds for one job: its own options only lower what its worker allows. */
export function limitsOf(worker: Worker, { options }: Pick<JobRecord, 'options'>): Limits {
  const asked = options?.timeout === undefined ? undefined : options.timeout / 1e9
  return {
    maxAttempts: lower(worker.maxAttempts, options?.max_exec_count),
    timeoutSeconds: lower(worker.timeoutSeconds, asked),
  }
}

const lower = (limit: number, asked: number | undefined) =>
  asked !== undefined && asked > 0 ? Math.min(limit, asked) : limit

const HOUR_MS = 3_600_000

/** Jobs of an instance per hour (`protocol/conventions.md` §7). */
const RATES: Record<string, number> = { konnector: 100, client: 100, service: 200, sendmail: 200 }

export function rateOf(worker: string): Rate | undefined {
  const limit = RATES[worker]
  return limit === undefined ? undefined : { name: `jobs-${worker}`, limit, windowMs: HOUR_MS }
}

/** Jobs that a device does, not this server. */
export const CLIENT = 'client'
const OPEN = new Set([
  'konnector',
  'service',
  'sendmail',
  'log',
  'push',
  'zip',
  'unzip',
  'export',
  'import',
  'antivirus',
])
const RESERVED =
  /^(clean-clients|share-.*|notes-save|sms|migrations|thumbnail|thumbnailck|trash-files|clean-old-trashed|rag-.*)$/

/** Whose jobs a client may push (`protocol/jobs.md` §2): those of `reserved` only with a token of the operator. */
export function kindOfWorker(name: string, registered: boolean): 'open' | 'reserved' | 'client' | 'unknown' {
  if (name === CLIENT) return 'client'
  if (RESERVED.test(name)) return 'reserved'
  return OPEN.has(name) || registered ? 'open' : 'unknown'
}
