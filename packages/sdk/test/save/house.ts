import { mkdtemp, rm } from 'node:fs/promises'
import {
  Agent,
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type RequestListener,
  type Server,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClient, type StackClient } from '@konnectory/client'
import type { FileDocument } from '@konnectory/protocol'
import { createLocalStack } from '@konnectory/standalone'
import type { SaveContext, SaveProgress } from '../../src/save/context.ts'

export const PDF = '%PDF-1.4\n% a small document\n'

/** What is logged: `level: message`. */
export type Lines = string[]

export interface House extends AsyncDisposable {
  context: SaveContext
  client: StackClient
  /** `METHOD /path` of each request that reached the stack. */
  requests: string[]
  lines: Lines
  progress: SaveProgress[]
  url: string
  token: string
  /** Answers instead of the stack when it returns true. */
  intercept: ((...args: Parameters<RequestListener>) => boolean) | undefined
  /** The file at this path, its content included. */
  content(path: string): Promise<string>
  file(path: string): Promise<FileDocument>
  /** Requests since the last call, and forgets them. */
  take(): string[]
}

export interface Vendor extends AsyncDisposable {
  url: string
  requests: string[]
}

/** A stack in a temporary folder behind a real HTTP server that notes its requests, and a context for it. */
export async function openHouse(more: Partial<SaveContext> = {}): Promise<House> {
  const root = await mkdtemp(join(tmpdir(), 'konnectory-save-'))
  const stack = createLocalStack({ root, slug: 'acme' })
  const inner = await stack.listen()
  const agent = new Agent({ keepAlive: true })
  const requests: string[] = []
  const lines: Lines = []
  const progress: SaveProgress[] = []
  const server = createServer((message, response) => {
    requests.push(`${message.method} ${message.url}`)
    if (house.intercept?.(message, response)) return
    forward(message, response, inner.url, agent)
  })
  const url = await start(server)
  const client = createClient({ url, token: inner.token })
  const house: House = {
    client,
    requests,
    lines,
    progress,
    url,
    token: inner.token,
    intercept: undefined,
    context: {
      client,
      manifest: { slug: 'acme', version: '1.2.3' },
      accountId: 'account1',
      accountIdentifier: 'me@mail.test',
      log: (level, message) => void lines.push(`${level}: ${message}`),
      onProgress: step => void progress.push(step),
      ...more,
    },
    file: path => client.files.statByPath(path),
    async content(path) {
      const { _id } = await client.files.statByPath(path)
      return Buffer.from(await (await client.files.download(_id)).arrayBuffer()).toString('latin1')
    },
    take: () => requests.splice(0),
    async [Symbol.asyncDispose]() {
      await stop(server)
      agent.destroy()
      await inner.close()
      await stack.flush()
      await rm(root, { recursive: true, force: true })
    },
  }
  return house
}

/** A vendor's site on a real port. */
export async function openVendor(answer: RequestListener): Promise<Vendor> {
  const requests: string[] = []
  const server = createServer((message, response) => {
    requests.push(`${message.method} ${message.url}`)
    answer(message, response)
  })
  const url = await start(server)
  return { url, requests, [Symbol.asyncDispose]: () => stop(server) }
}

/** A vendor that has a small PDF at every address; `unlike` answers first when it returns true. */
export function pdfVendor(unlike?: (...args: Parameters<RequestListener>) => boolean): Promise<Vendor> {
  return openVendor((message, response) => {
    if (unlike?.(message, response)) return
    response.writeHead(200, { 'content-type': 'application/pdf' }).end(PDF + message.url)
  })
}

/** Counts requests by kind: method and first path parts, without ids and queries. */
export function byKind(requests: string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const request of requests) {
    const kind = request
      .replace(/\?.*$/, '')
      .replace(/(POST|PUT|PATCH) \/files\/(?!_find|upload)[^/]+$/, '$1 /files/:id')
      .replace(/GET \/files\/(?!metadata)[^/]+$/, 'GET /files/:id')
      .replace(/\/relationships\/.*/, '/references')
      .replace(/\/data\/io\.cozy\.(konnectors|accounts[^/]*)\/[^/]+\//, '/data/io.cozy.$1/:id/')
    counts[kind] = (counts[kind] ?? 0) + 1
  }
  return counts
}

function forward(message: IncomingMessage, response: Parameters<RequestListener>[1], to: string, agent: Agent): void {
  const { method = 'GET', url = '/', headers } = message
  const request = httpRequest(new URL(url, to), { method, headers, agent }, answer => {
    response.writeHead(answer.statusCode ?? 500, answer.headers)
    answer.pipe(response)
  })
  request.on('error', () => response.destroy())
  message.on('aborted', () => request.destroy())
  message.pipe(request)
}

async function start(server: Server): Promise<string> {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function stop(server: Server): Promise<void> {
  const closed = new Promise(resolve => server.close(resolve))
  server.closeAllConnections()
  await closed
}
