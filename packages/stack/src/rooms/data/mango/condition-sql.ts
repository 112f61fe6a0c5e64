import { escapeText, storableJson } from '#ground/documents/unstorable-text'
import { fieldSql, type KeyColumn, valueSql } from './key.ts'
import type { Comparison, Leaf, Node, Test } from './selector.ts'
import type { Statement } from './statement.ts'

/** Where a selector is applied: to documents of `docs`, or to a value inside one. */
type Subject = { document: true } | { document: false; value: string }

interface Context {
  statement: Statement
  /** Numbers the inner rows, so that names do not meet. */
  inner: { count: number }
}

const TYPES = ['null', 'boolean', 'number', 'string', 'array', 'object'] as const
type TypeName = (typeof TYPES)[number]

/**
 * A parsed selector as a condition over a row of `docs`. It never fails at a value, whatever its type; for a missing field it
 * is null, which counts as false, and no `not` stands above a null.
 */
export function conditionSql(node: Node, statement: Statement): string {
  return nodeSql(node, { document: true }, { statement, inner: { count: 0 } })
}

function nodeSql(node: Node, subject: Subject, context: Context): string {
  if (node.kind === 'leaf') return leafSql(node, subject, context)
  if (node.nodes.length === 0) return String(node.kind === 'all')
  return `(${node.nodes.map(part => nodeSql(part, subject, context)).join(node.kind === 'all' ? ' and ' : ' or ')})`
}

function leafSql({ path, test }: Leaf, subject: Subject, context: Context): string {
  const { statement } = context
  if (subject.document && path.length === 1 && path[0] === '_id') {
    const condition = idSql(test, statement)
    if (condition) return condition
  }
  const place = (names: string[]) => statement.at(names, 'text[]')
  const value = subject.document ? fieldSql(path, place) : valueSql(subject.value, path, place)
  return testSql(test, value, context)
}

function testSql(test: Test, value: string, context: Context): string {
  const { statement } = context
  switch (test.op) {
    case '$eq':
    case '$ne':
      return `${value} ${test.op === '$eq' ? '=' : '<>'} ${jsonPlace(statement, test.value)}`
    case '$lt':
    case '$lte':
    case '$gt':
    case '$gte':
      return rangeSql(test.op, test.value, value, statement)
    case '$exists':
      return `${value} is ${test.value ? 'not ' : ''}null`
    case '$in':
      return amongSql(test.value, value, context)
    case '$nin':
      return inverted(true, amongSql(test.value, value, context), value)
    default:
      return inverted(test.not, positiveSql(test, value, context), value)
  }
}

function positiveSql(
  test: Exclude<Test, { op: Comparison | '$in' | '$nin' | '$exists' }>,
  value: string,
  context: Context,
): string {
  const { statement } = context
  const text = `(${value} #>> '{}')`
  switch (test.op) {
    case '$type':
      return `jsonb_typeof(${value}) = ${statement.at(escapeText(test.value), 'text')}`
    case '$beginsWith':
      return onlyFor('string', value, `starts_with(${text}, ${statement.at(escapeText(test.value), 'text')})`)
    case '$regex':
      return onlyFor('string', value, `${text} collate "C" ~ ${statement.at(test.pattern, 'text')}`)
    case '$size':
      return onlyFor('array', value, `jsonb_array_length(${value}) = ${statement.at(test.value, 'numeric')}`)
    case '$mod': {
      const [divisor, remainder] = test.value.map(number => statement.at(number, 'numeric'))
      const number = `${value}::numeric`
      return onlyFor('number', value, `trunc(${number}) = ${number} and mod(${number}, ${divisor}) = ${remainder}`)
    }
    case '$all': {
      // Never, and still with the value in it: a place that is not used has no type.
      if (test.value.length === 0) return `(${value} is null and false)`
      const [wanted, item] = [innerName(context), innerName(context)]
      const hasAll = `not exists (select from unnest(${jsonsPlace(statement, test.value)}) as ${wanted}(value)
        where not exists (select from jsonb_array_elements(${value}) as ${item}(value) where ${item}.value = ${wanted}.value))`
      const [only, ...more] = test.value
      // `$all: [[1, 2]]` also means the array [1, 2] itself.
      const isIt = Array.isArray(only) && more.length === 0 ? ` or ${value} = ${jsonPlace(statement, only)}` : ''
      return onlyFor('array', value, hasAll + isIt)
    }
    case '$elemMatch': {
      const [item, condition] = inside(test.node, context)
      return onlyFor(
        'array',
        value,
        `exists (select from jsonb_array_elements(${value}) as ${item}(value) where ${condition})`,
      )
    }
    case '$allMatch': {
      const [item, condition] = inside(test.node, context)
      return onlyFor(
        'array',
        value,
        `${value} <> '[]' and not exists (select from jsonb_array_elements(${value}) as ${item}(value)
          where (${condition}) is not true)`,
      )
    }
    case '$keyMapMatch': {
      const name = innerName(context)
      const condition = nodeSql(test.node, { document: false, value: `to_jsonb(${name}.name)` }, context)
      return onlyFor(
        'object',
        value,
        `exists (select from jsonb_object_keys(${value}) as ${name}(name) where ${condition})`,
      )
    }
  }
}

function inside(node: Node, context: Context): [name: string, condition: string] {
  const name = innerName(context)
  return [name, nodeSql(node, { document: false, value: `${name}.value` }, context)]
}

const innerName = ({ inner }: Context) => `i${++inner.count}`

/** A case and no `and`: the order in which conditions are looked at is the planner's, and some functions fail on other types. */
const onlyFor = (type: TypeName, value: string, condition: string) =>
  `(case when jsonb_typeof(${value}) = '${type}' then ${condition} end)`

const inverted = (not: boolean, condition: string, value: string) =>
  not ? `(${value} is not null and (${condition}) is not true)` : condition

/** CouchDB: one of the values, or for an array: an item that is one of them. */
function amongSql(values: unknown[], value: string, context: Context): string {
  const places = jsonsPlace(context.statement, values)
  const item = innerName(context)
  return `(case when jsonb_typeof(${value}) = 'array'
    then exists (select from jsonb_array_elements(${value}) as ${item}(value) where ${item}.value = any(${places}))
    else ${value} = any(${places}) end)`
}

/** Types in CouchDB's order, and within one jsonb's own, which is the same except inside of arrays and objects. */
function rangeSql(op: '$lt' | '$lte' | '$gt' | '$gte', argument: unknown, value: string, statement: Statement): string {
  const type = typeOf(argument)
  const rank = TYPES.indexOf(type)
  const others = op.startsWith('$gt') ? TYPES.slice(rank + 1) : TYPES.slice(0, rank)
  const parts: string[] = []
  if (others.length > 0) parts.push(`jsonb_typeof(${value}) in (${others.map(name => `'${name}'`).join(', ')})`)
  const operator = { $lt: '<', $lte: '<=', $gt: '>', $gte: '>=' }[op]
  const same =
    type === 'array' || type === 'object'
      ? `konnectory.mango_compare(${value}, ${jsonPlace(statement, argument)}) ${operator} 0`
      : `${value} ${operator} ${jsonPlace(statement, argument)}`
  parts.push(`(jsonb_typeof(${value}) = '${type}' and ${same})`)
  return `(${parts.join(' or ')})`
}

export function typeOf(value: unknown): TypeName {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'array' : (typeof value as TypeName)
}

/** `_id` as the column it is, so that the primary key serves. Ids are stored as they are. */
function idSql(test: Test, statement: Statement): string | undefined {
  switch (test.op) {
    case '$exists':
      return String(test.value)
    case '$eq':
    case '$ne':
      if (!isStorable(test.value)) return String(test.op === '$ne')
      return `id ${test.op === '$eq' ? '=' : '<>'} ${statement.at(test.value, 'text')}`
    case '$in':
    case '$nin': {
      const ids = statement.at(test.value.filter(isStorable), 'text[]')
      return test.op === '$in' ? `id = any(${ids})` : `id <> all(${ids})`
    }
    case '$lt':
    case '$lte':
    case '$gt':
    case '$gte': {
      const rank = TYPES.indexOf(typeOf(test.value)) - TYPES.indexOf('string')
      if (rank !== 0) return String(test.op.startsWith('$gt') === rank < 0)
      const operator = { $lt: '<', $lte: '<=', $gt: '>', $gte: '>=' }[test.op]
      const text = test.value as string
      return `id ${operator} ${statement.at(isStorable(text) ? text : escapeText(text), 'text')}`
    }
    default:
      return undefined
  }
}

/** Whether a value may be an id at all. */
const isStorable = (value: unknown): value is string => typeof value === 'string' && !/\0|\p{Surrogate}/u.test(value)

const jsonPlace = (statement: Statement, value: unknown) => statement.at(storableJson(value), 'jsonb')
const jsonsPlace = (statement: Statement, values: unknown[]) =>
  statement.at(
    values.map(value => storableJson(value)),
    'jsonb[]',
  )

/**
 * What a condition means for a key of an index: implied by the condition, and with `exact` the same as it.
 * @returns undefined when it says nothing
 */
export function keyConditionSql(
  test: Test,
  column: KeyColumn,
  statement: Statement,
): { sql: string; exact: boolean } | undefined {
  if (column.isId) {
    const sql = idSql(test, statement)
    return sql === undefined ? undefined : { sql, exact: true }
  }
  const { sql: key, cap } = column
  const keyOf = (json: string) => `konnectory.mango_key(${json}, ${cap})`
  switch (test.op) {
    case '$exists':
      return test.value ? { sql: `${key} is not null`, exact: true } : undefined
    case '$eq':
      return { sql: `${key} = ${keyOf(jsonPlace(statement, test.value))}`, exact: isExact(test.value, cap) }
    case '$in': {
      const wanted = `select ${keyOf('w.value')} from unnest(${jsonsPlace(statement, test.value)}) as w(value)`
      // Arrays may hold one of the values.
      return {
        sql: `(${key} = any(array(${wanted})) or (${key} >= '[5, null]' and ${key} < '[6, null]'))`,
        exact: false,
      }
    }
    case '$lt':
    case '$lte':
    case '$gt':
    case '$gte':
      return keyRangeSql(test.op, test.value, column, statement)
    default:
      return undefined
  }
}

function keyRangeSql(
  op: '$lt' | '$lte' | '$gt' | '$gte',
  argument: unknown,
  { sql: key, cap }: KeyColumn,
  statement: Statement,
): { sql: string; exact: boolean } {
  const upwards = op.startsWith('$gt')
  const type = typeOf(argument)
  if (type === 'array' || type === 'object') {
    // Keys of arrays and objects are ordered otherwise: only the type is told.
    const rank = type === 'array' ? 5 : 6
    return { sql: upwards ? `${key} >= '[${rank}, null]'` : `${key} < '[${rank + 1}, null]'`, exact: false }
  }
  const exact = isExact(argument, cap)
  const operator = { $lt: '<', $lte: '<=', $gt: '>', $gte: '>=' }[op]
  return {
    sql: `${key} ${exact ? operator : upwards ? '>=' : '<='} konnectory.mango_key(${jsonPlace(statement, argument)}, ${cap})`,
    exact,
  }
}

/** Whether a key tells this value from every other. */
function isExact(value: unknown, cap: number): boolean {
  if (typeof value === 'string') return escapeText(value).length <= cap
  return typeof value !== 'object' || value === null
}
