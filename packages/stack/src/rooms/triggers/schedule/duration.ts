const UNITS: Record<string, number> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
}
const WHOLE = /^\+?(?:(?:\d+(?:\.\d*)?|\.\d+)(?:ns|us|µs|μs|ms|s|m|h))+$/
const PARTS = /(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g
/** A hundred years: what is later is a mistake. */
const LONGEST_MS = 100 * 366 * 86_400_000

/** Reads `1h30m`, `45s`, `1.5h`, `0`. @returns milliseconds; undefined when it is no duration, or a negative one */
export function parseGoDuration(text: string): number | undefined {
  if (text === '0') return 0
  if (text.length > 100 || !WHOLE.test(text)) return undefined
  let total = 0
  for (const [, number, unit] of text.matchAll(PARTS)) total += Number(number) * UNITS[unit!]!
  return total <= LONGEST_MS ? total : undefined
}
