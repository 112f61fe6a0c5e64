import { DOCUMENT_COLUMNS } from '#ground/documents/stored'
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
  const parts = conjuncts(plan.selector)
  const start = after && startOf(parts, columns, descending)
  const conditions = [
    `instance_id = ${statement.at(plan.tenantId, 'uuid')}`,
    `doctype = ${quoteText(plan.doctype)}`,
    'not deleted',
    // Word for word what the index says of itself: only then does the planner take it.
    ...keysPresent(columns),
    ...parts.flatMap(part => partSql(part, columns, start, statement)),
  ]
  if (plan.partialFilter) conditions.push(conditionSql(plan.partialFilter, statement))
  const order = orderColumns(columns)
  if (after && start) conditions.push(afterSql(order, after, start, statement))
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

/** Where a page that goes on from a bookmark begins. */
interface Start {
  /** Leading columns with a single value, which need no comparison. */
  constant: number
  /** The first one with several, undefined for the id behind all columns. */
  column: KeyColumn | undefined
  descending: boolean
}

function startOf(parts: Node[], columns: KeyColumn[], descending: boolean): Start {
  const isConstant = ({ field }: KeyColumn) =>
    parts.some(part => part.kind === 'leaf' && part.test.op === '$eq' && joinField(part.path) === field)
  const at = columns.findIndex(column => !isConstant(column))
  const constant = at < 0 ? columns.length : at
  return { constant, column: columns[constant], descending }
}

/** A part of the selector: by the key of the index when there is one, and exactly where the key says less. */
function partSql(part: Node, columns: KeyColumn[], start: Start | undefined, statement: Statement): string[] {
  const field = part.kind === 'leaf' ? joinField(part.path) : undefined
  const column = columns.find(candidate => candidate.field === field)
  if (part.kind !== 'leaf' || !column) return [conditionSql(part, statement)]
  // PostgreSQL would begin at this bound and not at the bookmark, which lies behind it.
  const nearEnd = start?.descending ? ['$lt', '$lte'] : ['$gt', '$gte']
  if (start && column === start.column && nearEnd.includes(part.test.op)) return [conditionSql(part, statement)]
  const key = keyConditionSql(part.test, column, statement)
  if (!key) return [conditionSql(part, statement)]
  return key.exact ? [key.sql] : [key.sql, conditionSql(part, statement)]
}

/**
 * One comparison of rows, from the first column on that has several values: the index then begins at the place where the last
 * page ended, however far that is.
 */
function afterSql(order: string[], { keys, id }: Bookmark, start: Start, statement: Statement): string {
  const rest = keys.values()
  const values = order.map(column => (column === 'id' ? id : rest.next().value))
  const compared = order.slice(start.constant)
  // All in the order are constant only when the id is: there is no other page.
  if (compared.length === 0) return 'false'
  const places = compared.map((column, at) =>
    column === 'id' ? statement.at(id, 'text') : statement.at(JSON.stringify(values[start.constant + at]), 'jsonb'),
  )
  return `(${compared.join(', ')}) ${start.descending ? '<' : '>'} (${places.join(', ')})`
}
