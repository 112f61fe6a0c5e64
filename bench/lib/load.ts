import { connect, type Socket } from 'node:net'

export interface LoadOptions {
  port: number
  /** Bytes of the n-th request, headers and body. */
  request(n: number): Buffer
  connections: number
  /** Milliseconds measured, after a fifth as much to warm up. */
  duration: number
  /** Looks at each answer's status; one that is not expected ends the run with an error. */
  expect: number
}

export interface Load {
  perSecond: number
  /** Milliseconds. */
  p50: number
  p99: number
  requests: number
}

/**
 * Keeps as many requests under way as there are connections. Written on bare sockets: on a machine of two cores a client that
 * costs as much as the server would be most of what is measured.
 */
export async function load({ port, request, connections, duration, expect }: LoadOptions): Promise<Load> {
  const times: number[] = []
  const from = performance.now() + duration / 5
  const until = from + duration
  let next = 0
  const one = async () => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    const answers = readAnswers(socket)
    try {
      for (;;) {
        const started = performance.now()
        if (started >= until) return
        socket.write(request(next++))
        const { status, body } = await answers()
        if (status !== expect) throw new Error(`answered ${status}: ${body.toString().slice(0, 300)}`)
        const ended = performance.now()
        if (started >= from && ended <= until) times.push(ended - started)
      }
    } finally {
      socket.destroy()
    }
  }
  await Promise.all(Array.from({ length: connections }, one))
  const sorted = Float64Array.from(times).sort()
  const at = (part: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN
  return { perSecond: (times.length / duration) * 1000, p50: at(0.5), p99: at(0.99), requests: times.length }
}

/** One whole request as bytes. */
export function requestBytes(
  method: string,
  path: string,
  headers: Record<string, string>,
  body?: Buffer | string,
): Buffer {
  const content = typeof body === 'string' ? Buffer.from(body) : body
  const lines = [`${method} ${path} HTTP/1.1`, ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`)]
  if (content) lines.push(`content-length: ${content.length}`)
  const head = Buffer.from(`${lines.join('\r\n')}\r\n\r\n`)
  return content ? Buffer.concat([head, content]) : head
}

interface RawAnswer {
  status: number
  body: Buffer
}

/** Reads answers off a socket, one for each call. Those with a content length only, which ours all have here. */
function readAnswers(socket: Socket): () => Promise<RawAnswer> {
  let buffered: Buffer = Buffer.alloc(0)
  let wanting: { resolve(answer: RawAnswer): void; reject(error: Error): void } | undefined
  let failed: Error | undefined
  const look = () => {
    if (!wanting) return
    const answer = cut()
    if (answer) {
      const { resolve } = wanting
      wanting = undefined
      resolve(answer)
    } else if (failed) wanting.reject(failed)
  }
  const cut = (): RawAnswer | undefined => {
    const end = buffered.indexOf('\r\n\r\n')
    if (end < 0) return undefined
    const head = buffered.toString('latin1', 0, end)
    const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0)
    if (buffered.length < end + 4 + length) return undefined
    const answer = { status: Number(head.slice(9, 12)), body: buffered.subarray(end + 4, end + 4 + length) }
    buffered = buffered.subarray(end + 4 + length)
    return answer
  }
  socket.on('data', (chunk: Buffer) => {
    buffered = buffered.length === 0 ? chunk : Buffer.concat([buffered, chunk])
    look()
  })
  socket.on('error', error => {
    failed = error
    look()
  })
  socket.on('close', () => {
    failed ??= new Error('the server closed the connection')
    look()
  })
  return () =>
    new Promise((resolve, reject) => {
      wanting = { resolve, reject }
      look()
    })
}
