import type { IncomingHttpHeaders } from 'node:http'
import type { Any } from './types.ts'

/** What an observer is told of one request: its sending, each redirect (`auth` for a digest challenge), its answer. */
export type DebugType = 'request' | 'response' | 'redirect' | 'auth'

export interface DebugData {
  /** Joins the events of one request. */
  debugId: number
  uri?: string
  method?: string
  statusCode?: number
  headers: IncomingHttpHeaders
  body?: Any
}

export type DebugObserver = (type: DebugType, data: DebugData, request: Any) => void

/** One event of a factory with a function as `debug`. */
export interface DebugEvent {
  strings: { oneline: string; headers: string; body: Any }
  type: DebugType
  data: DebugData
  resp: Any
}

export type DebugMode = boolean | 'json' | 'simple' | 'full' | ((event: DebugEvent) => void)

/**
 * The observer of a `debug` option. Everything is printed, on stderr: addresses, headers, cookies, passwords in forms
 * and whole bodies. That is what the option is for; it has no place in a published konnector.
 * @returns undefined when debug is off
 */
export function debugObserver(debug: unknown): DebugObserver | undefined {
  if (!debug) return undefined
  if (typeof debug === 'function') {
    return (type, data, request) => debug({ strings: describe(type, data), type, data, resp: request })
  }
  if (debug === 'json') return (type, data) => console.error(JSON.stringify({ type, data }))
  if (debug === 'simple') return (type, data) => console.error(describe(type, data).oneline)
  if (debug === 'full') return (type, data) => console.error(fullText(describe(type, data)))
  return printObject
}

/** `{request: {…}}` on stderr: the output of `debug: true` and of request-debug without a function. */
export function printObject(type: DebugType, data: DebugData): void {
  console.error({ [type]: data })
}

function describe(type: DebugType, data: DebugData): DebugEvent['strings'] {
  const headers = Object.entries(data.headers)
  const length = data.headers['content-length'] ? `Content-Length: ${data.headers['content-length']}` : ''
  const oneline =
    type === 'request'
      ? `${data.method} -> ${data.uri} ${length}`
      : type === 'response'
        ? `<- ${data.statusCode}  ${length}`
        : `<- ${data.statusCode} ${data.uri}`
  return { oneline, headers: headers.map(([name, value]) => `${name}: ${value}`).join('\n'), body: data.body }
}

function fullText({ oneline, headers, body }: DebugEvent['strings']): string {
  const head = `${oneline}\n\nBEGIN HEADERS\n${headers}\nEND HEADERS\n\n`
  return body ? `${head}BEGIN BODY\n${body}\nEND BODY\n\n` : head
}

let lastDebugId = 0

/**
 * Tells observers about one request, from its own events.
 * @param request a request that was just created and is not sent yet
 */
export function observe(request: Any, observers: readonly DebugObserver[]): void {
  if (observers.length === 0) return
  const debugId = ++lastDebugId
  const tell = (type: DebugType, data: Omit<DebugData, 'debugId'>) => {
    for (const observer of observers) observer(type, { debugId, ...data }, request)
  }
  request.on('request', () => {
    const body = request.body ? { body: request.body.toString('utf8') } : {}
    tell('request', { uri: request.uri.href, method: request.method, headers: { ...request.headers }, ...body })
  })
  request.on('complete', (response: Any) => {
    tell('response', { headers: { ...response.headers }, statusCode: response.statusCode, body: response.body })
  })
  request.on('redirect', () => {
    const { statusCode, headers } = request.response
    tell(statusCode === 401 ? 'auth' : 'redirect', { statusCode, headers: { ...headers }, uri: request.uri.href })
  })
}
