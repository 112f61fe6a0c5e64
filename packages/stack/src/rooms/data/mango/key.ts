import { escapeText } from '#ground/documents/unstorable-text'
import { type FieldPath, isPlace, joinField } from './field-path.ts'
import { quoteTexts } from './statement.ts'

/** An index column: the value at a path as CouchDB orders it, null where there is none. */
export interface KeyColumn {
  field: string
  path: FieldPath
  /** SQL over a row of `docs`, the same text in the index and in queries, or the planner would not know it again. */
  sql: string
  /** `_id` is a column of its own, a text. */
  isId: boolean
  /** Characters of a text that the key holds. */
  cap: number
}

/** An index entry must fit a third of a page, 2,704 bytes, id and all; a character takes up to 4. */
const CHARACTERS = 320
const MOST_PER_COLUMN = 80
/** Above, keys would be too short to tell values apart. */
export const MAX_INDEX_FIELDS = 8

export function keyColumns(paths: readonly FieldPath[]): KeyColumn[] {
  const cap = Math.max(8, Math.min(MOST_PER_COLUMN, Math.floor(CHARACTERS / paths.length)))
  return paths.map(path => {
    const isId = path.length === 1 && path[0] === '_id'
    const sql = isId ? 'id' : `konnectory.mango_key(${storedField(path)}, ${cap})`
    return { field: joinField(path), path, sql, isId, cap }
  })
}

/** The value at a path as SQL, with the path inside. */
export function storedField(path: FieldPath): string {
  return fieldSql(path, quoteTexts)
}

/**
 * The value at a path of a document's row, jsonb, null where there is none.
 * @param place makes SQL of a path
 */
export function fieldSql(path: FieldPath, place: (path: string[]) => string): string {
  if (path[0] === '_id') return path.length === 1 ? 'to_jsonb(id)' : 'null::jsonb'
  if (path[0] === '_rev') return path.length === 1 ? 'to_jsonb(rev)' : 'null::jsonb'
  return valueSql('doc', path, place)
}

/** The value at a path of a jsonb value. */
export function valueSql(subject: string, path: FieldPath, place: (path: string[]) => string): string {
  if (path.length === 0) return subject
  const stored = path.map(escapeText)
  const whole = `(${subject} #> ${place(stored)})`
  // PostgreSQL counts from the end for '-1' and reads '+1' and '01' as places; in CouchDB they are names.
  const guards = stored.flatMap((name, at) =>
    /^\s*[+-]?\d+\s*$/.test(name) && !isPlace(name)
      ? [`jsonb_typeof(${at === 0 ? subject : `${subject} #> ${place(stored.slice(0, at))}`}) = 'object'`]
      : [],
  )
  return guards.length === 0 ? whole : `(case when ${guards.join(' and ')} then ${whole} end)`
}
