import { CouchError } from '../http/errors.ts'
import { compareValues, sameJson } from './collation.ts'
import { getField, MISSING, splitField } from './field-path.ts'

export type Predicate = (doc: unknown) => boolean
export type Selector = Record<string, unknown>

type Condition = (value: unknown) => boolean

/**
 * A Mango selector as a function (`protocol/data.md` section 5).
 * Negations are pushed down to the leaves, as CouchDB does: a missing field matches nothing but `$exists: false`, even under `$not`.
 *
 * @throws CouchError 400 for an operator that does not exist or a bad argument
 */
export function compileSelector(selector: unknown): Predicate {
  if (!isObject(selector)) throw new CouchError(400, 'bad_request', 'Selector must be a JSON object')
  return compileAll(selector, [], false)
}

function compileAll(selector: Selector, path: string[], negated: boolean): Predicate {
  const predicates = Object.entries(selector).map(([name, argument]) =>
    name.startsWith('$')
      ? compileOperator(name, argument, path, negated)
      : compileField(argument, [...path, ...splitField(name)], negated),
  )
  return negated ? some(predicates) : every(predicates)
}

function compileField(argument: unknown, path: string[], negated: boolean): Predicate {
  if (isObject(argument) && Object.keys(argument).length > 0) return compileAll(argument, path, negated)
  return leaf(value => sameJson(value, argument), path, negated)
}

function compileOperator(name: string, argument: unknown, path: string[], negated: boolean): Predicate {
  const branches = (inverted: boolean) =>
    list(name, argument).map(branch => compileField(branch, path, negated !== inverted))
  switch (name) {
    case '$and':
      return negated ? some(branches(false)) : every(branches(false))
    case '$or':
      return negated ? every(branches(false)) : some(branches(false))
    case '$nor':
      return negated ? some(branches(true)) : every(branches(true))
    case '$not':
      return compileField(argument, path, !negated)
    case '$exists': {
      if (typeof argument !== 'boolean') throw badArgument(name, argument)
      return doc => (getField(doc, path) !== MISSING) === (argument !== negated)
    }
  }
  return leaf(condition(name, argument), path, negated)
}

function condition(name: string, argument: unknown): Condition {
  switch (name) {
    case '$eq':
      return value => sameJson(value, argument)
    case '$ne':
      return value => !sameJson(value, argument)
    case '$lt':
      return value => compareValues(value, argument) < 0
    case '$lte':
      return value => compareValues(value, argument) <= 0
    case '$gt':
      return value => compareValues(value, argument) > 0
    case '$gte':
      return value => compareValues(value, argument) >= 0
    case '$in':
    case '$nin': {
      const wanted = list(name, argument)
      // CouchDB: an array field matches when it is one of the values, or holds one of them.
      const within: Condition = value =>
        wanted.some(one => sameJson(value, one) || (Array.isArray(value) && value.some(item => sameJson(item, one))))
      return name === '$in' ? within : value => !within(value)
    }
    case '$all': {
      const wanted = list(name, argument)
      return value => Array.isArray(value) && wanted.every(one => value.some(item => sameJson(item, one)))
    }
    case '$elemMatch':
    case '$allMatch': {
      const matches = compileSelector(argument)
      return name === '$elemMatch'
        ? value => Array.isArray(value) && value.some(matches)
        : value => Array.isArray(value) && value.length > 0 && value.every(matches)
    }
    case '$keyMapMatch': {
      const matches = compileSelector(argument)
      return value => isObject(value) && Object.keys(value).some(matches)
    }
    case '$type':
      return value => typeName(value) === argument
    case '$size': {
      if (!Number.isInteger(argument)) throw badArgument(name, argument)
      return value => Array.isArray(value) && value.length === argument
    }
    case '$mod': {
      const [divisor, remainder] = Array.isArray(argument) ? argument : []
      if (!Number.isInteger(divisor) || !Number.isInteger(remainder) || divisor === 0) throw badArgument(name, argument)
      return value => Number.isInteger(value) && (value as number) % divisor === remainder
    }
    case '$regex': {
      if (typeof argument !== 'string') throw badArgument(name, argument)
      const pattern = toRegExp(argument)
      return value => typeof value === 'string' && pattern.test(value)
    }
    case '$beginsWith': {
      if (typeof argument !== 'string') throw badArgument(name, argument)
      return value => typeof value === 'string' && value.startsWith(argument)
    }
    default:
      throw new CouchError(400, 'invalid_operator', `Invalid operator: ${name}`)
  }
}

/** The `field → value` equalities and the constrained fields that hold for every match, to choose an index. */
export function requirements(selector: unknown): { equal: Map<string, unknown>; fields: Set<string> } {
  const equal = new Map<string, unknown>()
  const fields = new Set<string>()
  const visit = (part: unknown, path: string) => {
    if (!isObject(part) || Object.keys(part).length === 0) {
      fields.add(path)
      equal.set(path, part)
      return
    }
    for (const [name, argument] of Object.entries(part)) {
      if (!name.startsWith('$')) visit(argument, path === '' ? name : `${path}.${name}`)
      else if (name === '$and' && Array.isArray(argument)) for (const branch of argument) visit(branch, path)
      else if (path !== '' && !['$or', '$nor', '$not'].includes(name) && !(name === '$exists' && argument === false)) {
        fields.add(path)
        if (name === '$eq') equal.set(path, argument)
      }
    }
  }
  if (isObject(selector) && Object.keys(selector).length > 0) visit(selector, '')
  return { equal, fields }
}

function leaf(matches: Condition, path: string[], negated: boolean): Predicate {
  return doc => {
    const value = getField(doc, path)
    return value !== MISSING && matches(value) !== negated
  }
}

const every =
  (predicates: Predicate[]): Predicate =>
  doc =>
    predicates.every(matches => matches(doc))
const some =
  (predicates: Predicate[]): Predicate =>
  doc =>
    predicates.some(matches => matches(doc))

function list(name: string, argument: unknown): unknown[] {
  if (!Array.isArray(argument)) throw badArgument(name, argument)
  return argument
}

function badArgument(name: string, argument: unknown): CouchError {
  return new CouchError(400, 'bad_arg', `Bad argument for operator ${name}: ${JSON.stringify(argument)}`)
}

function toRegExp(source: string): RegExp {
  try {
    // PCRE's leading (?i) and friends are what people write in Mango; JavaScript has them as flags.
    const inline = /^\(\?([ims]+)\)/.exec(source)
    return inline ? new RegExp(source.slice(inline[0].length), inline[1]) : new RegExp(source)
  } catch {
    throw badArgument('$regex', source)
  }
}

function typeName(value: unknown): string {
  if (value === null) return 'null'
  return Array.isArray(value) ? 'array' : typeof value
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
