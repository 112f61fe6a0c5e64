import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClient, type StackClient } from '@konnectory/client'
import { createLocalStack } from '@konnectory/standalone'
import { setManifest } from '../../src/manifest.ts'
import { useStackClient } from '../../src/stack-client.ts'

export const FOLDER = '/Administrative/Acme'
export const ACCOUNT = { sourceAccount: 'account1', sourceAccountIdentifier: 'me@mail.test' }
export const PDF = '%PDF-1.4\n% a small document\n'

export interface House extends AsyncDisposable {
  client: StackClient
  /** `METHOD /path` of each request of the libraries. */
  requests: string[]
  /** Lines logged, without colours. */
  lines: string[]
  content(path: string): Promise<string>
}

/** The libraries working for a stack in a temporary folder, over HTTP. */
export async function openHouse(manifest: object = {}): Promise<House> {
  const root = await mkdtemp(join(tmpdir(), 'konnectory-libs-save-'))
  const stack = createLocalStack({ root, slug: 'acme' })
  const { url, token, close } = await stack.listen()
  const requests: string[] = []
  const recorded: typeof fetch = (input, init) => {
    requests.push(`${init?.method ?? 'GET'} ${String(input).slice(url.length - 1)}`)
    return fetch(input, init)
  }
  const client = createClient({ url, token, fetch: recorded })
  useStackClient(client)
  setManifest({ slug: 'acme', version: '1.0.0', ...manifest })
  const lines: string[] = []
  const print = console.log
  console.log = (line: unknown) => void lines.push(String(line))
  return {
    client,
    requests,
    lines,
    async content(path) {
      const { _id } = await client.files.statByPath(path)
      return Buffer.from(await (await client.files.download(_id)).arrayBuffer()).toString('latin1')
    },
    async [Symbol.asyncDispose]() {
      console.log = print
      useStackClient(undefined)
      setManifest(undefined)
      await close()
      await stack.flush()
      await rm(root, { recursive: true, force: true })
    },
  }
}

/** A vendor's site on a real port. */
export async function openVendor(
  answer: RequestListener,
): Promise<AsyncDisposable & { url: string; requests: string[] }> {
  const requests: string[] = []
  const server = createServer((message, response) => {
    requests.push(`${message.method} ${message.url}`)
    answer(message, response)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    async [Symbol.asyncDispose]() {
      const closed = new Promise(resolve => server.close(resolve))
      server.closeAllConnections()
      await closed
    },
  }
}

export const pdfVendor = () =>
  openVendor((message, response) => {
    response.writeHead(200, { 'content-type': 'application/pdf' }).end(PDF + message.url)
  })
