import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClient, type StackClient } from '@konnectory/client'
import { createLocalStack, type LocalStack, type LocalStackOptions, type StackEvent } from '../../src/index.ts'

/** A directory of its own, removed with what is in it. */
export function temporaryDirectory(): { path: string; [Symbol.dispose](): void } {
  const path = mkdtempSync(join(tmpdir(), 'konnectory-standalone-'))
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) }
}

export interface Opened {
  stack: LocalStack
  client: StackClient
  events: StackEvent[]
}

/** A stack on this directory and a client of its fetch. */
export function open(root: string, options: Partial<LocalStackOptions> = {}): Opened {
  const events: StackEvent[] = []
  const stack = createLocalStack({ root, slug: 'acme', onEvent: event => events.push(event), ...options })
  return { stack, client: createClient({ url: 'http://stack.test/', fetch: stack.fetch }), events }
}

export function readData(root: string, name = 'importedData.json'): Record<string, Record<string, unknown>[]> {
  return JSON.parse(readFileSync(join(root, name), 'utf8'))
}

// biome-ignore lint/suspicious/noExplicitAny: bodies have as many shapes as there are routes; the assertions say which
export type Anything = any

/** One raw exchange: status, headers and parsed body. */
export async function send(
  stack: LocalStack,
  method: string,
  path: string,
  json?: unknown,
  headers: Record<string, string> = {},
): Promise<{ status: number; headers: Headers; body: Anything }> {
  const init: RequestInit = { method, headers }
  if (json !== undefined) init.body = typeof json === 'string' ? json : JSON.stringify(json)
  const response = await stack.fetch(`http://any.host${path}`, init)
  const text = await response.text()
  const isJson = response.headers.get('content-type')?.includes('json') && text !== ''
  return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text }
}
