import { RunnerError } from '../errors.ts'
import { DEFAULT_LIMITS, type RunLimits } from '../types.ts'

/** Node does not start below these. */
const lowest: Partial<RunLimits> = { memoryMb: 128, pids: 16, openFiles: 32, lineBytes: 256 }

/** @throws RunnerError `option` for a limit that is no positive number, or under which Node does not start */
export function fillLimits(given: Partial<RunLimits> = {}): RunLimits {
  const limits = { ...DEFAULT_LIMITS, ...given }
  const all: RunLimits = { ...limits, cpuSeconds: limits.cpuSeconds ?? limits.seconds * 2 }
  for (const [name, value] of Object.entries(all)) {
    const least = lowest[name as keyof RunLimits] ?? 0
    const isWhole = name === 'seconds' || name === 'cpuSeconds' || Number.isSafeInteger(value)
    if (!Number.isFinite(value) || value < least || !isWhole || (value === 0 && name.endsWith('econds'))) {
      throw new RunnerError('option', `The limit ${name} cannot be ${value}: at least ${least}.`)
    }
  }
  return all
}
