/** What a check found. `skipped` always says what would make it run. */
export interface CheckResult {
  status: 'passed' | 'failed' | 'skipped'
  /** Why, and what to do. */
  detail?: string
  /** The konnector's last lines, for a failure. */
  log?: string[]
}

export interface NamedResult extends CheckResult {
  name: string
  /** Milliseconds. */
  duration: number
}

export const passed: CheckResult = { status: 'passed' }

export function failed(detail: string, log: string[] = []): CheckResult {
  return { status: 'failed', detail, ...(log.length > 0 ? { log: log.slice(-LAST_LINES) } : {}) }
}

export function skipped(detail: string): CheckResult {
  return { status: 'skipped', detail }
}

const LAST_LINES = 15
