import { writeJson } from './values.ts'

/** A request on its way to be spoiled: each part as it will stand on the wire. */
export interface Draft {
  listener: 'main' | 'admin'
  method: string
  /** Path segments, encoded. */
  segments: string[]
  query: [name: string, value: string][]
  headers: [name: string, value: string][]
  /** Written as JSON. */
  json?: unknown
  /** Bytes, in place of `json`. */
  body?: Buffer
  /** How the end of the body is told. */
  framing: 'length' | 'chunked'
  /** Says another length than the body has. */
  saysLength?: string
  /** What is done to the bytes of the body. */
  spoil: ((body: Buffer) => Buffer)[]
}

export function draft(
  method: string,
  path: string,
  parts: Partial<Pick<Draft, 'listener' | 'query' | 'headers' | 'json' | 'body'>> = {},
): Draft {
  return {
    listener: parts.listener ?? 'main',
    method,
    segments: path.split('/').slice(1),
    // Copies: templates are shared, and what is spoiled here must not be spoiled for the next.
    query: [...(parts.query ?? [])],
    headers: [...(parts.headers ?? [])],
    ...('json' in parts && { json: parts.json }),
    ...(parts.body && { body: parts.body }),
    framing: 'length',
    spoil: [],
  }
}

export const setHeader = (to: Draft, name: string, value: string): void => {
  to.headers = [...to.headers.filter(([other]) => other.toLowerCase() !== name.toLowerCase()), [name, value]]
}

/** The request as bytes. */
export function render(from: Draft): Buffer {
  const { method, segments, query, headers } = from
  const search = query.map(([name, value]) => `${name}=${value}`).join('&')
  const target = `/${segments.join('/')}${search && `?${search}`}`
  const content = bodyOf(from)
  const lines = [
    `${method} ${target} HTTP/1.1`,
    ...headers.map(([name, value]) => `${name}: ${value}`),
    'connection: close',
  ]
  if (content === undefined) {
    if (from.saysLength !== undefined) lines.push(`content-length: ${from.saysLength}`)
    return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1')
  }
  if (from.framing === 'chunked') {
    const head = Buffer.from(`${[...lines, 'transfer-encoding: chunked'].join('\r\n')}\r\n\r\n`, 'latin1')
    const size = Buffer.from(`${content.length.toString(16)}\r\n`)
    return Buffer.concat([
      head,
      ...(content.length ? [size, content, Buffer.from('\r\n')] : []),
      Buffer.from('0\r\n\r\n'),
    ])
  }
  lines.push(`content-length: ${from.saysLength ?? content.length}`)
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), content])
}

function bodyOf({ json, body, spoil }: Draft): Buffer | undefined {
  const start = body ?? (json === undefined ? undefined : Buffer.from(writeJson(json)))
  if (start === undefined && spoil.length === 0) return undefined
  return spoil.reduce((bytes, change) => change(bytes), start ?? Buffer.alloc(0))
}

/** One line that sends the same again: readable for texts, base64 where bytes would not survive a shell. */
export function reproduction(port: number, bytes: Uint8Array): string {
  const all = Buffer.from(bytes)
  const shown = all
    .subarray(0, 600)
    .toString('latin1')
    .replace(/[^\x20-\x7e]/g, char =>
      char === '\r' ? '' : char === '\n' ? '⏎' : `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`,
    )
  const base64 = all.length > 6000 ? `<${all.length} bytes; run the seed again>` : all.toString('base64')
  return `${shown}${all.length > 600 ? '…' : ''}\n    echo ${base64} | base64 -d | nc -N 127.0.0.1 ${port}`
}
