import { type IndexField, parseFields } from './definition.ts'
import { brief, isObject, mangoError } from './errors.ts'
import { type FieldPath, splitField } from './field-path.ts'
import { requirements } from './requirements.ts'
import { type Node, parseSelector } from './selector.ts'

/** Body of `_find`, parsed. */
export interface FindRequest {
  selector: Node
  /** As sent, for what a bookmark belongs to. */
  given: { selector: unknown; sort: unknown; use_index: unknown }
  sort: IndexField[]
  /** Undefined: whole documents. */
  fields: FieldPath[] | undefined
  limit: number
  skip: number
  /** Undefined for the first page. */
  bookmark: string | undefined
  /** Design document without `_design/`, and perhaps one of its indexes. */
  useIndex: { ddoc: string; name?: string } | undefined
  executionStats: boolean
}

const DEFAULT_LIMIT = 100
const MAX_LIMIT = 1000
const MAX_PROJECTION = 1000

/** @throws CouchError 400; members it does not know are ignored */
export function parseFindRequest(body: unknown): FindRequest {
  if (!isObject(body)) throw mangoError('bad_request', 'The body must be a JSON object')
  const { selector, sort, fields, limit, skip, bookmark, use_index, execution_stats } = body
  if (selector === undefined) throw mangoError('missing_required_key', 'Missing required key: selector')
  return {
    selector: parseSelector(selector),
    given: { selector, sort, use_index },
    sort: sort === undefined || sort === null ? [] : parseFields(sort, 'sort'),
    fields: parseProjection(fields),
    limit: pageLimit(limit),
    skip: wholeNumber('skip', skip) ?? 0,
    bookmark: parseBookmarkText(bookmark),
    useIndex: parseUseIndex(use_index),
    executionStats: execution_stats === true,
  }
}

/**
 * Looks at the fields a query asks of, its order included.
 * @param body of `_find`
 * @throws CouchError 400 for one that the caller may not know
 */
export function assertFields(body: unknown, mayKnow: (name: string) => boolean): void {
  const { selector, sort } = parseFindRequest(body)
  const names = [...requirements(selector).mentioned, ...sort.map(({ name }) => name)]
  const hidden = names.find(name => !mayKnow(name))
  if (hidden !== undefined) throw mangoError('bad_field', `Nobody can ask for the field ${brief(hidden)}`)
}

/** Default 100; above 1,000 it is reset to 100, not clamped, as upstream does. @throws CouchError 400 */
export function pageLimit(value: unknown): number {
  const limit = wholeNumber('limit', value) ?? DEFAULT_LIMIT
  return limit > MAX_LIMIT ? DEFAULT_LIMIT : limit
}

function wholeNumber(name: string, value: unknown): number | undefined {
  if (value === undefined || value === null) return undefined
  if (!Number.isSafeInteger(value) || (value as number) < 0) {
    throw mangoError(
      'invalid_non_neg_integer',
      `${name}: ${brief(value)} is not an integer greater than or equal to zero`,
    )
  }
  return value as number
}

function parseProjection(fields: unknown): FieldPath[] | undefined {
  if (fields === undefined || fields === null) return undefined
  if (!Array.isArray(fields) || fields.some(field => typeof field !== 'string')) {
    throw mangoError('invalid_fields', `Fields must be an array of strings, not: ${brief(fields)}`)
  }
  if (fields.length > MAX_PROJECTION) throw mangoError('invalid_fields', `More than ${MAX_PROJECTION} fields`)
  return fields.length === 0 ? undefined : fields.map(splitField)
}

/** `nil` is CouchDB's word for none. */
function parseBookmarkText(bookmark: unknown): string | undefined {
  if (bookmark === undefined || bookmark === null || bookmark === '' || bookmark === 'nil') return undefined
  if (typeof bookmark !== 'string') throw invalidBookmark(bookmark)
  return bookmark
}

export const invalidBookmark = (bookmark: unknown) =>
  mangoError('invalid_bookmark', `Invalid bookmark value: ${brief(bookmark)}`)

function parseUseIndex(value: unknown): FindRequest['useIndex'] {
  if (value === undefined || value === null || (Array.isArray(value) && value.length === 0)) return undefined
  const [ddoc, name, ...more] = Array.isArray(value) ? value : [value]
  if (typeof ddoc !== 'string' || (name !== undefined && typeof name !== 'string') || more.length > 0) {
    throw mangoError('invalid_value', `Invalid value for use_index: ${brief(value)}`)
  }
  return { ddoc: ddoc.replace(/^_design\//, ''), ...(name !== undefined && { name }) }
}
