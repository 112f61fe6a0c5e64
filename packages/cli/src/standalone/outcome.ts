import type { Replayer } from '../record/replayer.ts'
import type { KonnectorRun } from './run-konnector.ts'

/** @returns `done`, or the error that a job would end with */
export function outcomeOf(run: KonnectorRun, replayer?: Replayer): string {
  if (replayer && replayer.unknown.length > 0) return 'REPLAY_FAILED'
  if (run.timedOut) return 'TIMEOUT'
  if (run.code === 0) return 'done'
  return run.error ?? (run.endSignal ? `signal ${run.endSignal}` : `exit code ${run.code}`)
}
