/** Seconds to wait before this key may ask again; 0 when it may now (and the request is counted). */
export type RateLimit = (key: string) => number

/** At most `requests` per key within any `seconds`; without a limit always 0. */
export function createRateLimit(clock: () => Date, limit?: { requests: number; seconds: number }): RateLimit {
  const seen = new Map<string, number[]>()
  return key => {
    if (!limit) return 0
    const now = clock().getTime()
    const span = limit.seconds * 1000
    const recent = (seen.get(key) ?? []).filter(time => now - time < span)
    seen.set(key, recent)
    if (recent.length < limit.requests) {
      recent.push(now)
      return 0
    }
    return Math.max(1, Math.ceil((recent[0]! + span - now) / 1000))
  }
}
