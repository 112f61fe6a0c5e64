import type { Clock } from '../../src/ground/clock.ts'

/** A clock that runs, and can be put forward. */
export function createTestClock(): Clock & { advance(ms: number): void } {
  let ahead = 0
  return {
    now: () => new Date(Date.now() + ahead),
    advance(ms) {
      ahead += ms
    },
  }
}
