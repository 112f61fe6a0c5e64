import type { Stored } from '@konnectory/protocol'
import { CouchError } from '../http/errors.ts'
import { compareIds, compareValues } from './collation.ts'
import type { Collection, MangoIndex } from './collection.ts'
import { getField, MISSING, projectFields, splitField } from './field-path.ts'
import { compileSelector, isObject, requirements } from './selector.ts'

/** Body of `_find`, as received. */
export type FindBody = Record<string, unknown>

export interface FindResult {
  docs: Record<string, unknown>[]
  /** The matching documents of the page, before `fields`. */
  stored: Stored[]
  limit: number
  skip: number
  next: boolean
  bookmark: string
  warning?: string
  execution_stats?: object
}

interface Order {
  path: string[]
  descending: boolean
}

/**
 * One page of a Mango query (`protocol/data.md` section 5). Always answered from memory, so never refused for lack of an index;
 * in the order of `sort`, else of the index named by `use_index`, else of `_id`.
 *
 * @throws CouchError 400 for a bad selector, sort, fields or bookmark
 */
export function find(collection: Collection, body: FindBody): FindResult {
  if (body.selector === undefined) throw new CouchError(400, 'missing_required_key', 'Missing required key: selector')
  const limit = pageLimit(body.limit)
  const skip = wholeNumber(body.skip, 'skip') ?? 0
  const matches = compileSelector(body.selector)
  const needs = requirements(body.selector)
  const named = body.use_index === undefined ? undefined : namedIndex(collection, body.use_index)
  const index = named?.fields.every(field => needs.fields.has(field.name)) ? named : undefined
  const inIndex =
    index && Object.keys(index.partialFilter).length > 0 ? compileSelector(index.partialFilter) : () => true
  const order = resultOrder(body.sort, index)
  const compare = comparator(order)

  let found: Stored[] = []
  let examined = 0
  for (const doc of collection.candidates(needs.equal)) {
    examined++
    if (matches(doc) && inIndex(doc)) found.push(doc)
  }
  found.sort((a, b) => compare(sortKey(a, order), sortKey(b, order)))
  if (typeof body.bookmark === 'string' && body.bookmark !== '' && body.bookmark !== 'nil') {
    const after = readBookmark(body.bookmark, order)
    found = found.filter(doc => compare(sortKey(doc, order), after) > 0)
  }
  const stored = found.slice(skip, skip + limit)
  const last = stored.at(-1)
  const fields = fieldList(body.fields)
  return {
    docs: fields ? stored.map(doc => projectFields(doc, fields)) : stored,
    stored,
    limit,
    skip,
    next: stored.length >= limit,
    bookmark: last ? Buffer.from(JSON.stringify(sortKey(last, order))).toString('base64url') : '',
    // Clients answer this warning by creating the index, after which results come in its order.
    ...(body.use_index !== undefined && !index
      ? {
          warning: `${JSON.stringify(body.use_index)} was not used because it does not contain a valid index for this query.`,
        }
      : {}),
    ...(body.execution_stats === true
      ? { execution_stats: { total_keys_examined: 0, total_docs_examined: examined, results_returned: stored.length } }
      : {}),
  }
}

/** Default 100; more than 1,000 is reset to 100, not clamped, as the stack does. */
export function pageLimit(value: unknown): number {
  const limit = wholeNumber(value, 'limit') ?? 100
  return limit > 1000 ? 100 : limit
}

function wholeNumber(value: unknown, name: string): number | undefined {
  if (value === undefined || value === null) return undefined
  if (!Number.isInteger(value) || (value as number) < 0)
    throw new CouchError(400, 'bad_request', `Invalid ${name} value: ${JSON.stringify(value)}`)
  return value as number
}

function fieldList(fields: unknown): string[] | undefined {
  if (fields === undefined || fields === null || (Array.isArray(fields) && fields.length === 0)) return undefined
  if (!Array.isArray(fields) || fields.some(field => typeof field !== 'string')) {
    throw new CouchError(400, 'invalid_fields', 'Fields must be an array of strings')
  }
  return fields
}

function namedIndex(collection: Collection, use: unknown): MangoIndex | undefined {
  const ddoc = String(Array.isArray(use) ? use[0] : use)
  return collection.indexes.get(ddoc.startsWith('_design/') ? ddoc : `_design/${ddoc}`)
}

function resultOrder(sort: unknown, index: MangoIndex | undefined): Order[] {
  if (sort === undefined || sort === null || (Array.isArray(sort) && sort.length === 0)) {
    return (index?.fields ?? []).map(field => ({
      path: splitField(field.name),
      descending: field.direction === 'desc',
    }))
  }
  if (!Array.isArray(sort)) throw new CouchError(400, 'invalid_sort_json', 'Sort must be an array of sort specs')
  const order = sort.map((spec): Order => {
    const [field, direction] =
      typeof spec === 'string' ? [spec, 'asc'] : isObject(spec) ? (Object.entries(spec)[0] ?? []) : []
    if (typeof field !== 'string' || (direction !== 'asc' && direction !== 'desc')) {
      throw new CouchError(400, 'invalid_sort_field', `Invalid sort field: ${JSON.stringify(spec)}`)
    }
    return { path: splitField(field), descending: direction === 'desc' }
  })
  if (order.some(field => field.descending !== order[0]!.descending)) {
    throw new CouchError(
      400,
      'unsupported_mixed_sort',
      'Sorts currently only support a single direction for all fields.',
    )
  }
  return order
}

/** The values a result is ordered by, its id last. `null` stands for a missing value, so that a key survives JSON in a bookmark. */
function sortKey(doc: Stored, order: Order[]): unknown[] {
  const values: unknown[] = order.map(field => {
    const value = getField(doc, field.path)
    return value === MISSING ? null : value
  })
  values.push(doc._id)
  return values
}

function comparator(order: Order[]): (a: unknown[], b: unknown[]) => number {
  const idsDescend = order[0]?.descending ?? false
  return (a, b) => {
    for (let i = 0; i < order.length; i++) {
      const compared = compareValues(a[i], b[i])
      if (compared !== 0) return order[i]!.descending ? -compared : compared
    }
    const ids = compareIds(a.at(-1) as string, b.at(-1) as string)
    return idsDescend ? -ids : ids
  }
}

function readBookmark(bookmark: string, order: Order[]): unknown[] {
  try {
    const key: unknown = JSON.parse(Buffer.from(bookmark, 'base64url').toString())
    if (Array.isArray(key) && key.length === order.length + 1 && typeof key.at(-1) === 'string') return key
  } catch {
    // Said below, as for any other foreign bookmark.
  }
  throw new CouchError(400, 'invalid_bookmark', `Invalid bookmark value: ${JSON.stringify(bookmark)}`)
}
