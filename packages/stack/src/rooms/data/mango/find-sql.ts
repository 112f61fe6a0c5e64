import { DOCUMENT_COLUMNS } from '#ground/documents/stored'
import { storableJson } from '#ground/documents/unstorable-text'
import type { Bookmark } from './bookmark.ts'
import { conditionSql, keyConditionSql } from './condition-sql.ts'
import { joinField } from './field-path.ts'
import type { KeyColumn } from './key.ts'
import { conjuncts } from './requirements.ts'
import type { Node } from './selector.ts'
import { quoteText, Statement } from './statement.ts'

export interface FindPlan {
  tenantId: string
  doctype: string
  selector: Node
  /** Of the chosen index; matches all when it is not partial. */
  partialFilter: Node | undefined
  /** Columns of the chosen index, none when in the order of ids. */
  columns: KeyColumn[]
  descending: boolean
  after: Bookmark | undefined
  limit: number
  skip: number
}

/**
 * A page of a query as one statement. The doctype stands in the text, so that the planner looks at one partition only and knows
 * the indexes of a doctype that shares one; everything a client sent goes along as a value.
 */
export function findSql(plan: FindPlan): { text: string; values: unknown[] } {
  const { columns, descending, after } = plan
  const statement = new Statement()
  const conditions = [
    `instance_id = ${statement.at(plan.tenantId, 'uuid')}`,
    `doctype = ${quoteText(plan.doctype)}`,
    'not deleted',
    // Word for word what the index says of itself: only then does the planner take it.
    ...keysPresent(columns),
    ...conjuncts(plan.selector).flatMap(part => partSql(part, columns, statement)),
  ]
  if (plan.partialFilter) conditions.push(conditionSql(plan.partialFilter, statement))
  const order = orderColumns(columns)
  if (after) conditions.push(afterSql(order, after, descending, statement))
  const direction = descending ? ' desc' : ''
  return {
    text: `select ${DOCUMENT_COLUMNS} from docs
 where ${conditions.join('\n   and ')}
 order by ${order.map(column => column + direction).join(', ')}
 limit ${statement.at(plan.limit, 'bigint')} offset ${statement.at(plan.skip, 'bigint')}`,
    values: statement.values,
  }
}

/** Also the predicate of an index: documents without one of the fields are not in it. */
export const keysPresent = (columns: KeyColumn[]): string[] =>
  columns.filter(({ isId }) => !isId).map(({ sql }) => `${sql} is not null`)

/** Columns of an index after `instance_id`; the id makes the order one. */
export function orderColumns(columns: KeyColumn[]): string[] {
  const order = columns.map(({ sql }) => sql)
  return order.includes('id') ? order : [...order, 'id']
}

/** A part of the selector: by the key of the index when there is one, and exactly where the key says less. */
function partSql(part: Node, columns: KeyColumn[], statement: Statement): string[] {
  const field = part.kind === 'leaf' ? joinField(part.path) : undefined
  const column = columns.find(candidate => candidate.field === field)
  const key = column && part.kind === 'leaf' ? keyConditionSql(part.test, column, statement) : undefined
  if (!key) return [conditionSql(part, statement)]
  return key.exact ? [key.sql] : [key.sql, conditionSql(part, statement)]
}

/** One comparison of rows: the index then starts at the place where the last page ended. */
function afterSql(order: string[], { keys, id }: Bookmark, descending: boolean, statement: Statement): string {
  const rest = keys.values()
  const places = order.map(column =>
    column === 'id' ? statement.at(id, 'text') : statement.at(storableJson(rest.next().value), 'jsonb'),
  )
  return `(${order.join(', ')}) ${descending ? '<' : '>'} (${places.join(', ')})`
}
