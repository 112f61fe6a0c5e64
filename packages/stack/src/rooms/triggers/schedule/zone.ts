/**
 * Wall-clock time and instants. A wall time is written as the milliseconds it would be in UTC: adding a day to it is adding
 * 86,400,000, whatever the clocks of the zone do that night.
 */

const formats = new Map<string, Intl.DateTimeFormat>()

function formatOf(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone)
  if (known) return known
  const made = new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: 'longOffset', year: 'numeric' })
  formats.set(zone, made)
  return made
}

/** Whether there is such a zone. */
export function isZone(zone: string): boolean {
  try {
    formatOf(zone)
    return true
  } catch {
    return false // RangeError is how Intl says so.
  }
}

/** What the zone's clocks are ahead of UTC at an instant, in milliseconds. */
export function offsetAt(zone: string, instant: number): number {
  if (zone === 'UTC') return 0
  const name = formatOf(zone).format(instant)
  const [, sign, hours = '0', minutes = '0', seconds = '0'] = /GMT([+-])(\d\d):(\d\d)(?::(\d\d))?$/.exec(name) ?? []
  const size = (Number(hours) * 3600 + Number(minutes) * 60 + Number(seconds)) * 1000
  return sign === '-' ? -size : size
}

export const wallAt = (zone: string, instant: number): number => instant + offsetAt(zone, instant)

/** No zone's clocks jump by more (Samoa left out a day). */
const LARGEST_JUMP_MS = 36 * 3_600_000

/** The instants at which clocks show a wall time: one; none where they jump over it; two where they are put back. */
export function instantsOf(zone: string, wall: number): number[] {
  const offsets = new Set([offsetAt(zone, wall - LARGEST_JUMP_MS), offsetAt(zone, wall + LARGEST_JUMP_MS)])
  return [...offsets]
    .map(offset => wall - offset)
    .filter(instant => wallAt(zone, instant) === wall)
    .sort((one, other) => one - other)
}

/** The instant at which the offset changes between two instants that have different ones. */
export function changeBetween(zone: string, from: number, to: number): number {
  const before = offsetAt(zone, from)
  let [low, high] = [from, to]
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2)
    if (offsetAt(zone, middle) === before) low = middle
    else high = middle
  }
  return high
}

/** The instant at which clocks jump over a wall time that they never show. */
export const jumpOver = (zone: string, wall: number): number =>
  changeBetween(zone, wall - LARGEST_JUMP_MS, wall + LARGEST_JUMP_MS)
