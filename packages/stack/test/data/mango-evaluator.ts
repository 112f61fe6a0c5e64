/**
 * Mango in JavaScript, straight from `protocol/data.md` §5 and without a thought for speed: what the database is compared with.
 * Checked against the one of `standalone`, which it differs from where that one differs from CouchDB: an array is not itself one
 * of the values of `$in`, `$all: []` matches nothing, `$all: [[…]]` also an array that is it; and texts are compared by code point.
 */
export function matches(selector: unknown, document: unknown): boolean {
  return holds(selector, document, [], false)
}

type Json = unknown

/** `inverted`: whether an odd number of negations stands above. */
function holds(condition: Json, root: Json, path: string[], inverted: boolean): boolean {
  if (!isObject(condition) || (Object.keys(condition).length === 0 && path.length > 0)) {
    return leaf(root, path, value => equal(value, condition), inverted)
  }
  const parts = Object.entries(condition).map(([name, argument]) => {
    const each = (invert: boolean) => (argument as Json[]).map(part => holds(part, root, path, inverted !== invert))
    switch (name) {
      case '$and':
        return inverted ? each(false).some(Boolean) : each(false).every(Boolean)
      case '$or':
        return inverted ? each(false).every(Boolean) : each(false).some(Boolean)
      case '$nor':
        return inverted ? each(true).some(Boolean) : each(true).every(Boolean)
      case '$not':
        return holds(argument, root, path, !inverted)
      case '$exists':
        return (valueAt(root, path) !== undefined) === (argument !== inverted)
    }
    if (name.startsWith('$')) return leaf(root, path, value => operator(name, value, argument), inverted)
    return holds(argument, root, [...path, ...name.split('.')], inverted)
  })
  return inverted ? parts.some(Boolean) : parts.every(Boolean)
}

/** A missing field matches neither a condition nor its opposite. */
function leaf(root: Json, path: string[], test: (value: Json) => boolean, inverted: boolean): boolean {
  const value = valueAt(root, path)
  return value !== undefined && test(value) !== inverted
}

function operator(name: string, value: Json, argument: Json): boolean {
  const wanted = argument as Json[]
  switch (name) {
    case '$eq':
      return equal(value, argument)
    case '$ne':
      return !equal(value, argument)
    case '$lt':
      return compare(value, argument) < 0
    case '$lte':
      return compare(value, argument) <= 0
    case '$gt':
      return compare(value, argument) > 0
    case '$gte':
      return compare(value, argument) >= 0
    case '$in':
    case '$nin':
      return (
        (Array.isArray(value) ? value : [value]).some(item => wanted.some(one => equal(item, one))) === (name === '$in')
      )
    case '$all':
      if (!Array.isArray(value) || wanted.length === 0) return false
      if (wanted.length === 1 && Array.isArray(wanted[0]) && equal(value, wanted[0])) return true
      return wanted.every(one => value.some(item => equal(item, one)))
    case '$type':
      return typeName(value) === argument
    case '$size':
      return Array.isArray(value) && value.length === argument
    case '$mod':
      return Number.isInteger(value) && (value as number) % (wanted[0] as number) === wanted[1]
    case '$regex': {
      const text = argument as string
      return (
        typeof value === 'string' &&
        new RegExp(text.replace('(?i)', ''), text.startsWith('(?i)') ? 'i' : '').test(value)
      )
    }
    case '$beginsWith':
      return typeof value === 'string' && value.startsWith(argument as string)
    case '$elemMatch':
      return Array.isArray(value) && value.some(item => matches(argument, item))
    case '$allMatch':
      return Array.isArray(value) && value.length > 0 && value.every(item => matches(argument, item))
    case '$keyMapMatch':
      return isObject(value) && Object.keys(value).some(key => matches(argument, key))
    default:
      throw new Error(name)
  }
}

function valueAt(root: Json, path: string[]): Json {
  let value = root
  for (const name of path) {
    if (Array.isArray(value) && !/^\d+$/.test(name)) return undefined
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined
    value = (value as Record<string, Json>)[name]
  }
  return value
}

const TYPES = ['null', 'boolean', 'number', 'string', 'array', 'object']
const typeName = (value: Json) => (value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value)

/** By type, then by value; arrays item by item, objects by members in the order of their names. */
export function compare(a: Json, b: Json): number {
  const types = TYPES.indexOf(typeName(a)) - TYPES.indexOf(typeName(b))
  if (types !== 0) return types
  if (typeof a === 'string') return Buffer.compare(Buffer.from(a), Buffer.from(b as string))
  if (typeof a !== 'object' || a === null) return Number(a) - Number(b)
  const [left, right] = [items(a), items(b as object)]
  for (const [at, item] of left.entries()) {
    const order = at < right.length ? compare(item, right[at]) : 1
    if (order !== 0) return order
  }
  return left.length - right.length
}

const items = (value: object): Json[] =>
  Array.isArray(value)
    ? value
    : Object.entries(value)
        .toSorted(([a], [b]) => (a < b ? -1 : 1))
        .flat()

const equal = (a: Json, b: Json) => compare(a, b) === 0

function isObject(value: Json): value is Record<string, Json> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
