import { decodeBody, textOf } from './bodies.ts'
import type { HarEntry } from './har.ts'
import { PLACEHOLDER } from './scrub/placeholders.ts'

type Pair = [name: string, value: string]

/** A request in the form in which two are compared. */
export interface ComparableRequest {
  method: string
  url: string
  origin: string
  path: string[]
  query: Pair[]
  body: { kind: 'none' | 'binary' } | { kind: 'fields'; pairs: Pair[] } | { kind: 'text'; text: string }
}

/** The outcome of a comparison: equal when there is no difference. */
export interface Comparison {
  differences: string[]
  /** Values that this run made up where the recorded run had made up others: a `state`, a nonce. */
  bindings: Map<string, string>
}

const PLACEHOLDER_WHOLE = new RegExp(`^${PLACEHOLDER.source}$`)
const PLACEHOLDERS = new RegExp(PLACEHOLDER.source, 'g')
const FIELD_PLACEHOLDER = /^konnectory-[a-z][a-z0-9-]*$/
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i
const RANDOM = /^0?\.\d{8,}$/
const ISO_TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}/
const DAY = 86_400_000

export function comparable(
  method: string,
  url: string,
  contentType: string,
  text: string | undefined,
): ComparableRequest {
  const parsed = new URL(url)
  return {
    method: method.toUpperCase(),
    url,
    origin: parsed.origin,
    path: parsed.pathname.split('/').map(decode),
    query: [...parsed.searchParams],
    body: text === undefined ? { kind: 'binary' } : comparableBody(contentType, text),
  }
}

/** @returns a request as it comes from the konnector, comparable with recorded ones */
export function comparableIncoming(
  method: string,
  url: string,
  contentType: string,
  encoding: string,
  body: Buffer,
): ComparableRequest {
  if (body.length === 0) return comparable(method, url, contentType, '')
  return comparable(method, url, contentType, textOf(decodeBody(body, encoding), contentType)?.text)
}

export function comparableEntry({ request }: HarEntry): ComparableRequest {
  const data = request.postData
  return comparable(request.method, request.url, data?.mimeType ?? '', data?._binary ? undefined : (data?.text ?? ''))
}

/**
 * @param recordedAt epoch milliseconds: times near it differ between runs without meaning anything
 * @returns what differs, in words; undefined when method, place or path are others
 */
export function compare(
  recorded: ComparableRequest,
  incoming: ComparableRequest,
  recordedAt: number,
): Comparison | undefined {
  const result: Comparison = { differences: [], bindings: new Map() }
  if (recorded.method !== incoming.method || recorded.origin !== incoming.origin) return undefined
  if (recorded.path.length !== incoming.path.length) return undefined
  for (const [i, part] of recorded.path.entries())
    if (!sameValue(part, incoming.path[i]!, recordedAt, result)) return undefined
  comparePairs('query parameter', recorded.query, incoming.query, recordedAt, result)
  const [was, is] = [recorded.body, incoming.body]
  if (was.kind === 'fields' && is.kind === 'fields') comparePairs('body field', was.pairs, is.pairs, recordedAt, result)
  else if (was.kind !== is.kind) result.differences.push(`the body was ${was.kind} and is ${is.kind}`)
  else if (was.kind === 'text' && is.kind === 'text' && !sameValue(was.text, is.text, recordedAt, result))
    result.differences.push('the body has another text')
  return result
}

function comparePairs(what: string, recorded: Pair[], incoming: Pair[], recordedAt: number, result: Comparison): void {
  const left = [...incoming]
  for (const [name, value] of recorded) {
    const exact = left.findIndex(([n, v]) => n === name && v === value)
    const at = exact >= 0 ? exact : left.findIndex(([n]) => n === name || sameName(n, name))
    if (at < 0) {
      result.differences.push(`${what} "${name}" is missing`)
      continue
    }
    const [[, found]] = left.splice(at, 1) as [Pair]
    if (!sameValue(value, found, recordedAt, result))
      result.differences.push(`${what} "${name}" was ${quote(value)} and is ${quote(found)}`)
  }
  for (const [name] of left) result.differences.push(`${what} "${name}" is new`)
}

/** jQuery's JSONP names and the like carry a random number. */
function sameName(a: string, b: string): boolean {
  return /\d{10,}/.test(a) && a.replace(/\d{10,}/g, '#') === b.replace(/\d{10,}/g, '#')
}

function sameValue(recorded: string, incoming: string, recordedAt: number, result: Comparison): boolean {
  if (recorded === incoming) return true
  if (PLACEHOLDER_WHOLE.test(recorded)) {
    if (FIELD_PLACEHOLDER.test(recorded)) result.bindings.set(recorded, incoming)
    return true
  }
  if (UUID.test(recorded) && UUID.test(incoming)) return true
  if (RANDOM.test(recorded) && RANDOM.test(incoming)) return true
  if (isNear(recorded, recordedAt) && isNear(incoming, recordedAt)) return true
  return hasPlaceholder(recorded) && patternOf(recorded).test(incoming)
}

function hasPlaceholder(text: string): boolean {
  return PLACEHOLDER.test(text)
}

/** A recorded text around placeholders must be the same; what they stand for may be anything. */
function patternOf(text: string): RegExp {
  const parts = text.split(PLACEHOLDERS).map(part => part.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&'))
  return new RegExp(`^${parts.join('[\\s\\S]*?')}$`)
}

function isNear(value: string, recordedAt: number): boolean {
  let time = Number.NaN
  if (/^\d{13}$/.test(value)) time = Number(value)
  else if (/^\d{10}$/.test(value)) time = Number(value) * 1000
  else if (ISO_TIME.test(value)) time = Date.parse(value)
  return Math.abs(time - recordedAt) < DAY
}

function comparableBody(contentType: string, text: string): ComparableRequest['body'] {
  if (text === '') return { kind: 'none' }
  if (/x-www-form-urlencoded/i.test(contentType)) return { kind: 'fields', pairs: [...new URLSearchParams(text)] }
  if (/^multipart\//i.test(contentType)) return { kind: 'fields', pairs: multipartPairs(text) }
  if (/json/i.test(contentType) || /^\s*[[{]/.test(text)) {
    try {
      return { kind: 'fields', pairs: leaves('', JSON.parse(text)) }
    } catch {
      // Not JSON whatever its type says: compared as text.
    }
  }
  return { kind: 'text', text }
}

/** The boundary is random, so the parts are compared by their names. */
function multipartPairs(text: string): Pair[] {
  const boundary = text.slice(0, text.search(/\r?\n/))
  return text
    .split(boundary)
    .slice(1)
    .filter(part => !part.startsWith('--'))
    .map(part => {
      const [head = '', ...rest] = part.split(/\r?\n\r?\n/)
      return [/name="([^"]*)"/.exec(head)?.[1] ?? '', rest.join('\n\n').replace(/\r?\n$/, '')]
    })
}

function leaves(path: string, value: unknown): Pair[] {
  if (value === null || typeof value !== 'object') return [[path, String(value)]]
  return Object.entries(value).flatMap(([key, item]) => leaves(path ? `${path}.${key}` : key, item))
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}

function quote(value: string): string {
  return JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value)
}
