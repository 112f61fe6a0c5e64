import type { Bound, IdRange } from './listing-store.ts'
import { count, flag, jsonValue, type Query, text, unreadable } from './parameters.ts'

/** What `_all_docs` is asked for. */
export interface AllDocsRequest {
  /** Instead of a range. */
  keys: string[] | undefined
  /** Undefined: nothing lies in it. */
  range: IdRange | undefined
  descending: boolean
  skip: number
  limit: number | undefined
  includeDocs: boolean
  conflicts: boolean
  updateSeq: boolean
  /** The stack's own way of filtering (`protocol/data.md` §4). */
  filtered: boolean
  fields: string[] | undefined
  designs: boolean
}

/** Most ids asked for at a time. */
const MOST_KEYS = 100_000

/** Parameters of `_all_docs`, from the query and, as CouchDB takes them too, from a POST's body. @throws CouchError 400 */
export function readAllDocsRequest(query: Query, body: Record<string, unknown>): AllDocsRequest {
  const merged: Query = { ...query, ...bodyParameters(body) }
  const fields = text(query, 'Fields')?.split(',').filter(Boolean)
  const designs = text(query, 'DesignDocs') !== 'false'
  const filtered = !designs || (fields !== undefined && fields.length > 0)
  const descending = flag(merged, 'descending') ?? false
  const common = {
    descending,
    skip: count(merged, 'skip') ?? 0,
    limit: count(merged, 'limit'),
    filtered,
    fields: fields?.length ? fields : undefined,
    designs,
  }
  if (filtered) {
    const range = rangeOf(merged, descending, true, false)
    return { ...common, keys: undefined, range, includeDocs: true, conflicts: false, updateSeq: false }
  }
  const keys = body.keys === undefined ? jsonValue(query, 'keys') : body.keys
  return {
    ...common,
    keys: keys === undefined ? undefined : textKeys(keys),
    range: rangeOf(merged, descending, flag(merged, 'inclusive_end') ?? true, true),
    includeDocs: flag(merged, 'include_docs') ?? false,
    conflicts: flag(merged, 'conflicts') ?? false,
    updateSeq: flag(merged, 'update_seq') ?? false,
  }
}

const PLAIN = ['skip', 'limit', 'descending', 'include_docs', 'inclusive_end', 'conflicts', 'update_seq']
const JSON_VALUES = ['key', 'startkey', 'start_key', 'endkey', 'end_key']

/** Members of a body as the parameters they stand for. */
function bodyParameters(body: Record<string, unknown>): Query {
  const of = (names: string[], write: (value: unknown) => string) =>
    names.filter(name => body[name] !== undefined).map(name => [name, write(body[name])] as const)
  return Object.fromEntries([
    ...of(PLAIN, value => JSON.stringify(value)),
    ...of(JSON_VALUES, value => JSON.stringify(value)),
  ])
}

function textKeys(keys: unknown): string[] {
  if (!Array.isArray(keys)) throw unreadable('`keys` must be a list')
  if (keys.length > MOST_KEYS) throw unreadable(`at most ${MOST_KEYS} keys at a time`)
  if (!keys.every(key => typeof key === 'string')) throw unreadable('`keys` must be a list of texts')
  return keys
}

function rangeOf(query: Query, descending: boolean, inclusiveEnd: boolean, withKey: boolean): IdRange | undefined {
  const key = withKey ? jsonValue(query, 'key') : undefined
  const start = key ?? jsonValue(query, 'startkey', 'start_key')
  const end = key ?? jsonValue(query, 'endkey', 'end_key')
  const low = boundOf(descending ? end : start, !descending || inclusiveEnd, 'low')
  const high = boundOf(descending ? start : end, descending || inclusiveEnd, 'high')
  return low === 'nothing' || high === 'nothing' ? undefined : { low, high }
}

/**
 * A JSON key as a bound of ids: null, booleans and numbers come before all texts, lists and objects after. No stored id holds
 * NUL, so a bound with one lies right behind the text before it.
 */
function boundOf(key: unknown, inclusive: boolean, side: 'low' | 'high'): Bound | undefined | 'nothing' {
  if (key === undefined) return undefined
  if (typeof key !== 'string') {
    const afterAll = typeof key === 'object' && key !== null
    return afterAll === (side === 'low') ? 'nothing' : undefined
  }
  const end = key.indexOf('\0')
  if (end >= 0) return { id: key.slice(0, end).toWellFormed(), inclusive: side === 'high' }
  return { id: key.toWellFormed(), inclusive }
}
