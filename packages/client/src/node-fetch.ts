import { Agent, request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { StackFetch, StackRequest, StackResponse } from './stack-fetch.ts'

/**
 * `fetch` for talking to a stack, over node:http with connections kept open. The first use of Node's own fetch costs
 * 75 ms of CPU, more than all else a small konnector does; this costs 5 (measured, `bench/author.ts`). It follows no
 * redirect, decodes no content encoding and asks for none: the stack's API needs neither.
 */
export const nodeFetch: StackFetch = async (url, init = {}) => {
  const target = new URL(url)
  const body = bodyOf(init)
  try {
    return await exchange(target, init, body)
  } catch (error) {
    // A kept connection may be closed by the other side in the moment it is used again: nothing was answered, and what
    // can be sent twice without harm is.
    const harmless = init.method !== 'POST' && init.method !== 'PATCH' && !(body instanceof Readable)
    if (harmless && error instanceof Reused) return exchange(target, init, body)
    throw error instanceof Reused ? error.cause : error
  }
}

/** The connection failed before any answer, and it was not a new one. */
class Reused extends Error {}

const agents: Record<string, Promise<Pick<typeof import('node:http'), 'request'> & { agent: Agent }>> = {}

/** node:https costs 15 ms to load, and a stack on this machine is plain http. */
function schemeOf(protocol: string) {
  agents[protocol] ??=
    protocol === 'https:'
      ? import('node:https').then(https => ({ request: https.request, agent: new https.Agent({ keepAlive: true }) }))
      : Promise.resolve({ request: httpRequest, agent: new Agent({ keepAlive: true }) })
  return agents[protocol]
}

async function exchange(url: URL, init: StackRequest, body: Buffer | Readable | undefined): Promise<StackResponse> {
  init.signal?.throwIfAborted()
  const { request, agent } = await schemeOf(url.protocol)
  const headers = { ...(init.headers as Record<string, string>) }
  if (Buffer.isBuffer(body)) headers['content-length'] = String(body.length)
  const options: RequestOptions = { method: init.method ?? 'GET', headers, agent }
  if (init.signal) options.signal = init.signal
  const outgoing = request(url, options)
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    outgoing.on('response', resolve)
    outgoing.on('error', cause => {
      const reset =
        (cause as NodeJS.ErrnoException).code === 'ECONNRESET' || (cause as NodeJS.ErrnoException).code === 'EPIPE'
      reject(outgoing.reusedSocket && reset ? new Reused(cause.message, { cause }) : cause)
    })
  })
  if (body instanceof Readable) {
    const sent = pipeline(body, outgoing)
    // A refusal may arrive while the body is still being read (413, 409): that answer is what the caller must see.
    const incoming = await Promise.race([answered, sent.then(() => answered)])
    sent.catch(() => {})
    incoming.once('close', () => body.destroy())
    return answer(incoming)
  }
  outgoing.end(body)
  return answer(await answered)
}

function bodyOf({ body }: StackRequest): Buffer | Readable | undefined {
  if (body === undefined || body === null) return undefined
  if (typeof body === 'string') return Buffer.from(body)
  if (body instanceof Uint8Array) return Buffer.from(body.buffer, body.byteOffset, body.byteLength)
  if (body instanceof ArrayBuffer) return Buffer.from(body)
  if (body instanceof Readable) return body
  if (body instanceof Blob) return Readable.fromWeb(body.stream() as Parameters<typeof Readable.fromWeb>[0])
  if (Symbol.asyncIterator in body) return Readable.from(body as AsyncIterable<Uint8Array>)
  throw new TypeError('A request body is a string, bytes, a Blob, a stream or an async iterable of bytes.')
}

/**
 * Answers of the API are read at once, so that a caller who ignores one leaves no connection waiting; only content of a
 * file stays a stream.
 */
async function answer(incoming: IncomingMessage): Promise<StackResponse> {
  const isContent = incoming.statusCode === 200 || incoming.statusCode === 206
  const streams = isContent && !/json/.test(incoming.headers['content-type'] ?? 'json')
  return new Answer(incoming, streams ? incoming : await readAll(incoming))
}

async function readAll(source: Readable): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of source) chunks.push(chunk)
  return Buffer.concat(chunks)
}

class Answer implements StackResponse {
  readonly status: number
  readonly statusText: string
  readonly headers: StackResponse['headers']
  readonly #content: Buffer | Readable

  constructor(incoming: IncomingMessage, content: Buffer | Readable) {
    this.#content = content
    this.status = incoming.statusCode ?? 0
    this.statusText = incoming.statusMessage ?? ''
    this.headers = headersOf(incoming)
  }

  get ok(): boolean {
    return this.status >= 200 && this.status < 300
  }

  get body(): StackResponse['body'] {
    const stream = Buffer.isBuffer(this.#content) ? Readable.from([this.#content]) : this.#content
    return Readable.toWeb(stream) as unknown as StackResponse['body']
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    const bytes = await this.#read()
    return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer
  }

  async text(): Promise<string> {
    return (await this.#read()).toString('utf8')
  }

  async json(): Promise<unknown> {
    return JSON.parse(await this.text())
  }

  async #read(): Promise<Buffer> {
    return Buffer.isBuffer(this.#content) ? this.#content : readAll(this.#content)
  }
}

function headersOf(incoming: IncomingMessage): StackResponse['headers'] {
  const value = (name: string) => {
    const found = incoming.headers[name.toLowerCase()]
    return Array.isArray(found) ? found.join(', ') : (found ?? null)
  }
  return {
    get: value,
    has: name => value(name) !== null,
    forEach: each => {
      for (const name of Object.keys(incoming.headers)) each(value(name) ?? '', name, undefined as unknown as Headers)
    },
  }
}
