/** First and last byte, both included. */
export interface ByteRange {
  start: number
  end: number
}

/** What a `Range` header asks for: nothing we heed, these bytes, or nothing that is there. */
export type RangeRequest = 'whole' | 'unsatisfiable' | ByteRange[]

/** More are nobody's honest wish: RFC 9110 §14.2 lets a server ignore such a header. */
const MOST_RANGES = 16

/**
 * Reads a `Range` header (RFC 9110 §14.2). Another unit than bytes is ignored; broken ranges and those behind the end are
 * unsatisfiable. Many small ranges, or ranges that ask for more bytes than there are, get the whole.
 * @param size of the content in bytes
 */
export function readRange(header: string | undefined, size: number): RangeRequest {
  if (header === undefined) return 'whole'
  const [, unit, set] = /^\s*([^\s=]+)\s*=(.*)$/.exec(header) ?? []
  if (unit === undefined || set === undefined) return 'unsatisfiable'
  if (unit.toLowerCase() !== 'bytes' || size === 0) return 'whole'
  const parts = set
    .split(',')
    .map(part => part.trim())
    .filter(part => part !== '')
  if (parts.length === 0) return 'unsatisfiable'
  if (parts.length > MOST_RANGES) return 'whole'
  const ranges: ByteRange[] = []
  for (const part of parts) {
    const range = readPart(part, size)
    if (range === 'broken') return 'unsatisfiable'
    if (range) ranges.push(range)
  }
  if (ranges.length === 0) return 'unsatisfiable'
  const wanted = ranges.reduce((sum, { start, end }) => sum + end - start + 1, 0)
  return wanted > size ? 'whole' : ranges
}

/** @returns undefined for a range that is wholly behind the end */
function readPart(part: string, size: number): ByteRange | 'broken' | undefined {
  const [, first, last] = /^(\d*)\s*-\s*(\d*)$/.exec(part) ?? []
  if (first === undefined || last === undefined || (first === '' && last === '')) return 'broken'
  if (first === '') {
    const length = Math.min(Number(last), size)
    return length === 0 ? undefined : { start: size - length, end: size - 1 }
  }
  const start = Number(first)
  const end = last === '' ? size - 1 : Math.min(Number(last), size - 1)
  if (last !== '' && Number(last) < start) return 'broken'
  return start >= size ? undefined : { start, end }
}

export const contentRange = ({ start, end }: ByteRange, size: number) => `bytes ${start}-${end}/${size}`
