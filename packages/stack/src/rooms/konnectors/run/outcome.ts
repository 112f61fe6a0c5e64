import { type Actor, errorCodeFacts, type Outcome } from '@konnectory/protocol'
import type { RunResult } from '@konnectory/runner'

/** What a run brought, as far as it was seen to be stored. */
export interface RunCounts {
  new: number
  updated: number
  files: number
  bytes: number
}

/** How a run ended: for people and for the schedule. */
export interface RunEnding {
  outcome: Outcome
  /** Upstream's error text, which becomes that of the job; absent when all went well. */
  error: string | undefined
  /** Who has to do something before it can work again. */
  act: Actor
  /** One sentence. */
  meaning: string
  /** Whether the same job may be tried again (`protocol/konnector-runtime.md` §5). */
  retry: boolean
}

/** The last words of a konnector that count. */
export interface LastWords {
  critical: string | undefined
  error: string | undefined
  noRetry: boolean
}

/**
 * Decides how a run ended, in the order of `protocol/konnector-runtime.md` §5: a critical line whatever else; an error line even
 * with exit code 0; the exit; the time.
 */
export function endingOf(
  result: Pick<RunResult, 'end' | 'cause' | 'sentence' | 'code' | 'signal'>,
  words: LastWords,
  counts: RunCounts,
): RunEnding {
  const said = words.critical ?? words.error
  if (said !== undefined) return failed(said, words.noRetry)
  if (result.end === 'timeout') return failed('context deadline exceeded', false)
  if (result.cause === 'cancelled')
    return {
      outcome: 'cancelled',
      error: 'context canceled',
      act: 'nobody',
      meaning: 'The run was stopped',
      retry: false,
    }
  if (result.end === 'limit')
    return {
      outcome: 'limit',
      error: `UNKNOWN_ERROR: ${result.sentence ?? result.cause}`,
      act: 'author',
      meaning: result.sentence ?? 'The konnector used more than it may',
      retry: false,
    }
  if (result.signal) return failed(`signal: ${result.signal}`, false)
  if (result.code !== 0) return failed(`exit status ${result.code}`, false)
  const nothing = counts.new === 0 && counts.updated === 0
  return {
    outcome: nothing ? 'nothing_new' : 'done',
    error: undefined,
    act: 'nobody',
    meaning: nothing ? 'There was nothing new' : 'Everything was fetched',
    retry: false,
  }
}

function failed(error: string, noRetry: boolean): RunEnding {
  const { outcome, act, meaning, retry } = errorCodeFacts(error)
  return { outcome, error, act, meaning, retry: retry && !noRetry }
}
