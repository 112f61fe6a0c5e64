import { StackError } from './stack-error.ts'
import type { StackFetch, StackRequest, StackResponse } from './stack-fetch.ts'

/** What may be sent as a body: JSON values are serialised, bytes and streams go as they are. */
export type BodyData = string | Uint8Array | ArrayBuffer | Blob | ReadableStream<Uint8Array> | AsyncIterable<Uint8Array>

export interface TransportOptions {
  /** Address of the instance, with or without a final slash. */
  url: string
  /** Bearer token, or a function that gives the current one (it is asked again when the stack refuses it). */
  token?: string | ((again: boolean) => string | undefined | Promise<string | undefined>)
  /** How to send; default the global fetch, looked up at each call. */
  fetch?: StackFetch
}

export interface ExchangeOptions {
  /** Query parameters; `undefined` ones are left out. */
  query?: Record<string, string | number | boolean | undefined>
  headers?: Record<string, string>
  /** A JSON value. */
  json?: unknown
  /** Bytes, instead of `json`. */
  body?: BodyData
  signal?: AbortSignal | undefined
}

/** One stack over HTTP: every exchange of the client goes through here. */
export interface Transport {
  readonly url: string
  /** The raw answer; rejects with a StackError unless it is a success. */
  exchange(method: string, path: string, options?: ExchangeOptions): Promise<StackResponse>
  /** The parsed JSON of the answer; `undefined` for an empty one. */
  json<T>(method: string, path: string, options?: ExchangeOptions): Promise<T>
}

/** @returns a transport to the stack at `options.url`. Opens nothing before the first exchange. */
export function createTransport(options: TransportOptions): Transport {
  const url = options.url.replace(/\/+$/, '')

  async function bearer(again: boolean): Promise<string | undefined> {
    return typeof options.token === 'function' ? options.token(again) : options.token
  }

  async function send(method: string, path: string, request: ExchangeOptions, again: boolean): Promise<StackResponse> {
    const token = await bearer(again)
    const headers: Record<string, string> = { accept: 'application/json', ...request.headers }
    if (token) headers.authorization = `Bearer ${token}`
    let body: BodyInit | null = null
    if (request.json !== undefined) {
      headers['content-type'] ??= 'application/json'
      body = JSON.stringify(request.json)
    } else if (request.body !== undefined) {
      body = request.body as BodyInit
    }
    const init: StackRequest = { method, headers, body, redirect: 'manual' }
    if (request.signal) init.signal = request.signal
    if (body !== null && typeof body === 'object') init.duplex = 'half'
    return (options.fetch ?? globalThis.fetch)(url + path + queryString(request.query), init)
  }

  const transport: Transport = {
    url,
    async exchange(method, path, request = {}) {
      let response = await send(method, path, request, false)
      // A function may hand out a fresh token; a consumed stream cannot be sent twice.
      if (isRefusedToken(response) && typeof options.token === 'function' && !isStream(request.body)) {
        await response.arrayBuffer()
        response = await send(method, path, request, true)
      }
      if (response.ok || response.status === 304) return response
      throw new StackError(response.status, method, url + path, await readReason(response))
    },
    async json<T>(method: string, path: string, request: ExchangeOptions = {}) {
      const response = await transport.exchange(method, path, request)
      const text = await response.text()
      return (text === '' ? undefined : JSON.parse(text)) as T
    },
  }
  return transport
}

/** 401, or the 400 that a stack answers to an aged OAuth token (`protocol/auth.md`, "Expired token"). */
function isRefusedToken({ status, headers }: StackResponse): boolean {
  if (status === 401) return true
  return status === 400 && Boolean(headers.get('www-authenticate')?.includes('invalid_token'))
}

function isStream(body: BodyData | undefined): boolean {
  return (
    typeof body === 'object' &&
    !(body instanceof Uint8Array) &&
    !(body instanceof ArrayBuffer) &&
    !(body instanceof Blob)
  )
}

function queryString(query: ExchangeOptions['query']): string {
  const pairs = Object.entries(query ?? {}).filter(([, value]) => value !== undefined)
  if (pairs.length === 0) return ''
  return `?${pairs.map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(String(value))}`).join('&')}`
}

async function readReason(response: StackResponse): Promise<unknown> {
  const text = await response.text()
  try {
    return JSON.parse(text)
  } catch {
    return text || response.statusText
  }
}
