import type { z } from 'zod'
import { badRequest, JsonApiError } from './errors.ts'

/** Checks a part of a request. @throws JsonApiError 400 naming the first thing that is wrong */
export function validate<T>(schema: z.ZodType<T>, value: unknown, part: 'body' | 'query' | 'path'): T {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  // What every route that wants a JSON:API document says (`protocol/conventions.md` §1).
  const lacksData = part === 'body' && result.error.issues.some(({ path }) => path[0] === 'data' && path.length === 1)
  if (lacksData && (value as { data?: unknown }).data === undefined)
    throw badRequest('JSON input is malformed or is missing mandatory fields')
  const issue = result.error.issues[0]!
  const place = issue.path.join('.')
  const source = part === 'body' ? { pointer: place ? `/${issue.path.join('/')}` : '' } : { parameter: place }
  throw new JsonApiError(400, 'Bad Request', `${place || part}: ${issue.message}`, source)
}
