import { Readable } from 'node:stream'
import type { StackRequest } from './exchange.ts'
import type { Dispatch } from './router.ts'

type FetchInit = RequestInit & { duplex?: 'half' }

/** The stack as a function like the global fetch: no socket, no token, any host. */
export function createFetch(dispatch: Dispatch): typeof globalThis.fetch {
  return async (input, init) => {
    // A stream cannot be sent without `duplex`, and nothing else can be meant here.
    const options: FetchInit | undefined =
      init?.body && typeof init.body === 'object' ? { duplex: 'half', ...init } : init
    const request = new Request(input, options)
    const { signal } = request
    signal.throwIfAborted()
    const answer = dispatch(toStackRequest(request))
    const response = await Promise.race([answer, aborted(signal)]).catch((error: unknown) => {
      // The exchange may still be ending on its own after an abort; its outcome interests nobody.
      answer.catch(() => undefined)
      throw signal.aborted ? signal.reason : error
    })
    const { body } = response
    return new Response(typeof body === 'function' ? (Readable.toWeb(body()) as ReadableStream) : (body ?? null), {
      status: response.status,
      headers: response.headers,
    })
  }
}

function toStackRequest(request: Request): StackRequest {
  const url = new URL(request.url)
  return {
    method: request.method,
    path: url.pathname,
    query: url.searchParams,
    header: name => request.headers.get(name) ?? undefined,
    body: (request.body as AsyncIterable<Uint8Array> | null) ?? undefined,
    signal: request.signal,
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }))
}
