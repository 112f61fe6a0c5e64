import { isIP } from 'node:net'
import { connect, type TLSSocket } from 'node:tls'
import type { Any } from './types.ts'

/**
 * Lets a request reach an https address that is an IP number through a proxy. The tunnel of the HTTP library names the
 * host in the TLS handshake, which Node refuses for a number: it throws in the middle of an event, and ends the process.
 * @param request a request whose agent is chosen; changed only in that case
 */
export function allowAddressInTunnel(request: Any): void {
  const { agent, uri, proxy, tunnel } = request
  const host = String(uri?.hostname ?? '').replace(/^\[|\]$/g, '')
  if (!proxy || !tunnel || uri.protocol !== 'https:' || !isIP(host) || !agent) return
  const openTunnel = Object.getPrototypeOf(agent).createSocket
  agent.createSocket = (options: object, done: (socket: TLSSocket) => void) => {
    openTunnel.call(agent, options, (socket: Any) => {
      // `host` without `servername`: the certificate is still checked against the number.
      const { headers: _headers, proxy: _proxy, ...tls } = agent.options
      const secure = connect({ ...tls, host, socket })
      agent.sockets[agent.sockets.indexOf(socket)] = secure
      done(secure)
    })
  }
}
