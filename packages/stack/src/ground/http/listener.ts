import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'

/** A port that is taken, and what to do about it. */
export class PortTaken extends Error {
  override name = 'PortTaken'
}

export type RequestHandler = (request: IncomingMessage, response: ServerResponse) => void

/** A port that is ours from the first moment on. */
export interface Listener extends AsyncDisposable {
  server: Server
  port: number
  /** From now on this answers requests; until then they get 503. */
  handle(handler: RequestHandler): void
  /** Takes no more requests, lets those under way end, at most `GRACE_MS`. Idempotent. */
  [Symbol.asyncDispose](): Promise<void>
}

/** What is still under way when the server stops gets this long to end. */
const GRACE_MS = 10_000
/** As Node's default; a token and cookies fit in it many times. */
const HEADER_BYTES = 32 * 1024

/**
 * Takes a port before anything else is started: a port that is in use is known before a database is opened, and who asks too
 * early is told to wait rather than refused.
 * @param port 0: any free one
 * @throws PortTaken
 */
export async function listen(host: string, port: number, variable: string): Promise<Listener> {
  let handler: RequestHandler = starting
  const server = createHttpServer({ maxHeaderSize: HEADER_BYTES, requestTimeout: 0 }, (request, response) =>
    handler(request, response),
  )
  await new Promise<void>((resolve, reject) => {
    server.once('error', error => reject(explain(error as NodeJS.ErrnoException, host, port, variable)))
    server.listen(port, host, () => resolve())
  })
  let closed: Promise<void> | undefined
  const address = server.address()
  return {
    server,
    port: typeof address === 'object' && address ? address.port : port,
    handle(next) {
      handler = next
    },
    [Symbol.asyncDispose]: () => (closed ??= close(server)),
  }
}

function close(server: Server): Promise<void> {
  return new Promise(resolve => {
    const grace = setTimeout(() => server.closeAllConnections(), GRACE_MS)
    server.close(() => {
      clearTimeout(grace)
      resolve()
    })
    server.closeIdleConnections()
  })
}

const starting: RequestHandler = (_request, response) => {
  response.writeHead(503, { 'content-type': 'application/json', 'retry-after': '1' })
  response.end('{"error":"The server is starting"}')
}

function explain(error: NodeJS.ErrnoException, host: string, port: number, variable: string): Error {
  const advice: Record<string, string> = {
    EADDRINUSE: `Port ${port} is taken by another program; choose another with ${variable}=<port>.`,
    EACCES: `Port ${port} may only be opened by root; choose one above 1023 with ${variable}=<port>.`,
    EADDRNOTAVAIL: `This machine has no address ${host}; set KONNECTORY_HOST to one it has, or to 0.0.0.0 for all.`,
  }
  const sentence = advice[error.code ?? '']
  return sentence ? new PortTaken(sentence, { cause: error }) : error
}
