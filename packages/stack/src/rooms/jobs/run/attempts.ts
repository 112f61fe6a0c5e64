import { setTimeout as delay } from 'node:timers/promises'
import type { Log } from '#ground/log'
import { AttemptAborted, JobError, TIMED_OUT } from '../job-error.ts'
import type { RunningJob, Worker } from '../worker.ts'
import type { JobOutcome } from './begin.ts'

/** How long a worker has to let go after its signal was aborted; then it is left behind. */
export const GRACE_MS = 5000
/** Of the error in a document; konnectors have written whole pages. */
const LONGEST_ERROR = 32_767

export interface Attempts {
  worker: Worker
  job: RunningJob
  maxAttempts: number
  timeoutSeconds: number
  /** Aborted from outside, with an `AttemptAborted`: lost, cancelled, shutdown. */
  signal: AbortSignal
  log: Log
  heartbeat(): Promise<boolean>
}

/**
 * Tries a job until it is done, must not be tried again, or has been tried often enough (`protocol/jobs.md` §5).
 * @returns undefined when `signal` was aborted: nothing is to be written
 */
export async function tryJob(attempts: Attempts): Promise<JobOutcome | undefined> {
  const { worker, maxAttempts, signal, log } = attempts
  for (let attempt = 1; ; attempt++) {
    if (signal.aborted) return undefined
    const { outcome, final } = await tryOnce(attempts, attempt)
    if (signal.aborted) return undefined
    if (outcome.state === 'done' || final || attempt >= maxAttempts) return outcome
    log.info('a job failed and is tried again', { attempt, error: outcome.error })
    await delay(backOff(worker.retryDelayMs, attempt), undefined, { signal }).catch(ignoreAbort)
  }
}

/** Doubles; ±10 %, so that what failed together does not come back together. */
export const backOff = (firstMs: number, attempt: number, random: () => number = Math.random): number =>
  firstMs * 2 ** (attempt - 1) * (0.9 + 0.2 * random())

async function tryOnce(
  { worker, job, maxAttempts, timeoutSeconds, signal: outer, log, heartbeat }: Attempts,
  attempt: number,
) {
  const timeout = new AbortController()
  const signal = AbortSignal.any([outer, timeout.signal])
  const timer = setTimeout(() => timeout.abort(new AttemptAborted('timeout')), timeoutSeconds * 1000)
  const work = (async () => worker.run(job, { signal, log, attempt, maxAttempts, timeoutSeconds, heartbeat }))().then(
    result => ({ result }),
    (error: unknown) => ({ error }),
  )
  const leftBehind = afterAbort(signal)
  try {
    const ended = await Promise.race([work, leftBehind.passed])
    if (ended === undefined) {
      log.error('a worker did not let go of a job; it is left behind', { afterMs: GRACE_MS })
      // What may still be running must not run twice at once.
      return { outcome: { state: 'errored', error: TIMED_OUT } satisfies JobOutcome, final: true }
    }
    return outcomeOf(ended, { timedOut: timeout.signal.aborted, aborted: outer.aborted }, log)
  } finally {
    clearTimeout(timer)
    leftBehind.stop()
  }
}

/** Resolves with undefined when the grace after an abort is over. */
function afterAbort(signal: AbortSignal) {
  let timer: NodeJS.Timeout | undefined
  const { promise: passed, resolve } = Promise.withResolvers<undefined>()
  const begin = () => {
    timer = setTimeout(() => resolve(undefined), GRACE_MS)
  }
  if (signal.aborted) begin()
  else signal.addEventListener('abort', begin, { once: true })
  return {
    passed,
    stop() {
      clearTimeout(timer)
      signal.removeEventListener('abort', begin)
    },
  }
}

function outcomeOf(
  ended: { result: unknown } | { error: unknown },
  { timedOut, aborted }: { timedOut: boolean; aborted: boolean },
  log: Log,
) {
  // What the worker says itself counts more than the clock (`protocol/konnector-runtime.md` §5).
  if ('error' in ended && ended.error instanceof JobError) {
    const { code, retry, badTrigger } = ended.error
    const outcome: JobOutcome = { state: 'errored', error: code.slice(0, LONGEST_ERROR), badTrigger }
    return { outcome, final: !retry }
  }
  if (timedOut) return { outcome: { state: 'errored', error: TIMED_OUT } satisfies JobOutcome, final: false }
  if ('result' in ended) return { outcome: { state: 'done', result: ended.result } satisfies JobOutcome, final: true }
  if (!aborted) log.error('a worker failed', { error: ended.error })
  const error = ended.error instanceof Error ? ended.error.message : String(ended.error)
  const outcome: JobOutcome = { state: 'errored', error: error.slice(0, LONGEST_ERROR) }
  return { outcome, final: false }
}

function ignoreAbort(error: unknown): void {
  if (!(error instanceof Error && error.name === 'AbortError')) throw error
}
