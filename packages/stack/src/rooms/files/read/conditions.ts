import type { IncomingHttpHeaders } from 'node:http'

/** What a content is compared by. */
export interface Validators {
  /** With its quotes. */
  etag: string
  /** Milliseconds. */
  modified: number
}

/** What the conditions of a request lead to (RFC 9110 §13.2.2). */
export type Verdict = 'send' | 'not modified' | 'precondition failed'

/** Evaluates `If-Match`, `If-Unmodified-Since`, `If-None-Match`, `If-Modified-Since` in the order the RFC gives. */
export function evaluateConditions(headers: IncomingHttpHeaders, { etag, modified }: Validators): Verdict {
  const ifMatch = headers['if-match']
  if (ifMatch !== undefined) {
    if (!names(ifMatch, etag)) return 'precondition failed'
  } else {
    const limit = httpDate(headers['if-unmodified-since'])
    if (limit !== undefined && seconds(modified) > seconds(limit)) return 'precondition failed'
  }
  const ifNoneMatch = headers['if-none-match']
  if (ifNoneMatch !== undefined) return names(ifNoneMatch, etag, true) ? 'not modified' : 'send'
  const since = httpDate(headers['if-modified-since'])
  return since !== undefined && seconds(modified) <= seconds(since) ? 'not modified' : 'send'
}

/** Whether a `Range` counts: `If-Range` must name exactly what is here, else the whole is sent. */
export function rangeCounts(header: string | string[] | undefined, { etag, modified }: Validators): boolean {
  if (header === undefined || Array.isArray(header)) return header === undefined
  if (/^\s*(W\/)?"/.test(header)) return header.trim() === etag
  const date = httpDate(header)
  return date !== undefined && seconds(date) === seconds(modified)
}

/** @param weak whether `W/"x"` is as good as `"x"` */
function names(list: string, etag: string, weak = false): boolean {
  if (list.trim() === '*') return true
  const tags = list.match(/(W\/)?"[^"]*"/g) ?? []
  return tags.some(tag => tag === etag || (weak && tag === `W/${etag}`))
}

/** Undefined for what is no date: the header is then ignored. */
function httpDate(text: string | undefined): number | undefined {
  if (text === undefined || !/GMT\s*$/.test(text)) return undefined
  const time = Date.parse(text)
  return Number.isNaN(time) ? undefined : time
}

/** HTTP dates know no milliseconds. */
const seconds = (milliseconds: number) => Math.floor(milliseconds / 1000)
