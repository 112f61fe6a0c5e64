import type { Body, StoredDocument } from '#ground/documents/contract'

export const JOBS = 'io.cozy.jobs'

/** From where to where a job may go (`protocol/jobs.md` §1); no other states. */
export const TRANSITIONS = {
  queued: ['running', 'done', 'errored'],
  running: ['done', 'errored'],
  done: [],
  errored: [],
} as const satisfies Record<string, readonly string[]>

export type JobState = keyof typeof TRANSITIONS
export type EndState = 'done' | 'errored'

/** What stands for "not yet". */
export const ZERO_DATE = '0001-01-01T00:00:00Z'

/** Limits a job asks for itself; they only lower those of its worker. */
export interface JobOptions {
  /** How often it is tried. */
  max_exec_count?: number | undefined
  /** Of one attempt, in nanoseconds. Requests to `/jobs/queue` say seconds. */
  timeout?: number | undefined
}

/** The content of a job's document. */
export interface JobRecord {
  domain: string
  worker: string
  trigger_id?: string
  message: unknown
  /** Base64 of JSON; null when there is none, or the job has ended. */
  event: string | null
  /** Base64 of the webhook's body; absent when the job has ended. */
  payload?: string
  manual_execution?: true
  debounced?: true
  options?: JobOptions
  forward_logs?: true
  state: JobState
  queued_at: string
  started_at: string
  finished_at: string
  error?: string
}

/** A document of a job as what it is. */
export const jobRecord = (document: StoredDocument): JobRecord => document.body as unknown as JobRecord

export const hasEnded = ({ state }: Pick<JobRecord, 'state'>): boolean => TRANSITIONS[state].length === 0

/**
 * What becomes of a job when it starts or ends.
 * @throws when the table does not know the way
 */
export function moved(record: JobRecord, state: JobState, change: Partial<JobRecord>): Body {
  if (!(TRANSITIONS[record.state] as readonly string[]).includes(state))
    throw new Error(`A job that is ${record.state} does not become ${state}`)
  const { event, payload, ...rest } = record
  const ends = TRANSITIONS[state].length === 0
  return {
    ...rest,
    ...(ends ? { event: null } : { event, ...(payload !== undefined && { payload }) }),
    ...change,
    state,
  }
}

/** The message itself; older documents have it as `{"Data":"<base64 of JSON>","Type":"json"}`. */
export function readMessage(message: unknown): unknown {
  if (!isObject(message)) return message
  const { Data: data, Type: type } = message
  if (typeof data !== 'string' || type !== 'json') return message
  const decoded = decodeJson(data)
  return decoded === undefined ? message : decoded
}

/** @returns undefined when it is no base64 of JSON */
export function decodeJson(base64: string): unknown {
  try {
    return JSON.parse(Buffer.from(base64, 'base64').toString('utf8'))
  } catch {
    return undefined // A SyntaxError is how JSON.parse says so.
  }
}

export const encodeJson = (value: unknown): string => Buffer.from(JSON.stringify(value), 'utf8').toString('base64')

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
