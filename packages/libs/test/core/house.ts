import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClient } from '@konnectory/client'
import { createLocalStack, type StackEvent } from '@konnectory/standalone'
import { useStackClient } from '../../src/stack-client.ts'

/** A folder of its own with a stack in it, which `getStackClient` gives until disposal. */
export async function openHouse(options: { fixture?: Record<string, unknown>; auth?: Record<string, unknown> } = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'libs-core-'))
  const events: StackEvent[] = []
  const requests: { method: string; path: string; body: unknown }[] = []
  const stack = createLocalStack({
    root: join(folder, 'data'),
    slug: 'acme',
    account: { id: 'acc1', auth: options.auth ?? { login: 'me', password: 'pa55word' } },
    onEvent: event => events.push(event),
    ...(options.fixture ? { fixture: options.fixture } : {}),
  })
  const client = createClient({
    url: 'http://house.test',
    fetch: async (input, init) => {
      const url = new URL(String(input))
      const body = typeof init?.body === 'string' ? JSON.parse(init.body) : init?.body
      requests.push({ method: init?.method ?? 'GET', path: url.pathname + url.search, body })
      return stack.fetch(input, init)
    },
  })
  useStackClient(client)
  return {
    folder,
    stack,
    client,
    events,
    requests,
    async [Symbol.asyncDispose]() {
      useStackClient(undefined)
      await stack.flush()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
