import { createHash } from 'node:crypto'
import { brief, isObject, mangoError } from './errors.ts'
import { type FieldPath, splitField } from './field-path.ts'
import { parseSelector, toSelector } from './selector.ts'

/** An index as a client defined it. */
export interface IndexDefinition {
  name: string
  fields: IndexField[]
  /** Normalised, `{}` without one. */
  partialFilter: Record<string, unknown>
  /** `index` as it was sent. */
  given: unknown
}

export interface IndexField {
  name: string
  direction: 'asc' | 'desc'
}

/** Body of `POST _index`, parsed. */
export interface IndexRequest {
  /** Id of the design document, without `_design/`. */
  ddoc: string
  definition: IndexDefinition
}

/** A design document: one or more indexes under one id and revision. */
export interface DesignDocument {
  /** `_design/by_vendor`. */
  id: string
  rev: string
  /** The server's own: clients cannot delete it. */
  own: boolean
  indexes: IndexDefinition[]
}

/** More fields than this no client asks for; each is work in every write. */
const MAX_FIELDS = 32
const MAX_NAME = 512
/**
 * cozy-client looks a view up by a path, `views.<name>.map.fields`, and fails on one whose name has such characters, as
 * `by_cozyMetadata.createdByApp` has. CouchDB never names a view after its document: it takes the hash.
 */
const LOOKED_UP_AS_A_PATH = /[.[\]]/

/** @throws CouchError 400 */
export function parseIndexRequest(body: unknown): IndexRequest {
  if (!isObject(body)) throw mangoError('invalid_index', 'The body must be a JSON object')
  const { index, ddoc, name, type } = body
  if (type !== undefined && type !== 'json') throw mangoError('invalid_index', `Invalid type for index: ${brief(type)}`)
  if (index === undefined) throw mangoError('missing_required_key', 'Missing required key: index')
  if (!isObject(index)) throw mangoError('invalid_index', `JSON indexes must be an object, not: ${brief(index)}`)
  if (index.fields === undefined) throw mangoError('missing_required_key', 'Missing required key: fields')
  const fields = parseFields(index.fields, 'index')
  if (fields.length === 0) throw mangoError('invalid_index', 'An index needs at least one field')
  const filter = index.partial_filter_selector
  const partialFilter = filter === undefined || filter === null ? {} : toSelector(parseSelector(filter))
  const hash = createHash('sha1')
    .update(JSON.stringify([fields, partialFilter]))
    .digest('hex')
  const short = designName(ddoc) ?? hash
  const view = indexName(name) ?? (LOOKED_UP_AS_A_PATH.test(short) ? hash : short)
  return { ddoc: short, definition: { name: view, fields, partialFilter, given: index } }
}

/** A list of fields as `sort` and `index.fields` write them. @throws CouchError 400 */
export function parseFields(value: unknown, of: 'index' | 'sort'): IndexField[] {
  if (!Array.isArray(value)) {
    throw mangoError('invalid_sort_json', `Sort must be an array of sort specs, not: ${brief(value)}`)
  }
  if (value.length > MAX_FIELDS) throw mangoError('invalid_sort_json', `More than ${MAX_FIELDS} fields`)
  const fields = value.map(parseField)
  if (fields.some(({ direction }) => direction !== fields[0]!.direction)) {
    throw mangoError('unsupported_mixed_sort', 'Sorts currently only support a single direction for all fields.')
  }
  if (of === 'index' && new Set(fields.map(({ name }) => name)).size < fields.length) {
    throw mangoError('invalid_index', 'An index has each field once')
  }
  return fields
}

function parseField(spec: unknown): IndexField {
  const [name, direction, more] =
    typeof spec === 'string' ? [spec, 'asc'] : isObject(spec) ? (Object.entries(spec).flat() as unknown[]) : []
  if (typeof name !== 'string' || name === '' || more !== undefined) {
    throw mangoError('invalid_sort_field', `Invalid sort field: ${brief(spec)}`)
  }
  if (direction !== 'asc' && direction !== 'desc') {
    throw mangoError('invalid_sort_dir', `Invalid sort direction: ${brief(direction)}`)
  }
  return { name, direction }
}

function designName(ddoc: unknown): string | undefined {
  if (ddoc === undefined || ddoc === null) return undefined
  const short = typeof ddoc === 'string' ? ddoc.replace(/^_design\//, '') : ''
  if (!isName(short)) throw mangoError('invalid_index_name', `Invalid index name: ${brief(ddoc)}`)
  return short
}

function indexName(name: unknown): string | undefined {
  if (name === undefined || name === null) return undefined
  if (typeof name !== 'string' || !isName(name)) {
    throw mangoError('invalid_index_name', `Invalid index name: ${brief(name)}`)
  }
  return name
}

/** What the database can hold as a text, and its key as an index entry. */
export const isName = (name: string): boolean =>
  name !== '' && Buffer.byteLength(name) <= MAX_NAME && !/\0|\p{Surrogate}/u.test(name)

export const fieldPaths = ({ fields }: Pick<IndexDefinition, 'fields'>): FieldPath[] =>
  fields.map(({ name }) => splitField(name))

/**
 * A design document as JSON text (`protocol/data.md` §5). A text, for the order of `map.fields` is the index's and an object of
 * JavaScript puts names like `1` first.
 */
export function designDocumentJson({ id, rev, indexes }: DesignDocument): string {
  const members = [`"_id":${JSON.stringify(id)}`, `"_rev":${JSON.stringify(rev)}`, '"language":"query"']
  return `{${members.join(',')},"views":{${indexes.map(viewJson).join(',')}}}`
}

function viewJson({ name, fields, partialFilter, given }: IndexDefinition): string {
  const directions = fields.map(field => `${JSON.stringify(field.name)}:"${field.direction}"`).join(',')
  const { fields: givenFields, partial_filter_selector } = given as Record<string, unknown>
  const def = JSON.stringify({ fields: givenFields, partial_filter_selector: partial_filter_selector ?? undefined })
  return `${JSON.stringify(name)}:{"map":{"fields":{${directions}},"partial_filter_selector":${JSON.stringify(partialFilter)}},"reduce":"_count","options":{"def":${def}}}`
}
