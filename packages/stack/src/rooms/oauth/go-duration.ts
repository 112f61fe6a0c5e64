const MILLISECONDS: Record<string, number> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
}

/**
 * Reads a duration as administrators write it for the ecosystem's tools: `1h30m`, `90s`, `1.5h`, `0`.
 * @returns milliseconds; undefined when it is none, or is below zero
 */
export function parseDuration(text: string): number | undefined {
  if (text === '0') return 0
  if (!/^\+?(\d+(\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)((\d+(\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h))*$/.test(text)) return
  let total = 0
  for (const [, number, unit] of text.matchAll(/(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h)/g)) {
    total += Number(number) * MILLISECONDS[unit!]!
  }
  return Number.isFinite(total) ? total : undefined
}
