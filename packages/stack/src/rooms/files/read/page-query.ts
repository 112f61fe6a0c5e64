import { badRequest } from '#ground/http/errors'

/** Query parameters as the server hands them over; one given twice may come as a list. */
export type Query = Record<string, unknown>

/** The text of a parameter; absent and empty are the same. The last one counts when it was given twice. */
export function parameter(query: Query, name: string): string | undefined {
  const value = query[name]
  const text = Array.isArray(value) ? value.at(-1) : value
  return typeof text === 'string' && text !== '' ? text : undefined
}

/** A whole number ≥ 0 from a parameter. @throws JsonApiError 400 */
export function wholeNumber(query: Query, name: string): number | undefined {
  const text = parameter(query, name)
  if (text === undefined) return undefined
  if (!/^\d{1,15}$/.test(text)) throw badRequest(`${name} is not a whole number`)
  return Number(text)
}

/**
 * `page[limit]` (`protocol/conventions.md` §6): above the maximum it is the maximum.
 * @throws JsonApiError 400 for what is no number ≥ 1
 */
export function pageLimit(query: Query, { standard, most }: { standard: number; most: number }): number {
  const limit = wholeNumber(query, 'page[limit]') ?? standard
  if (limit < 1) throw badRequest('page[limit] must be at least 1')
  return Math.min(limit, most)
}

/** `page[cursor]`: a JSON array `[key, docid]`. @throws JsonApiError 400 for anything else */
export function pageCursor(query: Query): [key: unknown, id: string] | undefined {
  const text = parameter(query, 'page[cursor]')
  if (text === undefined) return undefined
  let cursor: unknown
  try {
    cursor = JSON.parse(text)
  } catch {
    throw badRequest('page[cursor] is malformed')
  }
  if (!Array.isArray(cursor) || cursor.length !== 2 || typeof cursor[1] !== 'string' || cursor[1].includes('\0')) {
    throw badRequest('page[cursor] is malformed')
  }
  return [cursor[0], cursor[1]]
}

/** The query of the next page, percent-encoded. */
export function nextQuery(parameters: Record<string, string | number>): string {
  return Object.entries(parameters)
    .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
    .join('&')
}

/** A path of the tree: absolute, without `.`, `..` and doubled slashes. @throws JsonApiError 400 for a relative one */
export function absolutePath(text: string): string {
  if (!text.startsWith('/')) throw badRequest('Path should be absolute')
  const parts: string[] = []
  for (const part of text.split('/')) {
    if (part === '..') parts.pop()
    else if (part !== '' && part !== '.') parts.push(part)
  }
  return `/${parts.join('/')}`
}
