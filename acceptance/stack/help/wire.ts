import { connect } from 'node:net'

/** An answer as it stood on the wire. */
export interface WireAnswer {
  status: number
  /** Status line and headers. */
  head: string
  body: Buffer
}

export type Outcome =
  | { kind: 'answered'; answer: WireAnswer; all: Buffer; ms: number }
  /** The server closed without an answer. */
  | { kind: 'closed'; all: Buffer; ms: number }
  /** Nothing came in time. */
  | { kind: 'silent'; all: Buffer; ms: number }
  /** The port takes no connection. */
  | { kind: 'refused'; reason: string; ms: number }

export interface SendOptions {
  port: number
  /** Parts that are written one after the other, with a turn of the event loop between. */
  bytes: Uint8Array | Uint8Array[]
  /** Milliseconds for the answer. */
  patience: number
  /** Says that nothing more comes, after the last byte. */
  halfClose?: boolean
  isHead?: boolean
  /** An answer is not the end: a websocket goes on after it. */
  untilClosed?: boolean
}

/** Sends bytes as they are, on a connection of their own; node's client would refuse most of what we want to try. */
export function send({
  port,
  bytes,
  patience,
  halfClose = false,
  isHead = false,
  untilClosed = false,
}: SendOptions): Promise<Outcome> {
  const started = performance.now()
  const elapsed = () => performance.now() - started
  return new Promise(resolve => {
    const chunks: Uint8Array[] = []
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    const all = () => Buffer.concat(chunks)
    const end = (outcome: Outcome) => {
      clearTimeout(timer)
      socket.destroy()
      resolve(outcome)
    }
    const timer = setTimeout(() => end({ kind: 'silent', all: all(), ms: elapsed() }), patience)
    let connected = false
    socket.once('connect', async () => {
      connected = true
      for (const part of Array.isArray(bytes) ? bytes : [bytes]) {
        if (socket.destroyed || !socket.writable) return
        socket.write(part)
        await new Promise(setImmediate)
      }
      if (halfClose && socket.writable) socket.end()
    })
    socket.on('data', chunk => {
      chunks.push(chunk as Uint8Array)
      if (untilClosed) return
      const answer = parseAnswer(all(), isHead, false)
      if (answer) end({ kind: 'answered', answer, all: all(), ms: elapsed() })
    })
    socket.once('error', error => {
      if (!connected) end({ kind: 'refused', reason: error.message, ms: elapsed() })
    })
    socket.once('close', () => {
      const answer = parseAnswer(all(), isHead, true)
      end(
        answer
          ? { kind: 'answered', answer, all: all(), ms: elapsed() }
          : { kind: 'closed', all: all(), ms: elapsed() },
      )
    })
  })
}

/** The first final answer in some bytes, when it is whole. */
export function parseAnswer(bytes: Buffer, isHead: boolean, isClosed: boolean): WireAnswer | undefined {
  const end = bytes.indexOf('\r\n\r\n')
  if (end < 0) return undefined
  const head = bytes.subarray(0, end).toString('latin1')
  const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(head)?.[1])
  if (!status) return undefined
  const rest = bytes.subarray(end + 4)
  // 100 Continue, 103 Early Hints: the answer comes after; 101 is one itself.
  if (status < 200 && status !== 101) return parseAnswer(rest, isHead, isClosed)
  if (isHead || status === 204 || status === 304 || status === 101) return { status, head, body: Buffer.alloc(0) }
  const length = /^content-length: *(\d+)/im.exec(head)?.[1]
  if (length !== undefined) {
    return rest.length >= Number(length) ? { status, head, body: rest.subarray(0, Number(length)) } : undefined
  }
  if (/^transfer-encoding: *chunked/im.test(head)) {
    const body = dechunk(rest)
    return body && { status, head, body }
  }
  return isClosed ? { status, head, body: rest } : undefined
}

function dechunk(bytes: Buffer): Buffer | undefined {
  const parts: Buffer[] = []
  let at = 0
  for (;;) {
    const line = bytes.indexOf('\r\n', at)
    if (line < 0) return undefined
    const size = Number.parseInt(bytes.subarray(at, line).toString('latin1'), 16)
    if (Number.isNaN(size)) return undefined
    if (size === 0) return Buffer.concat(parts)
    if (bytes.length < line + 2 + size + 2) return undefined
    parts.push(bytes.subarray(line + 2, line + 2 + size))
    at = line + 2 + size + 2
  }
}
