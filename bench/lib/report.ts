/** One measured number beside what it is held against. */
export interface Line {
  what: string
  value: number
  unit: string
  /** A floor or peer measured in the same run. */
  against?: { name: string; value: number }
  /** The ratio (or, without `against`, the value) may not be greater. */
  limit?: number
  /** The ratio (or, without `against`, the value) may not be less. */
  atLeast?: number
  note?: string
}

export function isOver(line: Line): boolean {
  const { limit = Number.POSITIVE_INFINITY, atLeast = Number.NEGATIVE_INFINITY } = line
  return judged(line) > limit || judged(line) < atLeast
}

function judged({ value, against }: Line): number {
  return against ? value / against.value : value
}

/** One line of the table, ratio and limit included. */
export function format(line: Line): string {
  const { what, value, unit, against, limit, atLeast, note } = line
  const number = `${round(value)} ${unit}`
  const ratio = against ? ` = ${round(value / against.value)} × ${against.name} (${round(against.value)} ${unit})` : ''
  const wanted = limit !== undefined ? `≤ ${limit}` : atLeast !== undefined ? `≥ ${atLeast}` : undefined
  const bound = wanted && `  [${wanted}${against ? ' ×' : ` ${unit}`}] ${isOver(line) ? 'MISSED' : 'ok'}`
  return `${what.padEnd(46)} ${number}${ratio}${bound ?? ''}${note ? `  (${note})` : ''}`
}

function round(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2)
}
