import type { StoredDocument } from '#ground/documents/contract'
import { type JobRecord, type JobState, jobRecord, ZERO_DATE } from '#rooms/jobs'
import type { ScheduleRow } from './store.ts'

/** Jobs a state is made of (`protocol/jobs.md` §3). */
export const JOBS_OF_STATE = 50

/** `current_state`, as clients know it. */
export interface TriggerState {
  trigger_id: string
  status: JobState
  last_execution?: string
  last_executed_job_id?: string
  last_success?: string
  last_successful_job_id?: string
  last_failure?: string
  last_failed_job_id?: string
  last_error?: string
  last_manual_execution?: string
  last_manual_job_id?: string
  /** Ours: when it runs next by itself. */
  next_execution?: string
  /** Ours: when it last should have run by itself and did not, since its last job. */
  skipped_execution?: string
  /** Ours: why; the error of the last job, or a sentence. */
  skip_reason?: string
}

/** @param jobs of the trigger, newest first */
export function stateOf(triggerId: string, jobs: StoredDocument[], schedule?: ScheduleRow): TriggerState {
  const state: TriggerState = { trigger_id: triggerId, status: 'done' }
  for (const job of jobs.toReversed()) {
    const record = jobRecord(job)
    const { state: status, started_at: at } = record
    state.status = status
    state.last_execution = at
    state.last_executed_job_id = job.id
    if (status === 'done') {
      state.last_success = at
      state.last_successful_job_id = job.id
    } else if (status === 'errored') {
      state.last_failure = at
      state.last_failed_job_id = job.id
      state.last_error = record.error ?? ''
    }
    if (record.manual_execution) {
      state.last_manual_execution = at
      state.last_manual_job_id = job.id
    }
  }
  if (schedule?.due) state.next_execution = schedule.due.toISOString()
  const [newest] = jobs
  const { skippedAt, skipReason } = schedule ?? {}
  if (skippedAt && skipReason && (!newest || jobRecord(newest).queued_at < skippedAt.toISOString())) {
    state.skipped_execution = skippedAt.toISOString()
    state.skip_reason = skipReason
  }
  return state
}

/** The only error a person must act upon that another run may cure: terms that were accepted meanwhile. */
const CURABLE = 'USER_ACTION_NEEDED.CGU_FORM'

/**
 * Why a konnector is not started by itself after its last run (`protocol/konnector-runtime.md` §2.5): the vendor would lock an
 * account with a wrong password, or ask the person in vain. A job that was refused before it ran says nothing of the vendor.
 * @param jobs newest first
 */
export function pausedBy(jobs: StoredDocument[]): string | undefined {
  const last = jobs.map(jobRecord).find(record => !wasRefused(record))
  if (last?.state !== 'errored' || last.error === undefined || last.error === CURABLE) return undefined
  return /^(LOGIN_FAILED|USER_ACTION_NEEDED)/.test(last.error) ? last.error : undefined
}

const wasRefused = ({ state, started_at }: JobRecord) => state === 'errored' && started_at === ZERO_DATE
