import type { StackResponse } from '@konnectory/client'
import builtins from '../builtins.cjs'

/** Members of a Node stream that konnectors call on the body of a `fetch` response. */
const STREAM_MEMBERS = [
  'pipe',
  'unpipe',
  'on',
  'once',
  'off',
  'addListener',
  'removeListener',
  'removeAllListeners',
  'read',
  'pause',
  'resume',
  'setEncoding',
  'destroy',
] as const // prettier-ignore

/** A `fetch` response that can also be used like one of node-fetch 2. */
export type NodeResponse = Response & {
  /** The whole body. */
  buffer(): Promise<Buffer>
  /** The web stream, with `pipe`, `on` and the other members of a Node stream. */
  readonly body: (ReadableStream<Uint8Array> & NodeJS.ReadableStream) | null
}

/**
 * Upstream replaced `global.fetch` by node-fetch 2, whose responses have `.buffer()` and a Node stream as `.body`; konnectors
 * use both (`sdk/exports.md` section 1). Here the response stays Node's own, and these members are added to this one object.
 * Reading the body as a Node stream locks it, as reading a web stream does.
 * @returns the same response
 */
export function withNodeMembers(response: Response): NodeResponse {
  const own = Object.getOwnPropertyDescriptor(response, 'buffer')
  if (own) return response as NodeResponse
  let body: ReadableStream<Uint8Array> | null | undefined
  return Object.defineProperties(response, {
    buffer: { value: async () => Buffer.from(await response.arrayBuffer()) },
    body: {
      get() {
        // The getter lives on the prototype; asking it creates the stream, so only when somebody asks.
        body ??= withStreamMembers(Reflect.get(Object.getPrototypeOf(response), 'body', response))
        return body
      },
    },
    // A clone is a new native object, without what is added here.
    clone: { value: () => withNodeMembers(Response.prototype.clone.call(response)) },
  }) as NodeResponse
}

function withStreamMembers(body: ReadableStream<Uint8Array> | null): ReadableStream<Uint8Array> | null {
  if (!body) return body
  let stream: NodeJS.ReadableStream | undefined
  const asNode = () => {
    stream ??= builtins.stream().Readable.fromWeb(body as Parameters<typeof import('node:stream').Readable.fromWeb>[0])
    return stream as unknown as Record<string, (...parameters: unknown[]) => unknown>
  }
  for (const name of STREAM_MEMBERS) {
    Object.defineProperty(body, name, {
      value: (...parameters: unknown[]) =>
        (asNode()[name] as (...parameters: unknown[]) => unknown).apply(asNode(), parameters),
    })
  }
  // Libraries tell streams by this flag.
  return Object.defineProperty(body, 'readable', { value: true })
}

const MARK = Symbol.for('konnectory.fetch')

/**
 * Makes the responses of the global `fetch` usable in both ways (`withNodeMembers`). It stays Node's `fetch`: nothing
 * else changes, and nothing is loaded before its first call. Done once, at the start of a run, not at import.
 */
export function installFetchCompat(): void {
  const native = globalThis.fetch as typeof fetch & { [MARK]?: true }
  if (native[MARK]) return
  const compatible: typeof native = async (...parameters) => withNodeMembers(await native(...parameters))
  compatible[MARK] = true
  globalThis.fetch = compatible
}

/** The answer of a download as konnectors expect it: a whole `fetch` response, with the members of `withNodeMembers`. */
export function nodeResponse(answer: StackResponse): NodeResponse {
  if (answer instanceof Response) return withNodeMembers(answer)
  const headers = new Headers()
  answer.headers.forEach((value, name) => {
    headers.append(name, value)
  })
  return withNodeMembers(new Response(answer.body, { status: answer.status, statusText: answer.statusText, headers }))
}
