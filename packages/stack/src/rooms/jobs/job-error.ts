/** How an attempt tells what should happen next; its message becomes the `error` of the job's document. */
export class JobError extends Error {
  override name = 'JobError'
  /** Stands in the document, `LOGIN_FAILED`. */
  readonly code: string
  /** Whether another attempt makes sense. */
  readonly retry: boolean
  /** What the trigger asks for is not there (any more): the trigger goes too (`protocol/jobs.md` §5). */
  readonly badTrigger: boolean

  constructor(
    code: string,
    { retry = true, badTrigger = false, cause }: { retry?: boolean; badTrigger?: boolean; cause?: unknown } = {},
  ) {
    super(code, { cause })
    this.code = code
    this.retry = retry && !badTrigger
    this.badTrigger = badTrigger
  }
}

/** Why the signal of an attempt is aborted. */
export class AttemptAborted extends Error {
  override name = 'AttemptAborted'
  /**
   * `timeout`: its time is over. `lost`: another worker has the job, or may have it soon. `cancelled`: somebody ended it.
   * `shutdown`: this process stops, the job is given back.
   */
  readonly why: 'timeout' | 'lost' | 'cancelled' | 'shutdown'

  constructor(why: AttemptAborted['why']) {
    super(why === 'timeout' ? TIMED_OUT : `the attempt was aborted: ${why}`)
    this.why = why
  }
}

/** What clients know as the error of a job whose time was over. */
export const TIMED_OUT = 'context deadline exceeded'
