import { createHash } from 'node:crypto'
import type { FieldPath } from './field-path.ts'
import { keysPresent, orderColumns } from './find-sql.ts'
import { type KeyColumn, keyColumns, MAX_INDEX_FIELDS } from './key.ts'
import type { Partition } from './physical-store.ts'
import { quoteText } from './statement.ts'

/** An index in the database, shared by all instances that define these fields of this doctype. */
export interface PhysicalIndex {
  /** Its name there too. */
  name: string
  doctype: string
  /** Names of fields, in order. */
  fields: string[]
}

/** A version of its own, so that indexes made by another rule would have other names. */
const RULE = 'mango 1'

/**
 * The index that serves these fields.
 * @returns undefined when none is needed (the primary key orders by `_id`) or none can be made
 */
export function physicalIndex(doctype: string, paths: readonly FieldPath[]): PhysicalIndex | undefined {
  const isRow = paths.some(([first, ...rest]) => first === '_rev' || (first === '_id' && rest.length > 0))
  if (isRow || paths[0]?.[0] === '_id' || paths.length > MAX_INDEX_FIELDS) return undefined
  const columns = keyColumns(paths)
  // A definition is text in the catalogue, and long names are nobody's.
  if (columns.some(({ sql }) => sql.length > 2000)) return undefined
  const fields = columns.map(({ field }) => field)
  const hash = createHash('sha256')
    .update(JSON.stringify([RULE, doctype, fields]))
    .digest('hex')
  return { name: `mango_${hash.slice(0, 32)}`, doctype, fields }
}

/** @param partition of `docs` */
export function createIndexSql({ name, doctype }: PhysicalIndex, columns: KeyColumn[], partition: Partition): string {
  const keys = ['instance_id', ...orderColumns(columns)]
  const only = [
    'not deleted',
    ...keysPresent(columns),
    ...(partition.shared ? [`doctype = ${quoteText(doctype)}`] : []),
  ]
  return `create index concurrently if not exists ${quoteName(name)} on konnectory.${quoteName(partition.name)}
    (${keys.join(', ')}) where ${only.join(' and ')}`
}

export const quoteName = (name: string): string => `"${name.replaceAll('"', '""')}"`
