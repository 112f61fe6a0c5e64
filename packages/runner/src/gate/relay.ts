import { Agent, createServer, type IncomingMessage, type Server, type ServerResponse, request as send } from 'node:http'
import type { Socket } from 'node:net'
import { type Count, join } from './join.ts'
import type { Target } from './policy.ts'
import type { RefusalReason } from './refusals.ts'

export interface RelayOptions {
  dial(target: Target): Promise<Socket>
  refuse(target: Target, reason: RefusalReason): void
  countFor(target: Target): Count
}

export interface Relay {
  /** Takes over a connection from the jail that is to speak HTTP to `target`. `first` is a connection made already. */
  accept(socket: Socket, target: Target, first: Socket): void
  close(): void
}

const HEADER_BYTES = 65_536
/** Connections to one site kept for its next request, and for how long. */
const MAX_IDLE = 8
const IDLE_MS = 60_000
/** Between two hops (RFC 9110 §7.6.1), or set anew here. */
const hopHeaders = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authorization',
  'te',
  'trailer',
  'upgrade',
  'host',
  'expect',
])
/** What a server behind a proxy believes about its caller: not the konnector's to say. */
const forwarding = /^(forwarded|x-forwarded-.*|x-real-ip)$/

/**
 * HTTP in the clear is read and written anew, so that what the Host check saw is what the site gets: the second request on
 * a connection, doubled headers and odd framing included.
 */
export function createRelay({ dial, refuse, countFor }: RelayOptions): Relay {
  const routes = new WeakMap<Socket, { target: Target; agent: Agent }>()
  const agents = new Map<string, { agent: Agent; ready: Socket[] }>()
  const server: Server = createServer({ maxHeaderSize: HEADER_BYTES, keepAliveTimeout: 60_000, requestTimeout: 0 })

  function agentFor(target: Target) {
    const key = `${target.name}:${target.port}`
    let entry = agents.get(key)
    if (!entry) {
      const ready: Socket[] = []
      const agent = new Agent({ keepAlive: true, scheduling: 'lifo', maxFreeSockets: MAX_IDLE, timeout: IDLE_MS })
      agent.createConnection = (_options, done) => {
        let socket = ready.pop()
        while (socket?.destroyed) socket = ready.pop()
        if (socket) return socket
        dial(target).then(
          made => done?.(null, made),
          (error: Error) => done?.(error, undefined as never),
        )
        return undefined
      }
      entry = { agent, ready }
      agents.set(key, entry)
    }
    return entry
  }

  server.on('request', (request, response) => {
    const route = routes.get(request.socket)
    if (!route) return void request.socket.destroy()
    const path = allowedPath(request, route.target)
    if (path === undefined) {
      refuse(route.target, 'host_header')
      response.writeHead(403, { 'content-type': 'text/plain', connection: 'close' })
      response.end('refused: the Host header names another site\n')
      return
    }
    forward(request, response, path, route, countFor(route.target))
  })
  server.on('upgrade', (request, socket, head) => {
    const route = routes.get(request.socket)
    const path = route && allowedPath(request, route.target)
    if (!route || path === undefined) {
      if (route) refuse(route.target, 'host_header')
      return void socket.destroy()
    }
    upgrade(request, socket as Socket, head, path, route, countFor(route.target))
  })
  server.on('connect', (request, socket) => {
    const route = routes.get(request.socket)
    if (route) refuse(route.target, 'not_http')
    socket.destroy()
  })
  server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
    const route = routes.get(socket as Socket)
    if (route && error.code?.startsWith('HPE_')) refuse(route.target, 'not_http')
    socket.destroy()
  })

  return {
    accept(socket, target, first) {
      const { agent, ready } = agentFor(target)
      ready.push(first)
      routes.set(socket, { target, agent })
      // Opened and closed without a request: nobody else knows of its connection.
      socket.once('close', () => {
        const at = ready.indexOf(first)
        if (at >= 0) ready.splice(at, 1)[0]?.destroy()
      })
      server.emit('connection', socket)
    },
    close() {
      for (const { agent, ready } of agents.values()) {
        agent.destroy()
        for (const socket of ready) socket.destroy()
      }
    },
  }
}

/** @returns the path to ask for, undefined when the request is not one for the target */
function allowedPath({ url = '', rawHeaders }: IncomingMessage, { name, port }: Target): string | undefined {
  const hosts = rawHeaders.filter((_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === 'host')
  if (hosts.length !== 1 || !isFor(hosts[0]!, name, port)) return undefined
  if (url.startsWith('/') || url === '*') return url
  // An absolute form wins over the Host header with some servers: it must say the same.
  const [, host, rest = ''] = /^http:\/\/([^/?#@]*)([/?].*)?$/i.exec(url) ?? []
  if (host === undefined || !isFor(host, name, port)) return undefined
  return rest.startsWith('/') ? rest : `/${rest}`
}

function isFor(host: string, name: string, port: number): boolean {
  const said = host.toLowerCase()
  const bare = name.includes(':') ? `[${name}]` : name
  return said === `${bare}:${port}` || (port === 80 && said === bare)
}

function headersFor(request: IncomingMessage, target: Target): string[] {
  const headers = ['Host', request.headers.host!]
  // Named by `Connection`, a header is for this hop alone.
  const named = new Set((request.headers.connection ?? '').toLowerCase().split(/\s*,\s*/))
  for (let at = 0; at < request.rawHeaders.length; at += 2) {
    const name = request.rawHeaders[at]!.toLowerCase()
    if (hopHeaders.has(name) || (named.has(name) && !isFraming(name))) continue
    if (target.kind === 'stack' && forwarding.test(name)) continue
    headers.push(request.rawHeaders[at]!, request.rawHeaders[at + 1]!)
  }
  return headers
}

/** Never dropped, or the body would be read as the next request. */
function isFraming(name: string): boolean {
  return name === 'content-length' || name === 'transfer-encoding'
}

function answerHeaders(raw: string[]): string[] {
  const headers: string[] = []
  for (let at = 0; at < raw.length; at += 2) {
    if (!['connection', 'keep-alive', 'transfer-encoding', 'upgrade'].includes(raw[at]!.toLowerCase())) {
      headers.push(raw[at]!, raw[at + 1]!)
    }
  }
  return headers
}

function ask(request: IncomingMessage, path: string, target: Target, agent: Agent, headers: string[]) {
  return send({
    agent,
    method: request.method!,
    path,
    headers,
    setHost: false,
    maxHeaderSize: HEADER_BYTES,
    // Old sites answer in odd ways; the konnector's own client judges that, and the jail is behind it.
    insecureHTTPParser: true,
    host: target.name,
    port: target.port,
  })
}

function forward(
  request: IncomingMessage,
  response: ServerResponse,
  path: string,
  { target, agent }: { target: Target; agent: Agent },
  count: Count,
): void {
  let outward: ReturnType<typeof ask>
  try {
    outward = ask(request, path, target, agent, headersFor(request, target))
  } catch {
    // Characters no request may have: `send` has checked them.
    response.writeHead(400, { connection: 'close' })
    response.end()
    return
  }
  const stop = () => {
    outward.destroy()
    request.destroy()
  }
  request.on('data', (chunk: Buffer) => count('up', chunk.length) || stop())
  request.on('error', () => outward.destroy())
  response.on('close', () => {
    if (!response.writableFinished) outward.destroy()
  })
  // No answer, or half of one: the konnector sees its connection break, as it would without us.
  outward.on('error', () => response.destroy())
  outward.on('response', answer => {
    response.sendDate = false
    response.writeHead(answer.statusCode!, answer.statusMessage, answerHeaders(answer.rawHeaders))
    answer.on('data', (chunk: Buffer) => count('down', chunk.length) || stop())
    answer.on('error', () => response.destroy())
    answer.pipe(response)
  })
  request.pipe(outward)
}

function upgrade(
  request: IncomingMessage,
  inside: Socket,
  head: Buffer,
  path: string,
  { target, agent }: { target: Target; agent: Agent },
  count: Count,
): void {
  const headers = [...headersFor(request, target), 'Connection', 'Upgrade', 'Upgrade', request.headers.upgrade!]
  const outward = ask(request, path, target, agent, headers)
  inside.on('error', () => outward.destroy())
  outward.on('error', () => inside.destroy())
  const say = (answer: IncomingMessage, raw: string[]) => {
    let text = `HTTP/1.1 ${answer.statusCode} ${answer.statusMessage}\r\n`
    for (let at = 0; at < raw.length; at += 2) text += `${raw[at]}: ${raw[at + 1]}\r\n`
    inside.write(`${text}\r\n`, 'latin1')
  }
  outward.on('upgrade', (answer, outside, first) => {
    say(answer, answer.rawHeaders)
    if (first.length > 0) outside.unshift(first)
    if (head.length > 0) inside.unshift(head)
    join(inside, outside, count)
  })
  outward.on('response', answer => {
    say(answer, [...answerHeaders(answer.rawHeaders), 'Connection', 'close'])
    answer.on('error', () => inside.destroy())
    answer.pipe(inside)
  })
  outward.end()
}
