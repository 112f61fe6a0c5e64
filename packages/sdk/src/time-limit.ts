import { KonnectorError } from './konnector-error.ts'

/**
 * The time a run has, from `COZY_TIME_LIMIT` (seconds; 5 more than the server really gives,
 * `protocol/konnector-runtime.md` section 5):
 *
 * ```
 * 0 ───────────────────────── 90 % ──────── abort ──── grace ─ server kills ── COZY_TIME_LIMIT
 *                              │             │          │       (limit - 5 s)
 *        no new file is started ┘  signal fires ┘        └ the run is ended with TIMEOUT if it has not ended by itself
 * ```
 */
export interface TimeLimit {
  /** Aborts at the end of the time, or when `outer` does. */
  signal: AbortSignal
  /** Epoch milliseconds after which nothing long should be started; undefined without a limit. */
  deadline: number | undefined
  /** Rejects when the run should have ended after an abort and did not. */
  overdue: Promise<never>
  end(): void
}

/** How long a run that ignores its signal is left alone, in milliseconds, when an outer signal ends it. */
const OUTER_GRACE = 2_000

/** Seconds from the start of the run to its abort, for a limit in seconds. 305 → 290, 65 → 53.5, 15 → 8.5. */
export function abortAfter(limit: number): number {
  const margin = 5 + Math.min(10, Math.max(1, limit / 10))
  return Math.max(limit / 10, limit - margin)
}

export function createTimeLimit(seconds: number | undefined, outer: AbortSignal | undefined, now: number): TimeLimit {
  const controller = new AbortController()
  const timers: NodeJS.Timeout[] = []
  let giveUp: (reason: unknown) => void
  const overdue = new Promise<never>((_, reject) => {
    giveUp = reject
  })
  // Nobody has to wait for it.
  overdue.catch(() => {})

  // Timers never keep the process alive: a run that waits for nothing must end at once, not at its limit.
  const later = (milliseconds: number, action: () => void) => timers.push(setTimeout(action, milliseconds).unref())
  const abort = (reason: unknown, grace: number) => {
    if (controller.signal.aborted) return
    controller.abort(reason)
    later(grace, () => giveUp(reason))
  }
  const onOuter = () => abort(outer?.reason, OUTER_GRACE)

  let deadline: number | undefined
  if (seconds !== undefined) {
    const end = abortAfter(seconds) * 1000
    deadline = now + 0.9 * end
    const grace = Math.max(100, Math.min(3_000, (seconds - 5) * 1000 - end) / 2)
    const detail = `the run had ${seconds} s (COZY_TIME_LIMIT)`
    later(end, () => abort(new KonnectorError('TIMEOUT', { detail }), grace))
  }
  if (outer?.aborted) onOuter()
  else outer?.addEventListener('abort', onOuter, { once: true })

  return {
    signal: controller.signal,
    deadline,
    overdue,
    end() {
      for (const timer of timers) clearTimeout(timer)
      outer?.removeEventListener('abort', onOuter)
    },
  }
}
