import { badArgument, brief, isObject, mangoError } from './errors.ts'
import { type FieldPath, joinField, splitField } from './field-path.ts'
import { translateRegex } from './regex.ts'

/** A selector as parsed: negations stand at the leaves only, fields have whole paths, everything is explicit. */
export type Node = { kind: 'all' | 'any'; nodes: Node[] } | Leaf

export interface Leaf {
  kind: 'leaf'
  path: FieldPath
  test: Test
}

export type Comparison = '$eq' | '$ne' | '$lt' | '$lte' | '$gt' | '$gte'

/** `not` inverts a test that has no opposite of its own; a missing field matches neither way. */
export type Test =
  | { op: Comparison; value: unknown }
  | { op: '$in' | '$nin'; value: unknown[] }
  | { op: '$exists'; value: boolean }
  | { op: '$type' | '$beginsWith'; value: string; not: boolean }
  | { op: '$regex'; value: string; pattern: string; not: boolean }
  | { op: '$size'; value: number; not: boolean }
  | { op: '$mod'; value: [number, number]; not: boolean }
  | { op: '$all'; value: unknown[]; not: boolean }
  | { op: '$elemMatch' | '$allMatch' | '$keyMapMatch'; node: Node; not: boolean }

/** Deeper selectors are nobody's question, and each level is one in the statement, too. */
export const MAX_DEPTH = 40
/** Conditions in one selector; cozy-client's largest have some dozens. */
export const MAX_CONDITIONS = 1000
/** Characters of a selector as JSON: 20,000 ids in an `$in`. */
export const MAX_SIZE = 1_000_000

const OPPOSITES = {
  $eq: '$ne',
  $ne: '$eq',
  $lt: '$gte',
  $gte: '$lt',
  $gt: '$lte',
  $lte: '$gt',
} as const satisfies Record<Comparison, Comparison>

interface Place {
  path: FieldPath
  negated: boolean
  depth: number
  /** Whether the value itself may be tested, as in `$elemMatch`; a document only has fields. */
  bare: boolean
  count: { conditions: number }
}

/**
 * Parses a Mango selector (`protocol/data.md` §5).
 * @throws CouchError 400 for an operator that does not exist, a bad argument, one too deep or too long
 */
export function parseSelector(selector: unknown): Node {
  if (!isObject(selector)) {
    throw mangoError('invalid_selector_json', `Selector must be a JSON object, not: ${brief(selector)}`)
  }
  assertSize(selector)
  return parseMembers(selector, { path: [], negated: false, depth: 0, bare: false, count: { conditions: 0 } })
}

function parseMembers(selector: Record<string, unknown>, place: Place): Node {
  const nodes = Object.entries(selector).map(([name, argument]) => {
    if (name.startsWith('$')) return parseOperator(name, argument, deeper(place))
    if (name === '') throw mangoError('invalid_selector', 'One or more conditions is missing a field name.')
    return parseCondition(argument, deeper(place, [...place.path, ...splitField(name)]))
  })
  return combine(place.negated ? 'any' : 'all', nodes)
}

/** What stands at a field, or in a list of `$and` and its like: an object of conditions, or a value to be equal to. */
function parseCondition(argument: unknown, place: Place): Node {
  if (isObject(argument) && (Object.keys(argument).length > 0 || place.path.length === 0)) {
    return parseMembers(argument, place)
  }
  return leaf(place, { op: place.negated ? '$ne' : '$eq', value: argument })
}

function parseOperator(name: string, argument: unknown, place: Place): Node {
  const { negated } = place
  const branches = (inverted: boolean) =>
    list(name, argument).map(branch => parseCondition(branch, { ...place, negated: negated !== inverted }))
  switch (name) {
    case '$and':
      return combine(negated ? 'any' : 'all', branches(false))
    case '$or':
      return combine(negated ? 'all' : 'any', branches(false))
    case '$nor':
      return combine(negated ? 'any' : 'all', branches(true))
    case '$not':
      if (!isObject(argument)) throw badArgument(name, argument)
      return parseCondition(argument, { ...place, negated: !negated })
    default:
      return leaf(place, parseTest(name, argument, place))
  }
}

function parseTest(op: string, argument: unknown, { negated: not, depth, count }: Place): Test {
  switch (op) {
    case '$eq':
    case '$ne':
    case '$lt':
    case '$lte':
    case '$gt':
    case '$gte':
      return { op: not ? OPPOSITES[op] : op, value: argument }
    case '$in':
    case '$nin':
      return { op: (op === '$in') !== not ? '$in' : '$nin', value: list(op, argument) }
    case '$exists':
      if (typeof argument !== 'boolean') throw badArgument(op, argument)
      return { op, value: argument !== not }
    case '$all':
      return { op, value: list(op, argument), not }
    case '$type':
    case '$beginsWith':
      if (typeof argument !== 'string') throw badArgument(op, argument)
      return { op, value: argument, not }
    case '$regex':
      if (typeof argument !== 'string') throw badArgument(op, argument)
      return { op, value: argument, pattern: translateRegex(argument), not }
    case '$size':
      if (!Number.isSafeInteger(argument) || (argument as number) < 0) throw badArgument(op, argument)
      return { op, value: argument as number, not }
    case '$mod': {
      const [divisor, remainder, more] = Array.isArray(argument) ? argument : []
      if (!Number.isSafeInteger(divisor) || !Number.isSafeInteger(remainder) || divisor === 0 || more !== undefined) {
        throw badArgument(op, argument)
      }
      return { op, value: [divisor, remainder], not }
    }
    case '$elemMatch':
    case '$allMatch':
    case '$keyMapMatch':
      if (!isObject(argument)) throw badArgument(op, argument)
      return { op, node: parseMembers(argument, { path: [], negated: false, depth, bare: true, count }), not }
    default:
      throw mangoError('invalid_operator', `Invalid operator: ${op.slice(0, 100)}`)
  }
}

function leaf({ path, bare, count }: Place, test: Test): Leaf {
  if (path.length === 0 && !bare) {
    throw mangoError('invalid_selector', 'One or more conditions is missing a field name.')
  }
  if (++count.conditions > MAX_CONDITIONS) {
    throw mangoError('invalid_selector', `The selector has more than ${MAX_CONDITIONS} conditions`)
  }
  return { kind: 'leaf', path, test }
}

function combine(kind: 'all' | 'any', nodes: Node[]): Node {
  return nodes.length === 1 ? nodes[0]! : { kind, nodes }
}

function deeper(place: Place, path = place.path): Place {
  if (place.depth >= MAX_DEPTH) throw tooDeep()
  return { ...place, path, depth: place.depth + 1 }
}

const tooDeep = () => mangoError('invalid_selector', `The selector is nested deeper than ${MAX_DEPTH} levels`)

/** Before anything recurses into it, or prints it. */
function assertSize(selector: Record<string, unknown>): void {
  // Values too; conditions in lists take two levels each.
  let level: unknown[] = [selector]
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > 2 * MAX_DEPTH) throw tooDeep()
    level = level.flatMap(value => (typeof value === 'object' && value !== null ? Object.values(value) : []))
  }
  if (JSON.stringify(selector).length > MAX_SIZE) {
    throw mangoError('invalid_selector', `The selector is longer than ${MAX_SIZE} characters`)
  }
}

function list(name: string, argument: unknown): unknown[] {
  if (!Array.isArray(argument)) throw badArgument(name, argument)
  return argument
}

/**
 * The selector of a node, every operator explicit: the stored form of a partial filter, with which clients compare. Parts are
 * ordered by their first name, as cozy-client orders its own before it compares.
 */
export function toSelector(node: Node): Record<string, unknown> {
  if (node.kind === 'leaf') {
    const condition = toCondition(node.test)
    return node.path.length === 0 ? condition : { [joinField(node.path)]: condition }
  }
  const parts = node.nodes.map(toSelector)
  if (node.kind === 'all' && parts.length === 0) return {}
  const first = (part: Record<string, unknown>) => Object.keys(part)[0] ?? ''
  parts.sort((a, b) => (first(a) < first(b) ? -1 : first(a) > first(b) ? 1 : 0))
  return { [node.kind === 'all' ? '$and' : '$or']: parts }
}

function toCondition(test: Test): Record<string, unknown> {
  const condition = { [test.op]: 'node' in test ? toSelector(test.node) : test.value }
  return 'not' in test && test.not ? { $not: condition } : condition
}
