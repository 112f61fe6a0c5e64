import type { Readable } from 'node:stream'
import { isObject } from '../documents/selector.ts'
import { ApiError, badRequest, PlainError } from './errors.ts'

/** A request, whatever it came through. */
export interface StackRequest {
  method: string
  /** Path as sent, still percent-encoded. */
  path: string
  query: URLSearchParams
  header(name: string): string | undefined
  body: AsyncIterable<Uint8Array> | undefined
  signal: AbortSignal | undefined
}

export interface StackResponse {
  status: number
  headers: Record<string, string>
  /** Text, or what opens the content once it is really wanted. */
  body?: string | (() => Readable)
}

export const JSON_API = 'application/vnd.api+json'

export function jsonAnswer(status: number, value: unknown, contentType = 'application/json'): StackResponse {
  return { status, headers: { 'content-type': contentType }, body: JSON.stringify(value) }
}

export function apiAnswer(value: unknown, status = 200): StackResponse {
  return jsonAnswer(status, value, JSON_API)
}

export const NO_CONTENT: StackResponse = { status: 204, headers: {} }

/** The body as JSON; undefined when there is none. @throws PlainError 400 when it is not JSON */
export async function readJson(request: StackRequest): Promise<unknown> {
  const chunks: Uint8Array[] = []
  for await (const chunk of request.body ?? []) chunks.push(chunk)
  const text = Buffer.concat(chunks).toString('utf8')
  if (text.trim() === '') return undefined
  try {
    return JSON.parse(text)
  } catch {
    throw badRequest('the body is not valid JSON')
  }
}

export async function readJsonObject(request: StackRequest): Promise<Record<string, unknown>> {
  const value = await readJson(request)
  if (!isObject(value)) throw badRequest('the body should be a JSON object')
  return value
}

/** `data` of a JSON:API body. @throws ApiError 400 when it is missing or the body is not JSON */
export async function readData(request: StackRequest): Promise<unknown> {
  const value = await readJson(request).catch((error: unknown) => {
    throw error instanceof PlainError ? malformed() : error
  })
  if (!isObject(value) || value.data === undefined) throw malformed()
  return value.data
}

function malformed(): ApiError {
  return new ApiError(400, 'Bad Request', 'JSON input is malformed or is missing mandatory fields')
}

/** A query parameter; an empty one counts as absent (`protocol/files.md` section 3: clients send the whole list). */
export function parameter(request: StackRequest, name: string): string | undefined {
  return request.query.get(name) || undefined
}

/** `page[limit]` or another whole number. @throws ApiError 400 */
export function numberParameter(request: StackRequest, name: string): number | undefined {
  const text = parameter(request, name)
  if (text === undefined) return undefined
  if (!/^\d+$/.test(text)) throw new ApiError(400, 'Bad Request', `${name} should be a number`)
  return Number(text)
}

/** A query parameter holding JSON. @throws PlainError 400 */
export function jsonParameter(request: StackRequest, name: string): unknown {
  const text = parameter(request, name)
  if (text === undefined) return undefined
  try {
    return JSON.parse(text)
  } catch {
    throw badRequest(`${name} is not valid JSON`)
  }
}
