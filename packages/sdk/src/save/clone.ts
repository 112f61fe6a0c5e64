import { isDate } from './file-key.ts'

/**
 * A deep copy of plain objects, arrays and dates. What has a class of its own (streams, cookie jars, models, moments)
 * and functions stay the same objects.
 */
export function clonePlain<T>(value: T): T {
  if (Array.isArray(value)) return value.map(clonePlain) as T
  if (isDate(value)) return new Date(value.getTime()) as T
  if (typeof value !== 'object' || value === null || !isPlainObject(value)) return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, clonePlain(member)])) as T
}

/** The copy of an entry: like `clonePlain`, and an entry of a class of its own stays of that class. */
export function cloneEntry<T extends object>(entry: T): T {
  const members = Object.entries(entry).map(([name, member]) => [name, clonePlain(member)])
  return Object.assign(Object.create(Object.getPrototypeOf(entry)), Object.fromEntries(members))
}

function isPlainObject(value: object): boolean {
  const prototype = Object.getPrototypeOf(value)
  // Objects of another realm (jest, vm) have another Object.prototype, which has no prototype either.
  return prototype === null || Object.getPrototypeOf(prototype) === null
}
