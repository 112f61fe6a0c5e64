import type { QueryParts } from './query-definition.ts'

/** Index names as cozy-client gives them (`protocol/data.md`, last section), so that both use the same ones. */
export function indexName(fields: string[], partialFilter?: Record<string, unknown>): string {
  const name = `by_${fields.join('_and_')}`
  if (!partialFilter || Object.keys(partialFilter).length === 0) return name
  const conditions = Object.entries(partialFilter).map(([key, value]) => `(${key}_${conditionName(value)})`)
  return `${name}_filter_${conditions.join('_and_')}`
}

function conditionName(value: unknown): string {
  if (Array.isArray(value)) return value.map(conditionName).join('_')
  if (typeof value !== 'object' || value === null) return String(value)
  return Object.entries(value)
    .map(([key, inner]) => `${key}_${conditionName(inner)}`)
    .join('_and_')
}

/** Fields a query needs indexed: those it names, else those of its sort and then of its selector. */
export function indexedFields({ indexedFields: named, sort = [], selector = {} }: QueryParts): string[] {
  if (named) return named
  return [...new Set([...sort.flatMap(Object.keys), ...selectorFields(selector)])]
}

function selectorFields(selector: Record<string, unknown>): string[] {
  return Object.entries(selector).flatMap(([key, value]) => {
    if (!key.startsWith('$')) return [key]
    return Array.isArray(value) ? value.flatMap(inner => selectorFields(inner as Record<string, unknown>)) : []
  })
}

/** The body of `POST _find`, without paging. */
export function findBody(parts: QueryParts): Record<string, unknown> {
  const fields = indexedFields(parts)
  const selector = parts.selector ?? Object.fromEntries(fields.map(field => [field, { $gt: null }]))
  return {
    // The partial filter is sent too: a stack that reads without the index must give the same documents.
    selector: parts.partialFilter ? { $and: [selector, parts.partialFilter] } : selector,
    ...(fields.length > 0 ? { use_index: `_design/${indexName(fields, parts.partialFilter)}` } : {}),
    ...(parts.fields ? { fields: [...new Set([...parts.fields, '_id', '_rev'])] } : {}),
    ...(parts.sort ? { sort: wholeSort(parts.sort, fields) } : {}),
  }
}

/** CouchDB sorts by an index only when all its fields are named, in one direction. */
function wholeSort(sort: Record<string, 'asc' | 'desc'>[], fields: string[]): Record<string, string>[] {
  const directions = new Set(sort.flatMap(Object.values))
  if (directions.size > 1) throw new Error('Mango sort can only use a single order (asc or desc).')
  const direction = [...directions][0] ?? 'asc'
  const sorted = new Set(sort.flatMap(Object.keys))
  return [...sort, ...fields.filter(field => !sorted.has(field)).map(field => ({ [field]: direction }))]
}

/** The body of `POST _index` for the same query. */
export function indexBody(parts: QueryParts): object | undefined {
  const fields = indexedFields(parts)
  if (fields.length === 0) return undefined
  return {
    index: { fields, ...(parts.partialFilter ? { partial_filter_selector: parts.partialFilter } : {}) },
    ddoc: indexName(fields, parts.partialFilter),
  }
}

/** Texts of an answer that mean: create the index and ask again (`protocol/data.md`, "What clients depend on"). */
export function asksForIndex(text: string): boolean {
  return [
    'no_index',
    'no_usable_index',
    'was not used because it does not contain a valid index for this query',
    'context deadline exceeded',
  ].some(sign => text.includes(sign))
}
