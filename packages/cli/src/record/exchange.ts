/** One request and its answer, as they went over the wire: before scrubbing, so never written anywhere. */
export interface Exchange {
  /** Epoch milliseconds. */
  startedAt: number
  /** Milliseconds from the request's first byte to the answer's last. */
  duration: number
  method: string
  url: string
  /** Names and values in turn, as received, duplicates kept. */
  requestHeaders: string[]
  requestBody: Buffer
  /** 0 when no answer came. */
  status: number
  statusText: string
  responseHeaders: string[]
  responseBody: Buffer
  /** The konnector went away before the end of the answer. */
  aborted?: true
  /** The vendor could not be reached. */
  error?: ExchangeError
}

/** A connection that failed: what Node puts on the error. */
export interface ExchangeError {
  message: string
  code?: string
  [detail: string]: unknown
}

/** @returns the value of the first header of this name (any case), `''` when absent. */
export function headerOf(headers: string[], name: string): string {
  for (let i = 0; i < headers.length; i += 2) if (headers[i]!.toLowerCase() === name) return headers[i + 1] ?? ''
  return ''
}

/** @returns headers as pairs. */
export function headerPairs(headers: string[]): [name: string, value: string][] {
  const pairs: [string, string][] = []
  for (let i = 0; i < headers.length; i += 2) pairs.push([headers[i]!, headers[i + 1] ?? ''])
  return pairs
}
