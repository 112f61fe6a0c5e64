import type { Refusal, RunResult } from '@konnectory/runner'
import type { Ground } from '#ground/ground'
import type { Tenant } from '#ground/tenant'
import type { RunCounts, RunEnding } from './outcome.ts'
import type { Stage } from './transcript.ts'

/** Records of runs: one document per job, beside the job's own, with what happened in it. Ours; upstream has none. */
export const RUNS = 'io.cozy.konnectors.runs'

/** Content of a record. */
export interface RunRecord {
  konnector: string
  version: string
  account?: string
  trigger_id?: string
  manual: boolean
  /** RFC 3339. */
  started_at: string
  finished_at?: string
  attempt: number
  state: 'running' | 'ended'
  /** In the order they began. */
  stages: (Stage & { at: string })[]
  counts: RunCounts
  /** Once it has ended. */
  outcome?: RunEnding['outcome']
  act?: RunEnding['act']
  meaning?: string
  error?: string
  /** What the gate let not pass. */
  refused?: Refusal[]
  /** MiB, milliseconds. */
  cost?: { peak: number; cpu: number; wall: number }
  /** Lines of the log. */
  lines?: number
}

const MOST_STAGES = 100
/** Followers see a run move without a write for each of its lines. */
const WRITE_EVERY_MS = 1000

/** Writes a run's record while it goes on: stages as they come, a second apart at most. */
export function createRecorder(
  { documents, clock, log }: Pick<Ground, 'documents' | 'clock' | 'log'>,
  tenant: Tenant,
  jobId: string,
  first: RunRecord,
) {
  const writer = documents.of(tenant)
  let record = first
  let rev: string | undefined
  let timer: NodeJS.Timeout | undefined
  let writing: Promise<void> = Promise.resolve()

  const write = () => {
    clearTimeout(timer)
    timer = undefined
    const body = { ...record }
    writing = writing
      .then(async () => {
        const current = rev ?? (await writer.get(RUNS, jobId))?.rev
        const [result] = await writer.write(RUNS, [{ id: jobId, rev: current, body }])
        rev = result?.ok ? result.document.rev : undefined
        if (!result?.ok) log.warn('the record of a run was changed by somebody else', { job: jobId })
      })
      .catch(error => log.error('the record of a run could not be written', { job: jobId, error }))
    return writing
  }

  return {
    begin: write,
    stage(stage: Stage) {
      const { stages } = record
      const last = stages.at(-1)
      const at = clock.now().toISOString()
      if (last?.name === stage.name) record = { ...record, stages: [...stages.slice(0, -1), { ...last, ...stage }] }
      else if (stages.length < MOST_STAGES) record = { ...record, stages: [...stages, { ...stage, at }] }
      timer ??= setTimeout(write, WRITE_EVERY_MS)
    },
    /** The log has grown: who follows the record then asks for the lines. */
    line(number: number) {
      record = { ...record, lines: number }
      timer ??= setTimeout(write, WRITE_EVERY_MS)
    },
    async end(ending: RunEnding, counts: RunCounts, result: RunResult | undefined, lines: number): Promise<void> {
      const { outcome, act, meaning, error } = ending
      record = {
        ...record,
        state: 'ended',
        finished_at: clock.now().toISOString(),
        counts,
        outcome,
        act,
        meaning,
        ...(error !== undefined && { error }),
        ...(result && {
          refused: result.refused,
          cost: { peak: result.peakMb, cpu: result.cpuMs, wall: result.durationMs },
        }),
        lines,
      }
      await write()
    },
  }
}
