import { createServer, type RequestListener } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo, Server } from 'node:net'
import { certificate, key } from './certificate.ts'

export interface Site extends AsyncDisposable {
  port: number
  /** Path and Host of each request. */
  seen: string[]
  /** Connections, whatever came over them. */
  connections: number
}

const answer: RequestListener = (request, response) => {
  if (request.url?.startsWith('/to?')) {
    response.writeHead(302, { location: decodeURIComponent(request.url.slice(4)) }).end()
    return
  }
  let bytes = 0
  request.on('data', (chunk: Buffer) => {
    bytes += chunk.length
  })
  request.on('end', () => response.end(`${request.method} ${request.url} ${bytes}`))
}

/** A site on loopback, to be pinned; `/to?<url>` sends on to there, all else is told back. */
export async function startSite({ secure = false, listener = answer } = {}): Promise<Site> {
  const seen: string[] = []
  const serve: RequestListener = (request, response) => {
    seen.push(`${request.headers.host}${request.url}`)
    listener(request, response)
  }
  const server = secure ? createSecureServer({ cert: certificate, key }, serve) : createServer(serve)
  const site = { port: 0, seen, connections: 0 }
  server.on('connection', () => site.connections++)
  await new Promise<void>(listening => server.listen(0, '127.0.0.1', () => listening()))
  site.port = (server.address() as AddressInfo).port
  return Object.assign(site, {
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise<void>(closed => (server as Server).close(() => closed()))
    },
  })
}
