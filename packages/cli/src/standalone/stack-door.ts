import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A request of the konnector to the stack, once answered. */
export interface StackRequest {
  method: string
  /** Path without query. */
  path: string
  /** `io.cozy.files` for files routes; undefined for routes that are about no doctype. */
  doctype?: string
  status: number
}

export interface StackDoorOptions {
  onRequest?(request: StackRequest): void
  /** Bytes of a file on its way into the stack. */
  onUpload?(name: string, bytes: number, total: number | undefined): void
}

export interface StackDoor {
  url: string
  port: number
  close(): Promise<void>
}

/**
 * Stands before the local stack on loopback and tells what passes: reads too, which no event of the stack shows, so that permissions
 * can be compared with what a konnector really does.
 *
 * @param stackUrl where the local stack listens
 */
export async function openStackDoor(stackUrl: string, options: StackDoorOptions): Promise<StackDoor> {
  const target = new URL(stackUrl)
  const server = createServer((incoming, answer) => {
    const url = new URL(incoming.url ?? '/', 'http://stack')
    const method = incoming.method ?? 'GET'
    const outgoing = request(
      { host: target.hostname, port: target.port, method, path: incoming.url, headers: incoming.headers },
      response => {
        answer.writeHead(response.statusCode ?? 502, response.rawHeaders)
        response.pipe(answer)
        const doctype = doctypeOf(url.pathname)
        options.onRequest?.({
          method,
          path: url.pathname,
          ...(doctype ? { doctype } : {}),
          status: response.statusCode ?? 502,
        })
      },
    )
    outgoing.on('error', error => {
      if (answer.headersSent) return void answer.destroy()
      answer.writeHead(502, { 'content-type': 'text/plain' })
      answer.end(`The local stack does not answer: ${error.message}`)
    })
    answer.on('close', () => {
      if (!answer.writableFinished) outgoing.destroy()
    })
    const name = url.searchParams.get('Name')
    if (options.onUpload && name && url.searchParams.get('Type') !== 'directory') {
      const total = Number(incoming.headers['content-length']) || undefined
      let bytes = 0
      incoming.on('data', (chunk: Buffer) => {
        bytes += chunk.length
        options.onUpload?.(name, bytes, total)
      })
    }
    incoming.pipe(outgoing)
  })
  server.requestTimeout = 0
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    port,
    // The server's COZY_URL ends with a slash (`sdk/cli.md` section 7).
    url: `http://127.0.0.1:${port}/`,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function doctypeOf(path: string): string | undefined {
  const [, room, doctype] = path.split('/')
  if (room === 'files') return 'io.cozy.files'
  if (room === 'data' && doctype && !doctype.startsWith('_')) return decodeURIComponent(doctype)
  return undefined
}
