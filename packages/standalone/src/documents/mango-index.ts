import type { Stored } from '@konnectory/protocol'
import { CouchError } from '../http/errors.ts'
import { digest } from '../identifiers.ts'
import { sameJson } from './collation.ts'
import type { Collection, MangoIndex } from './collection.ts'
import { compileSelector, isObject, type Selector } from './selector.ts'

/** Body of `POST /data/:doctype/_index` → the answer. The definition is remembered for as long as the stack lives. */
export function defineIndex(
  collection: Collection,
  body: Record<string, unknown>,
): { result: string; id: string; name: string } {
  const { index, ddoc, name } = body
  if (!isObject(index) || !Array.isArray(index.fields) || index.fields.length === 0) {
    throw new CouchError(400, 'missing_required_key', 'Missing required key: index.fields')
  }
  const fields = index.fields.map(toField)
  const partialFilter = isObject(index.partial_filter_selector) ? normalise(index.partial_filter_selector) : {}
  compileSelector(partialFilter)
  const hash = digest(JSON.stringify([fields, partialFilter]))
  const short = typeof ddoc === 'string' ? ddoc.replace(/^_design\//, '') : hash
  const id = `_design/${short}`
  const made: MangoIndex = {
    id,
    rev: `1-${hash}`,
    name: typeof name === 'string' ? name : short,
    fields,
    partialFilter,
  }
  const existing = collection.indexes.get(id)
  const same =
    existing !== undefined && sameJson(existing.fields, fields) && sameJson(existing.partialFilter, partialFilter)
  if (!same) collection.indexes.set(id, made)
  return { result: same ? 'exists' : 'created', id, name: same ? existing.name : made.name }
}

/** The index as its design document (`protocol/data.md` section 5). */
export function designDocument(index: MangoIndex): Stored {
  const direction = Object.fromEntries(index.fields.map(field => [field.name, field.direction]))
  return {
    _id: index.id,
    _rev: index.rev,
    language: 'query',
    views: {
      [index.name]: {
        map: { fields: direction, partial_filter_selector: index.partialFilter },
        reduce: '_count',
        options: {
          def: {
            fields: index.fields.map(field => (field.direction === 'asc' ? field.name : { [field.name]: 'desc' })),
          },
        },
      },
    },
  }
}

function toField(field: unknown): MangoIndex['fields'][number] {
  if (typeof field === 'string') return { name: field, direction: 'asc' }
  const [name, direction] = isObject(field) ? (Object.entries(field)[0] ?? []) : []
  if (typeof name !== 'string' || (direction !== 'asc' && direction !== 'desc')) {
    throw new CouchError(400, 'invalid_index_fields', `Invalid index field: ${JSON.stringify(field)}`)
  }
  return { name, direction }
}

/** With explicit `$eq` and dotted names: the stored form, which clients compare with. */
function normalise(selector: Selector): Selector {
  const parts: Selector[] = []
  const visit = (value: unknown, path: string) => {
    if (isObject(value) && Object.keys(value).length > 0 && !Object.keys(value).some(name => name.startsWith('$'))) {
      for (const [name, inner] of Object.entries(value)) visit(inner, path === '' ? name : `${path}.${name}`)
    } else if (path === '') parts.push(value as Selector)
    else parts.push({ [path]: isObject(value) && Object.keys(value).length > 0 ? value : { $eq: value } })
  }
  for (const [name, value] of Object.entries(selector)) {
    if (name.startsWith('$')) parts.push({ [name]: value })
    else visit(value, name)
  }
  return parts.length === 1 ? parts[0]! : parts.length === 0 ? {} : { $and: parts }
}
