import type { BodyData, ExchangeOptions, StackResponse } from '@konnectory/client'
import { getStackClient } from '../stack-client.ts'
import { toFetchError } from './fetch-error.ts'
import { type JsonApiObject, type JsonApiResource, parseJsonApi } from './json-api.ts'

/** One exchange with the stack. @throws {FetchError} unless the answer is a success */
export async function exchange(method: string, path: string, options: ExchangeOptions = {}): Promise<StackResponse> {
  try {
    return await getStackClient().exchange(method, path, options)
  } catch (error) {
    throw toFetchError(error)
  }
}

/** JSON of an answer, not converted; text when the answer is not JSON. */
export async function exchangeJson<T>(method: string, path: string, options: ExchangeOptions = {}): Promise<T> {
  const response = await exchange(method, path, options)
  const type = response.headers.get('content-type') ?? ''
  const text = await response.text()
  return (type.includes('json') && text !== '' ? JSON.parse(text) : text) as T
}

/** JSON:API objects in the old client's form. */
export async function exchangeResource(
  method: string,
  path: string,
  options: ExchangeOptions = {},
): Promise<JsonApiResource> {
  const response = await exchange(method, path, options)
  return parseJsonApi(JSON.parse(await response.text()) as JsonApiObject) as JsonApiResource
}

export interface FetchJsonOptions {
  headers?: Record<string, string>
  /** false: JSON:API answers are returned as they came. */
  processJSONAPI?: boolean
}

/**
 * `cozyClient.fetchJSON(method, path, body, options)`: any route of the stack.
 * @param body JSON value; given as it is when `options.headers` has a Content-Type; not sent with GET and HEAD
 * @returns the answer's JSON, `application/vnd.api+json` ones as old-client objects; text when the answer is no JSON
 */
export async function fetchJSON(
  method: string,
  path: string,
  body?: unknown,
  options: FetchJsonOptions = {},
  // biome-ignore lint/suspicious/noExplicitAny: what a route answers is known by the caller
): Promise<any> {
  const { headers = {} } = options
  const request: ExchangeOptions = { headers: lowerCase(headers) }
  if (method !== 'GET' && method !== 'HEAD' && body !== undefined) {
    if (request.headers?.['content-type'] && isBytes(body)) request.body = body
    else request.json = body
  }
  const response = await exchange(method, path, request)
  const type = response.headers.get('content-type') ?? ''
  const text = await response.text()
  if (!type.includes('json') || text === '') return text
  const json: unknown = JSON.parse(text)
  const convert = type.startsWith('application/vnd.api+json') && options.processJSONAPI !== false
  return convert ? parseJsonApi(json as JsonApiObject) : json
}

function isBytes(body: unknown): body is BodyData {
  return typeof body === 'string' || body instanceof Uint8Array || body instanceof ArrayBuffer || isStream(body)
}

function isStream(body: unknown): boolean {
  return typeof body === 'object' && body !== null && (Symbol.asyncIterator in body || body instanceof Blob)
}

function lowerCase(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
}
