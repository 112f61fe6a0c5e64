import { randomBytes, timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { pipeline } from 'node:stream/promises'
import { PlainError } from './errors.ts'
import { jsonAnswer, type StackRequest, type StackResponse } from './exchange.ts'
import type { Dispatch } from './router.ts'

/** The stack on a port of this machine. */
export interface ListeningStack {
  /** With a final slash, as `COZY_URL`. */
  url: string
  /** Bearer token, made for this listener. */
  token: string
  /** Refuses new requests, lets those under way end (one second at most), frees the port. */
  close(): Promise<void>
}

/** Told of what passes, reads included, which no event shows. */
export interface StackWatch {
  /** A request is answered. `path` is as sent, percent-encoded, without its query. */
  onAnswer?(answer: { method: string; path: string; status: number }): void
  /** Bytes of a file's content that have come in; `total` when it was announced. */
  onUpload?(name: string, bytes: number, total: number | undefined): void
}

const CLOSING_MS = 1000

/** Serves on 127.0.0.1, on a free port, to whoever has the token. */
export async function listen(dispatch: Dispatch, watch: StackWatch = {}): Promise<ListeningStack> {
  const token = randomBytes(32).toString('base64url')
  let closed: Promise<void> | undefined
  const server = createServer((message, response) => {
    // Node closes at `close` the connections that wait for a request; those that answer one then must go too, once they have.
    response.once('close', () => {
      if (closed) setImmediate(() => server.closeIdleConnections())
    })
    serve(dispatch, token, watch, message, response).catch(() => response.destroy())
  })
  // A vendor may send a file slower than any limit; a kept connection must not be cut between two requests.
  server.requestTimeout = 0
  server.headersTimeout = 0
  server.keepAliveTimeout = 0
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  const close = () =>
    new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => server.closeAllConnections(), CLOSING_MS)
      server.close(error => {
        clearTimeout(timer)
        if (error) reject(error)
        else resolve()
      })
    })
  return { url: `http://127.0.0.1:${port}/`, token, close: () => (closed ??= close()) }
}

async function serve(
  dispatch: Dispatch,
  token: string,
  watch: StackWatch,
  message: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const url = new URL(message.url ?? '/', 'http://127.0.0.1')
  const gone = new AbortController()
  // Before its answer is complete, a closed connection means that nobody waits any more.
  response.once('close', () => {
    if (!response.writableFinished) gone.abort()
  })
  let answer: StackResponse
  try {
    checkToken(message, url, token)
    answer = await dispatch(toStackRequest(message, url, gone.signal, watch))
  } catch (error) {
    if (!(error instanceof PlainError)) throw error
    answer = jsonAnswer(error.status, error.body())
    Object.assign(answer.headers, error.headers)
  }
  watch.onAnswer?.({ method: message.method ?? 'GET', path: url.pathname, status: answer.status })
  const { body } = answer
  const length = typeof body === 'string' ? { 'content-length': String(Buffer.byteLength(body)) } : {}
  response.writeHead(answer.status, { ...answer.headers, ...length })
  if (typeof body === 'function') await pipeline(body(), response)
  else response.end(body)
}

function toStackRequest(
  message: IncomingMessage,
  url: URL,
  signal: AbortSignal,
  { onUpload }: StackWatch,
): StackRequest {
  const name = url.searchParams.get('Name')
  const isUpload = onUpload && name && url.searchParams.get('Type') !== 'directory'
  const total = Number(message.headers['content-length']) || undefined
  const hasBody =
    message.headers['transfer-encoding'] !== undefined || Number(message.headers['content-length'] ?? 0) > 0
  return {
    method: message.method ?? 'GET',
    path: url.pathname,
    query: url.searchParams,
    header: name => {
      const value = message.headers[name.toLowerCase()]
      return Array.isArray(value) ? value.join(', ') : value
    },
    body: hasBody ? (isUpload ? counted(message, bytes => onUpload(name, bytes, total)) : message) : undefined,
    signal,
  }
}

async function* counted(body: AsyncIterable<Uint8Array>, onBytes: (bytes: number) => void): AsyncIterable<Uint8Array> {
  let bytes = 0
  for await (const chunk of body) {
    bytes += chunk.byteLength
    onBytes(bytes)
    yield chunk
  }
}

/** @throws PlainError 401 without a token, 400 with a wrong one: the statuses clients expect (`protocol/conventions.md` section 3) */
function checkToken(message: IncomingMessage, url: URL, token: string): void {
  // Links to a file are followed by browsers and by code that has no token: the secret in them is enough.
  if (message.method === 'GET' && url.pathname.startsWith('/files/downloads/')) return
  const [, scheme, credentials = ''] = /^(Bearer|Basic) +(\S+)$/i.exec(message.headers.authorization ?? '') ?? []
  const basic = () =>
    Buffer.from(credentials, 'base64')
      .toString()
      .replace(/^[^:]*:/, '')
  const given =
    scheme === undefined
      ? url.searchParams.get('bearer_token')
      : scheme.toLowerCase() === 'basic'
        ? basic()
        : credentials
  if (!given) throw new PlainError(401, 'No token in request')
  const same = Buffer.byteLength(given) === token.length && timingSafeEqual(Buffer.from(given), Buffer.from(token))
  if (!same) throw new PlainError(400, 'Invalid JWT token', { 'www-authenticate': 'Bearer error="invalid_token"' })
}
