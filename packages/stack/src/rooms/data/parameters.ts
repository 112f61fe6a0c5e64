import { CouchError } from '#ground/http/errors'

/** Query parameters as the server gives them: one sent twice comes as a list. */
export type Query = Record<string, unknown>

/** The last value of a parameter. */
export function text(query: Query, name: string): string | undefined {
  const value = query[name]
  const last: unknown = Array.isArray(value) ? value.at(-1) : value
  return typeof last === 'string' ? last : undefined
}

/** All parameters with one value each. */
export const texts = (query: Query): Record<string, string> =>
  Object.fromEntries(Object.keys(query).map(name => [name, text(query, name) ?? '']))

/** @throws CouchError 400 for anything but `true` and `false` */
export function flag(query: Query, name: string): boolean | undefined {
  const value = text(query, name)
  if (value === undefined || value === '') return undefined
  if (value !== 'true' && value !== 'false') throw unreadable(`Invalid boolean parameter: ${name}`)
  return value === 'true'
}

/** A whole number from 0. @throws CouchError 400 for anything else */
export function count(query: Query, name: string): number | undefined {
  const value = text(query, name)
  if (value === undefined || value === '') return undefined
  if (!/^\d{1,15}$/.test(value)) throw unreadable(`Invalid value for ${name}: a whole number from 0 is needed`)
  return Number(value)
}

/** A value in JSON, as `startkey="a"`. @throws CouchError 400 when it is none */
export function jsonValue(query: Query, ...names: string[]): unknown {
  for (const name of names) {
    const value = text(query, name)
    if (value === undefined) continue
    try {
      return JSON.parse(value) as unknown
    } catch {
      throw unreadable(`Invalid JSON in ${name}`)
    }
  }
  return undefined
}

export const unreadable = (reason: string) => new CouchError(400, 'query_parse_error', reason)
