import { handOver } from '@konnectory/sdk/hand-over'
import { log } from './log.ts'

export const NO_STACK =
  'COZY_URL and COZY_CREDENTIALS are not set: there is no server to work for. ' +
  'Run it with `konnectory standalone` (needs no server), or set both (docs/reference/libs.md, "Environment").'

/**
 * Hands over when possible.
 * @throws an Error that says what to set when it is not
 */
export function handOverOrFail(): never {
  handOver()
  throw new Error(NO_STACK)
}

/** Hands over when possible; a critical line and exit code 1 when there is no stack to work for. For the start of a run. */
export function handOverOrDie(): void {
  handOver()
  const { COZY_URL, COZY_CREDENTIALS } = process.env
  if (COZY_URL && COZY_CREDENTIALS) return
  log('critical', NO_STACK)
  process.exit(1)
}
