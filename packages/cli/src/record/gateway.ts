import { randomBytes } from 'node:crypto'
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import type { ExchangeError } from './exchange.ts'

/** Whom the konnector meant to reach: sent by `standalone/preload.cjs` before anything else on each connection. */
export interface Target {
  host: string
  port: number
  /** Present for TLS: the options of the konnector's `tls.connect` that can travel. */
  tls?: Record<string, unknown>
}

/** A request of the konnector on its way to a vendor. */
export interface GatewayRequest {
  target: Target
  url: string
  incoming: IncomingMessage
  answer: ServerResponse
  /** Ends the connection so that the konnector sees this socket error. */
  fail(error: ExchangeError): void
}

export interface GatewayOptions {
  handle(request: GatewayRequest): void
  /** A protocol switch (WebSocket). Without it such a request is refused. */
  upgrade?(target: Target, incoming: IncomingMessage, socket: Socket, head: Buffer): void
}

/** What the konnector's process needs to know to use the gateway. */
export interface Gateway {
  port: number
  token: string
  close(): Promise<void>
}

const ERROR_MARK = '\0KONNECTORY-ERROR '

/**
 * An HTTP server on loopback that every connection of the konnector goes through while it is recorded or replayed.
 * Being a real server it sees exactly what a vendor would, whatever client the konnector uses.
 *
 * @returns the running gateway; `token` keeps other local processes out.
 */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const token = randomBytes(16).toString('hex')
  const targets = new WeakMap<Socket, Target>()
  const sockets = new Set<Socket>()

  const fail = (socket: Socket, error: ExchangeError): void => {
    socket.end(`${ERROR_MARK}${JSON.stringify(error)}\n`)
  }

  const http = createHttpServer(
    { insecureHTTPParser: true, maxHeaderSize: 256 * 1024, requestTimeout: 0, headersTimeout: 0, keepAliveTimeout: 0 },
    (incoming, answer) => {
      const { socket } = incoming
      const target = targets.get(socket)!
      answer.sendDate = false
      const failed = (error: ExchangeError): void => {
        if (answer.headersSent) socket.destroy()
        else fail(socket, error)
      }
      try {
        options.handle({ target, url: addressOf(target, incoming.url ?? '/'), incoming, answer, fail: failed })
      } catch (error) {
        // For instance TLS options that Node refuses: without us they would have failed in the konnector.
        const { message, code } = error as NodeJS.ErrnoException
        failed({ message, ...(code ? { code } : {}) })
      }
    },
  )
  http.on('upgrade', (incoming, socket, head) => {
    const target = targets.get(socket as Socket)!
    if (options.upgrade) options.upgrade(target, incoming, socket as Socket, head)
    else
      fail(socket as Socket, {
        message: `WebSocket to ${target.host} is not possible in a replay`,
        code: 'ECONNREFUSED',
      })
  })
  http.on('connect', (_incoming, socket) =>
    fail(socket as Socket, { message: 'A proxy cannot be used while recording or replaying', code: 'ECONNREFUSED' }),
  )
  http.on('clientError', (error, socket) =>
    fail(socket as Socket, { message: `Not HTTP/1.1: ${error.message}`, code: 'EPROTO' }),
  )

  const server = createServer(socket => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    // A konnector that is killed resets its connections; nobody is left to tell.
    socket.on('error', () => socket.destroy())
    let head = Buffer.alloc(0)
    const read = (chunk: Buffer): void => {
      head = Buffer.concat([head, chunk])
      const end = head.indexOf(10)
      if (end < 0) return
      socket.off('data', read)
      socket.pause()
      const target = parseTarget(head.subarray(0, end).toString(), token)
      if (!target) return void socket.destroy()
      targets.set(socket, target)
      if (end + 1 < head.length) socket.unshift(head.subarray(end + 1))
      http.emit('connection', socket)
      process.nextTick(() => socket.resume())
    }
    socket.on('data', read)
  })
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve))

  return {
    port: (server.address() as AddressInfo).port,
    token,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
  }
}

function parseTarget(line: string, token: string): Target | undefined {
  try {
    const meant = JSON.parse(line) as Target & { token?: string }
    return meant.token === token ? meant : undefined
  } catch {
    return undefined
  }
}

/** @returns the absolute URL of a request; the default port is left out as clients do. */
function addressOf(target: Target, path: string): string {
  if (/^https?:\/\//i.test(path)) return path
  const scheme = target.tls ? 'https' : 'http'
  const host = target.host.includes(':') ? `[${target.host}]` : target.host
  const port = target.port === (target.tls ? 443 : 80) ? '' : `:${target.port}`
  return `${scheme}://${host}${port}${path}`
}
