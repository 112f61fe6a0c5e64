import { type IncomingMessage, request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { UsageError } from '../terminal/output.ts'
import type { AdminAddress } from './find.ts'

export interface AdminRequest {
  method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  query?: Record<string, string | undefined>
  /** Sent as JSON. */
  body?: object
  /** Sent as it comes. */
  stream?: Readable
  headers?: Record<string, string>
}

/** The server said no; the message is its own. */
export class AdminRefusal extends UsageError {
  override name = 'AdminRefusal'
  readonly status: number
  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/** Requests to the administration of a server. */
export interface AdminClient {
  /** @throws AdminRefusal; UsageError when no server answers */
  json<T>(path: string, options?: AdminRequest): Promise<T>
  text(path: string, options?: AdminRequest): Promise<string>
  /** The body as it comes. */
  stream(path: string, options?: AdminRequest): Promise<Readable>
}

/** By Node's own requests: an import is answered when it is done, which may take longer than `fetch` waits. */
export function createAdminClient({ url: base, secret }: AdminAddress): AdminClient {
  const authorization = `Basic ${Buffer.from(`admin:${secret}`).toString('base64')}`

  async function ask(path: string, options: AdminRequest = {}): Promise<IncomingMessage> {
    const { method = 'GET', query = {}, body, stream, headers } = options
    const url = new URL(path, base)
    for (const [name, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(name, value)
    const json = body && Buffer.from(JSON.stringify(body))
    const send = url.protocol === 'https:' ? requestHttps : requestHttp
    const request = send(url, {
      method,
      headers: {
        authorization,
        accept: 'application/vnd.api+json, application/json, text/plain',
        ...(json && { 'content-type': 'application/json', 'content-length': json.length }),
        ...(stream && { 'content-type': 'application/x-tar' }),
        ...headers,
      },
    })
    const answered = new Promise<IncomingMessage>((resolve, reject) => {
      request.once('response', resolve)
      request.once('error', error => reject(unreachable(error as NodeJS.ErrnoException, url)))
    })
    // The server may refuse before all is sent; its answer says why, the broken pipe does not.
    if (stream) pipeline(stream, request).catch(error => request.destroy(error))
    else request.end(json)
    const response = await answered
    const { statusCode: status = 0 } = response
    if (status < 400) return response
    throw new AdminRefusal(status, explain(status, await read(response)))
  }

  const client: AdminClient = {
    async json<T>(path: string, options?: AdminRequest) {
      const text = await client.text(path, options)
      return (text === '' ? undefined : JSON.parse(text)) as T
    },
    text: async (path, options) => await read(await ask(path, options)),
    stream: ask,
  }
  return client
}

async function read(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of response) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString('utf8')
}

function explain(status: number, body: string): string {
  if (status === 401)
    return "The administration's secret is not the right one: a server that was started again has another (admin.json in its data folder)."
  try {
    const said = JSON.parse(body) as {
      error?: unknown
      errors?: { detail?: string; source?: { parameter?: string } }[]
    }
    const details = said.errors?.map(({ detail }) => detail).filter(Boolean)
    if (details?.length) return details.join('\n')
    if (typeof said.error === 'string') return said.error
  } catch {
    // Not JSON: shown as it is.
  }
  return `The server answered ${status}${body ? `: ${body.slice(0, 200)}` : ''}`
}

function unreachable(error: NodeJS.ErrnoException, url: URL): Error {
  if (error.code === 'ECONNREFUSED' || error.code === 'ENOTFOUND')
    return new UsageError(`No server answers at ${url.origin}: is it running? konnectory serve starts one.`)
  return new UsageError(`The server at ${url.origin} cannot be asked: ${error.message}`)
}
