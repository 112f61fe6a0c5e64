import { headerOf } from './exchange.ts'
import type { GatewayRequest } from './gateway.ts'
import { bodyOf, type Har, type HarEntry } from './har.ts'
import { type ComparableRequest, type Comparison, comparableEntry, comparableIncoming, compare } from './match.ts'

/** A request that the recording does not know. */
export interface UnknownRequest {
  method: string
  url: string
  /** A sentence: the nearest recorded request and what differs. */
  explanation: string
}

export interface Replayer {
  handle(request: GatewayRequest): void
  /** Requests that were refused, in order. */
  unknown: UnknownRequest[]
  /** Number of recorded exchanges that were not asked for. */
  unused(): number
}

export interface ReplayerOptions {
  /** Called before an answer goes out: the battery changes some. Return true when it has answered itself. */
  intercept?(request: GatewayRequest, entry: HarEntry, body: string): boolean
  onUnknown?(request: UnknownRequest): void
}

interface Slot {
  entry: HarEntry
  request: ComparableRequest
  uses: number
}

/** Asking these again changes nothing at a vendor, so the last answer may be given again. */
const SAFE = new Set(['GET', 'HEAD', 'OPTIONS'])

/**
 * Answers from a recording. Equal requests get their answers in recorded order; a request that was not recorded fails
 * and is told, never guessed.
 */
export function createReplayer(har: Har, options: ReplayerOptions = {}): Replayer {
  const recordedAt = Date.parse(har.log._konnectory.recordedAt)
  const slots: Slot[] = har.log.entries.map(entry => ({ entry, request: comparableEntry(entry), uses: 0 }))
  const bindings = new Map<string, string>()
  const unknown: UnknownRequest[] = []

  const choose = (incoming: ComparableRequest): { slot: Slot; comparison: Comparison } | UnknownRequest => {
    const near: { slot: Slot; comparison: Comparison }[] = []
    for (const slot of slots) {
      const comparison = compare(slot.request, incoming, recordedAt)
      if (comparison) near.push({ slot, comparison })
    }
    const equal = near.filter(({ comparison }) => comparison.differences.length === 0)
    const fresh = equal.find(({ slot }) => slot.uses === 0)
    if (fresh) return fresh
    const last = equal.at(-1)
    if (last && SAFE.has(incoming.method)) return last
    return { method: incoming.method, url: incoming.url, explanation: explain(incoming, near, last, slots) }
  }

  const bound = (text: string): string => {
    let result = text
    for (const [placeholder, value] of bindings)
      result = result.replaceAll(new RegExp(`${placeholder}(?![a-z0-9-])`, 'g'), () => value)
    return result
  }

  return {
    unknown,
    unused: () => slots.filter(slot => slot.uses === 0).length,
    handle(request) {
      const { incoming, answer, fail } = request
      const chunks: Buffer[] = []
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
      incoming.on('end', () => {
        const body = Buffer.concat(chunks)
        const header = (name: string): string => headerOf(incoming.rawHeaders, name)
        const asked = comparableIncoming(
          incoming.method ?? 'GET',
          request.url,
          header('content-type'),
          header('content-encoding'),
          body,
        )
        const chosen = choose(asked)
        if (!('slot' in chosen)) {
          unknown.push(chosen)
          options.onUnknown?.(chosen)
          fail({
            message: `${chosen.method} ${chosen.url} is not in the recording. ${chosen.explanation}`,
            code: 'ERR_NOT_RECORDED',
          })
          return
        }
        const { entry } = chosen.slot
        chosen.slot.uses++
        for (const [placeholder, value] of chosen.comparison.bindings) bindings.set(placeholder, value)
        if (options.intercept?.(request, entry, body.toString())) return
        if (entry._error && entry.response.status === 0) return fail(entry._error)
        // The recorded konnector went away before the answer began: there is none to give.
        if (entry.response.status === 0) return void incoming.socket.destroy()
        sendEntry(entry, answer, bound)
      })
    },
  }
}

/** Sends a recorded answer. The length is that of the stored body, except for HEAD, which has none. */
export function sendEntry(
  entry: HarEntry,
  answer: GatewayRequest['answer'],
  replace = (text: string): string => text,
): void {
  const body = bodyOf(entry, replace)
  const headers = entry.response.headers.flatMap(({ name, value }) => (isFraming(name) ? [] : [name, replace(value)]))
  const bodiless = entry.request.method === 'HEAD' || entry.response.status === 204 || entry.response.status === 304
  if (!bodiless) headers.push('content-length', String(body.length))
  answer.writeHead(entry.response.status, entry.response.statusText, headers)
  answer.end(bodiless ? undefined : body)
}

function isFraming(name: string): boolean {
  return /^(?:content-length|content-encoding|transfer-encoding|connection|keep-alive)$|^:/i.test(name)
}

function explain(
  incoming: ComparableRequest,
  near: { slot: Slot; comparison: Comparison }[],
  exhausted: { slot: Slot } | undefined,
  slots: Slot[],
): string {
  const again = 'If the konnector is right, record again with: konnectory standalone --record'
  if (exhausted) {
    const times = near.filter(({ comparison }) => comparison.differences.length === 0).length
    return `It was recorded ${times} time${times > 1 ? 's' : ''} and is asked once more. ${again}`
  }
  const closest = near.sort((a, b) => a.comparison.differences.length - b.comparison.differences.length)[0]
  if (closest)
    return `The nearest recorded request has the same address, but ${closest.comparison.differences.join(', ')}. ${again}`
  const similar = [...slots].sort((a, b) => likeness(b.request, incoming) - likeness(a.request, incoming))[0]
  if (!similar) return `The recording is empty. ${again}`
  return `The nearest recorded request is ${similar.request.method} ${similar.request.url}. ${again}`
}

function likeness(a: ComparableRequest, b: ComparableRequest): number {
  let common = 0
  while (common < a.url.length && a.url[common] === b.url[common]) common++
  return common + (a.origin === b.origin ? 20 : 0) + (a.method === b.method ? 5 : 0)
}
