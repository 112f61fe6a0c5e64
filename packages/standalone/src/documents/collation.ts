/**
 * The order of JSON values in CouchDB (`protocol/data.md` section 5): null, false, true, numbers, strings, arrays, objects.
 * Strings by ICU. The locale is fixed: the author's must not change a result.
 */
const collator = new Intl.Collator('en')

function rank(value: unknown): number {
  if (value === undefined) return -1
  if (value === null) return 0
  if (value === false) return 1
  if (value === true) return 2
  if (typeof value === 'number') return 3
  if (typeof value === 'string') return 4
  return Array.isArray(value) ? 5 : 6
}

/** Negative, zero or positive, as for `Array.prototype.sort`. A missing value (`undefined`) comes before all. */
export function compareValues(a: unknown, b: unknown): number {
  const ranks = rank(a) - rank(b)
  if (ranks !== 0) return ranks
  if (typeof a === 'number') return a - (b as number)
  if (typeof a === 'string') return a === b ? 0 : collator.compare(a, b as string)
  if (Array.isArray(a)) return compareLists(a, b as unknown[])
  if (typeof a === 'object' && a !== null)
    return compareLists(Object.entries(a).flat(), Object.entries(b as object).flat())
  return 0
}

function compareLists(a: unknown[], b: unknown[]): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const order = compareValues(a[i], b[i])
    if (order !== 0) return order
  }
  return a.length - b.length
}

/** Ids and names are ordered by code unit, not by language. */
export function compareIds(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** Deep equality of JSON values; the order of members does not count. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (
    typeof a !== 'object' ||
    typeof b !== 'object' ||
    a === null ||
    b === null ||
    Array.isArray(a) !== Array.isArray(b)
  )
    return false
  const names = Object.keys(a)
  const other = b as Record<string, unknown>
  return (
    names.length === Object.keys(b).length &&
    names.every(name => Object.hasOwn(other, name) && sameJson((a as Record<string, unknown>)[name], other[name]))
  )
}
