/** Share of the time limit for saving: of the server's usual 300 s, 240 s, upstream's 4 minutes. */
const SAVING_SHARE = 0.8

/** Milliseconds, when nobody says how long a run may last. */
const DEFAULT_TIME = 4 * 60 * 1000

let startedAt: number | undefined

/** Notes the start of a run; called by `BaseKonnector.run()`. */
export function markRunStart(): void {
  startedAt = Date.now()
}

/**
 * Default of the `timeout` option of saveFiles and saveBills (FIX-10; upstream counted from the import).
 * The server counts `COZY_TIME_LIMIT` (seconds) from the start of the process. Without it: 4 minutes from the start of
 * the run or, outside a run, from the first save of the process.
 * @returns epoch milliseconds after which no new file is started
 */
export function runDeadline(): number {
  const limit = Number(process.env.COZY_TIME_LIMIT)
  if (Number.isFinite(limit) && limit > 0) return Math.round(performance.timeOrigin + limit * 1000 * SAVING_SHARE)
  startedAt ??= Date.now()
  return startedAt + DEFAULT_TIME
}
