import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** One request as the server received it. */
export interface Seen {
  method: string
  /** Path and query, untouched. */
  url: string
  headers: IncomingHttpHeaders
  rawHeaders: string[]
  body: Buffer
  text: string
}

export type Handler = (seen: Seen, response: ServerResponse, request: IncomingMessage) => void

export interface Vendor extends AsyncDisposable {
  /** `http://127.0.0.1:port` */
  url: string
  port: number
  seen: Seen[]
  last(): Seen
}

/** A real server on 127.0.0.1 that records what it receives; `handler` answers (default: 200 `ok`). */
export async function startVendor(handler: Handler = (_seen, response) => void response.end('ok')): Promise<Vendor> {
  return listen(handler, createServer, 'http')
}

/** The same over TLS, with a self-signed certificate for `localhost` that `openssl` makes for this run. */
export async function startSecureVendor(handler?: Handler, days = 2): Promise<Vendor & { certificate: string }> {
  const { key, cert } = selfSigned(days)
  const answer: Handler = handler ?? ((_seen, response) => void response.end('secure'))
  const vendor = await listen(answer, listener => createSecureServer({ key, cert }, listener), 'https')
  return Object.assign(vendor, { certificate: cert })
}

async function listen(
  handler: Handler,
  create: (listener: (request: IncomingMessage, response: ServerResponse) => void) => Server,
  scheme: string,
): Promise<Vendor> {
  const seen: Seen[] = []
  const server = create((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', chunk => chunks.push(chunk))
    request.on('end', () => {
      const body = Buffer.concat(chunks)
      const { method = '', url = '', headers, rawHeaders } = request
      const one = { method, url, headers, rawHeaders, body, text: body.toString('utf8') }
      seen.push(one)
      handler(one, response, request)
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `${scheme}://127.0.0.1:${port}`,
    port,
    seen,
    last() {
      const last = seen.at(-1)
      if (!last) throw new Error('the server received nothing')
      return last
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}

type Pair = { key: string; cert: string }

const pairs = new Map<number, Pair>()

/** @param days of validity from now; negative: over since that many days */
function selfSigned(days: number): Pair {
  const known = pairs.get(days)
  if (known) return known
  const dir = mkdtempSync(join(tmpdir(), 'konnectory-tls-'))
  try {
    const [key, request, names, cert] = ['key', 'request', 'names', 'cert'].map(name => join(dir, name)) as Four
    const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: 'pipe' })
    const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-subj', '/CN=localhost']
    openssl('req', ...kind, '-keyout', key, '-out', request)
    writeFileSync(names, 'subjectAltName=DNS:localhost')
    // `req -x509` takes no negative number of days.
    const signed = ['-signkey', key, '-days', String(days), '-extfile', names, '-out', cert]
    openssl('x509', '-req', '-in', request, ...signed)
    const pair = { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') }
    pairs.set(days, pair)
    return pair
  } finally {
    rmSync(dir, { recursive: true })
  }
}

type Four = [string, string, string, string]
