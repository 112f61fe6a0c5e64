import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { Pins } from '../standalone/pins.ts'
import type { Exchange, ExchangeError } from './exchange.ts'
import type { GatewayRequest, Target } from './gateway.ts'

/** Headers that belong to one connection, not to the message (RFC 9110 section 7.6.1). */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'transfer-encoding',
  'proxy-connection',
  'upgrade',
  'te',
  'trailer',
])

export interface ForwardOptions {
  pins: Pins
  /** Called once per request, at its end, whatever the end was. */
  onExchange(exchange: Exchange): void
  now?: () => number
}

/**
 * Passes requests on to their vendor and tells what went over the wire. The answer streams through as it comes.
 *
 * Each connection of the konnector has its own to the vendor, so keep-alive, resets and parallelism stay what they
 * would have been.
 *
 * @returns a handler for `startGateway`
 */
export function forwarder(options: ForwardOptions): (request: GatewayRequest) => void {
  const agents = new WeakMap<Socket, HttpAgent | HttpsAgent>()
  const now = options.now ?? Date.now

  return ({ target, url, incoming, answer, fail }) => {
    const startedAt = now()
    const sent: Buffer[] = []
    const received: Buffer[] = []
    let told = false
    const tell = (result: Pick<Exchange, 'status' | 'statusText' | 'responseHeaders' | 'aborted' | 'error'>): void => {
      if (told) return
      told = true
      options.onExchange({
        startedAt,
        duration: now() - startedAt,
        method: incoming.method ?? 'GET',
        url,
        requestHeaders: incoming.rawHeaders,
        requestBody: Buffer.concat(sent),
        responseBody: Buffer.concat(received),
        ...result,
      })
    }

    const place = destination(target, options.pins)
    let agent = agents.get(incoming.socket)
    if (!agent) {
      const made = new (place.secure ? HttpsAgent : HttpAgent)({ keepAlive: true, maxSockets: 1 })
      agents.set(incoming.socket, made)
      incoming.socket.on('close', () => made.destroy())
      agent = made
    }
    const outgoing = (place.secure ? httpsRequest : httpRequest)({
      ...place.options,
      agent,
      method: incoming.method,
      path: incoming.url,
      // An array goes out as it is: order, case and duplicates are the konnector's.
      headers: incoming.rawHeaders,
      setHost: false,
      insecureHTTPParser: true,
      maxHeaderSize: 256 * 1024,
    })
    let response: IncomingMessage | undefined
    outgoing.on('response', message => {
      response = message
      answer.writeHead(message.statusCode ?? 0, message.statusMessage, endToEnd(message.rawHeaders))
      answer.flushHeaders()
      message.on('data', (chunk: Buffer) => {
        received.push(chunk)
        if (!answer.write(chunk)) {
          message.pause()
          answer.once('drain', () => message.resume())
        }
      })
      message.on('end', () => {
        answer.end()
        tell(resultOf(message))
      })
      message.on('error', (error: NodeJS.ErrnoException) => {
        incoming.socket.destroy()
        tell({ ...resultOf(message), error: describe(error) })
      })
    })
    outgoing.on('error', (error: NodeJS.ErrnoException) => {
      if (response) return
      const described = describe(error)
      tell({ status: 0, statusText: '', responseHeaders: [], error: described })
      fail(described)
    })
    incoming.on('data', (chunk: Buffer) => {
      sent.push(chunk)
      if (!outgoing.write(chunk)) {
        incoming.pause()
        outgoing.once('drain', () => incoming.resume())
      }
    })
    incoming.on('end', () => outgoing.end())
    answer.on('close', () => {
      if (answer.writableFinished) return
      tell(
        response
          ? { ...resultOf(response), aborted: true }
          : { status: 0, statusText: '', responseHeaders: [], aborted: true },
      )
      outgoing.destroy()
    })
  }
}

function resultOf(message: IncomingMessage): Pick<Exchange, 'status' | 'statusText' | 'responseHeaders'> {
  return {
    status: message.statusCode ?? 0,
    statusText: message.statusMessage ?? '',
    responseHeaders: endToEnd(message.rawHeaders),
  }
}

function endToEnd(rawHeaders: string[]): string[] {
  return rawHeaders.filter((_, i) => !HOP_BY_HOP.has(rawHeaders[i - (i % 2)]!.toLowerCase()))
}

function describe(error: NodeJS.ErrnoException): ExchangeError {
  const { code, errno, syscall } = error
  // With several addresses Node reports an AggregateError whose own message is empty.
  const message =
    error.message || (error instanceof AggregateError ? String(error.errors[0]?.message) : 'connection failed')
  return { message, ...(code ? { code } : {}), ...(errno ? { errno } : {}), ...(syscall ? { syscall } : {}) }
}

interface Destination {
  secure: boolean
  options: Record<string, unknown> & { host: string; port: number }
}

function destination(target: Target, pins: Pins): Destination {
  const pin = Object.hasOwn(pins, target.host) ? pins[target.host] : undefined
  const options = { host: pin?.host ?? target.host, port: pin?.port ?? target.port }
  if (!target.tls || (pin && !pin.tls)) return { secure: false, options }
  const secure: Record<string, unknown> = isIP(target.host) ? {} : { servername: target.host }
  for (const [name, value] of Object.entries(target.tls)) secure[name] = bytesOr(value)
  if (pin) secure.rejectUnauthorized = false
  return { secure: true, options: { ...secure, ...options } }
}

function bytesOr(value: unknown): unknown {
  const encoded = (value as { base64?: string } | null)?.base64
  return typeof encoded === 'string' ? Buffer.from(encoded, 'base64') : value
}

/** Lets a WebSocket through, unrecorded: browsers driven by a konnector need theirs. */
export function passUpgrade(pins: Pins) {
  return (target: Target, incoming: IncomingMessage, socket: Socket, head: Buffer): void => {
    const { secure, options } = destination(target, pins)
    const upstream = secure ? connectTls(options) : connectTcp(options)
    const lines = [`${incoming.method} ${incoming.url} HTTP/1.1`]
    for (let i = 0; i < incoming.rawHeaders.length; i += 2)
      lines.push(`${incoming.rawHeaders[i]}: ${incoming.rawHeaders[i + 1]}`)
    upstream.write(`${lines.join('\r\n')}\r\n\r\n`)
    upstream.write(head)
    upstream.on('error', () => socket.destroy())
    socket.on('error', () => upstream.destroy())
    upstream.pipe(socket)
    socket.pipe(upstream)
  }
}
