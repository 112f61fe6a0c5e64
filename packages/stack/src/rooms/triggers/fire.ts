import type { DocumentTransaction, StoredDocument } from '#ground/documents/contract'
import type { Ground } from '#ground/ground'
import { WireError } from '#ground/http/errors'
import { JobRefused, type Jobs, RateExceeded, readMessage } from '#rooms/jobs'
import { parseGoDuration } from './schedule/duration.ts'
import { pausedBy } from './state.ts'
import { type Held, holdRequest } from './store.ts'
import { triggerRecord } from './trigger.ts'

/** What starts a trigger. */
export interface Cause {
  /** A person asked. */
  manual?: boolean
  event?: unknown
  payload?: Uint8Array
}

export type Fired = { job: StoredDocument } | { skipped: string } | { held: true }

export interface FireDeps extends Pick<Ground, 'clock' | 'log'> {
  jobs: Pick<Jobs, 'push' | 'ofTriggers'>
  /** After the commit: something became due. */
  wake(): void
}

/** Makes the job of a trigger, in the transaction of what caused it. */
export function createFire({ clock, log, jobs, wake }: FireDeps) {
  /** At once, without debounce. */
  async function now(
    writer: DocumentTransaction,
    trigger: StoredDocument,
    { manual = false, event, payload, debounced = false }: Cause & { debounced?: boolean },
  ): Promise<Exclude<Fired, { held: true }>> {
    const { worker, message, options } = triggerRecord(trigger)
    if (!manual && worker === 'konnector' && !isAggregators(message)) {
      const jobsOf = await jobs.ofTriggers(writer.tenant, [trigger.id], LOOK_BACK, writer)
      const paused = pausedBy(jobsOf.get(trigger.id) ?? [])
      if (paused !== undefined) return { skipped: paused }
    }
    const job = {
      worker,
      message,
      options: options ?? undefined,
      triggerId: trigger.id,
      manual,
      event,
      payload,
      debounced,
    }
    try {
      // A person is told by a job that has failed; nobody waits for what time or an event starts.
      return { job: await jobs.push(writer, { ...job, whenRefused: manual ? 'store' : 'throw' }) }
    } catch (error) {
      const refused = refusalOf(error)
      if (refused === undefined || manual) throw error
      log.warn('a trigger is passed over', { trigger: trigger.id, instance: writer.tenant.domain, reason: refused })
      return { skipped: refused }
    }
  }

  return {
    now,

    /** Now, or with what comes within the trigger's debounce. */
    async soon(writer: DocumentTransaction, trigger: StoredDocument, cause: Cause): Promise<Fired> {
      const debounce = parseGoDuration(triggerRecord(trigger).debounce || '0') ?? 0
      if (debounce === 0) return await now(writer, trigger, cause)
      const due = new Date(clock.now().getTime() + debounce)
      const payload = cause.payload && Buffer.from(cause.payload).toString('base64')
      const { manual = false } = cause
      if (await holdRequest(writer.query, writer.tenant.id, trigger.id, { due, payload, manual }))
        writer.afterCommit(wake)
      return { held: true }
    },

    /** What a debounce gathered, as one. */
    held(writer: DocumentTransaction, trigger: StoredDocument, { payloads = [], manual = false }: Held) {
      const gathered = triggerRecord(trigger).type === '@webhook' ? { payload: asOne(payloads) } : {}
      return now(writer, trigger, { ...gathered, manual, debounced: true })
    },
  }
}

export type Fire = ReturnType<typeof createFire>

/** Jobs to look back for the last that ran; the others were refused. */
const LOOK_BACK = 10

function refusalOf(error: unknown): string | undefined {
  if (error instanceof RateExceeded) return error.message
  if (error instanceof JobRefused) return error.reason
  // Its worker is not known (any more): no reason to undo the change that caused it.
  return error instanceof WireError ? error.message : undefined
}

const isAggregators = (message: unknown): boolean => {
  const content = readMessage(message)
  return typeof content === 'object' && content !== null && 'bi_webhook' in content && content.bi_webhook === true
}

/** `{"payloads":[…]}`, also of a single call (`protocol/jobs.md` §4). What is no JSON stands there as text. */
function asOne(payloads: string[]): Buffer {
  const read = (base64: string): unknown => {
    const text = Buffer.from(base64, 'base64').toString('utf8')
    try {
      return JSON.parse(text)
    } catch {
      return text // A SyntaxError is how JSON.parse says that it is none.
    }
  }
  return Buffer.from(JSON.stringify({ payloads: payloads.map(read) }), 'utf8')
}
