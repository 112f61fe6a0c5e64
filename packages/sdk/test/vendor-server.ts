import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface VendorServer {
  /** `http://127.0.0.1:<port>` */
  url: string
  /** The same server by another name, for tests across hosts: `http://localhost:<port>`. */
  otherUrl: string
  /** What came: method, path with query, headers and body of each request. */
  requests: { method: string; path: string; headers: IncomingMessage['headers']; body: string }[]
  [Symbol.asyncDispose](): Promise<void>
}

export type Handler = (request: IncomingMessage, response: ServerResponse, body: string) => unknown

/** A vendor: paths and what they do. A path that is not there is a 404. */
export async function startVendor(handlers: Record<string, Handler>): Promise<VendorServer> {
  const requests: VendorServer['requests'] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const body = Buffer.concat(chunks).toString()
    const path = request.url ?? '/'
    requests.push({ method: request.method ?? '', path, headers: request.headers, body })
    const handle = handlers[path.split('?')[0] as string]
    if (handle) await handle(request, response, body)
    else response.writeHead(404).end('no such page')
  })
  await new Promise<void>(resolve => server.listen(0, resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    otherUrl: `http://localhost:${port}`,
    requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}
