/** Wrong passwords in a row before a login is locked, and for how long. */
export const MAX_FAILURES = 5
const LOCK_MILLISECONDS = 15 * 60_000

export interface Lockout {
  isLocked(email: string): boolean
  fail(email: string): void
  forget(email: string): void
}

/** Counts failed logins per name, known or not, as a real site does (the answer must not tell who is a customer). */
export function createLockout(clock: () => Date): Lockout {
  const failures = new Map<string, { count: number; until: number }>()
  return {
    isLocked(email) {
      const entry = failures.get(email)
      if (!entry || entry.count < MAX_FAILURES) return false
      if (clock().getTime() < entry.until) return true
      failures.delete(email)
      return false
    },
    fail(email) {
      const count = (failures.get(email)?.count ?? 0) + 1
      failures.set(email, { count, until: clock().getTime() + LOCK_MILLISECONDS })
    },
    forget(email) {
      failures.delete(email)
    },
  }
}
