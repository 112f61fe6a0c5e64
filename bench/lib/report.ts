/** One measured number beside what it is held against. */
export interface Line {
  what: string
  value: number
  unit: string
  /** A floor or peer measured in the same run. */
  against?: { name: string; value: number }
  /** The ratio (or, without `against`, the value) may not be greater. */
  limit?: number
  note?: string
}

export function isOver(line: Line): boolean {
  return line.limit !== undefined && judged(line) > line.limit
}

function judged({ value, against }: Line): number {
  return against ? value / against.value : value
}

/** One line of the table, ratio and limit included. */
export function format(line: Line): string {
  const { what, value, unit, against, limit, note } = line
  const number = `${round(value)} ${unit}`
  const ratio = against ? ` = ${round(value / against.value)} × ${against.name} (${round(against.value)} ${unit})` : ''
  const bound =
    limit === undefined ? '' : `  [≤ ${limit}${against ? ' ×' : ` ${unit}`}] ${isOver(line) ? 'OVER' : 'ok'}`
  return `${what.padEnd(46)} ${number}${ratio}${bound}${note ? `  (${note})` : ''}`
}

function round(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2)
}
