import { type IncomingMessage, type Server, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import { WireError } from '#ground/http/errors'
import type { Log } from '#ground/log'
import type { Tenant } from '#ground/tenant'

/** Subprotocol that clients ask for. */
const SUBPROTOCOL = 'io.cozy.websocket'
/** Bytes of a message; upstream's 1024 are too few for some tokens. A larger one closes the connection (1009). */
const MESSAGE_BYTES = 8 * 1024
const PATH = /^\/realtime\/?(?:\?|$)/

export interface UpgradeParts {
  /** As for any request. */
  tenantOf(host: string | undefined, url: string): Promise<{ tenant: Tenant; blocked: Error | undefined }>
  log: Log
  accept(socket: WebSocket, tenant: Tenant, request: IncomingMessage): void
  /** The server stops. */
  isClosed(): boolean
}

/**
 * Turns requests for `/realtime/` into websockets. Any origin may connect: the first message has to show a token, and what
 * the cookie is good for with it is up to `authenticate`.
 */
export function createUpgrade({ tenantOf, log, accept, isClosed }: UpgradeParts) {
  const sockets = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    maxPayload: MESSAGE_BYTES,
    // Compression costs each connection some hundred kilobytes.
    perMessageDeflate: false,
    handleProtocols: offered => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
  })

  const upgrade = async (request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> => {
    const { url = '', headers } = request
    if (!PATH.test(url)) return refuse(socket, 404, 'Not Found')
    const { tenant, blocked } = await tenantOf(headers.host, url)
    if (blocked) throw blocked
    if (isClosed()) return refuse(socket, 503, 'The server stops')
    if (socket.destroyed) return
    sockets.handleUpgrade(request, socket, head, webSocket => accept(webSocket, tenant, request))
  }

  return {
    attach(server: Server): () => void {
      const onUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer) => {
        const ended = (error: Error) => log.debug('a client went away before its websocket was open', { error })
        socket.once('error', ended)
        upgrade(request, socket, head).then(
          () => void socket.off('error', ended),
          error => {
            if (error instanceof WireError) return refuse(socket, error.status, error.message, error.headers)
            log.error('a websocket could not be opened', { error })
            refuse(socket, 500, 'Internal server error')
          },
        )
      }
      server.on('upgrade', onUpgrade)
      return () => void server.off('upgrade', onUpgrade)
    },
  }
}

/** An HTTP answer on a socket that is nobody's response any more. */
function refuse(socket: Duplex, status: number, message: string, headers: Record<string, string> = {}): void {
  const body = JSON.stringify({ error: message })
  const lines = Object.entries({
    ...headers,
    'content-type': 'application/json; charset=utf-8',
    'content-length': String(Buffer.byteLength(body)),
    connection: 'close',
  }).map(([name, value]) => `${name}: ${value}\r\n`)
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Error'}\r\n${lines.join('')}\r\n${body}`)
}
