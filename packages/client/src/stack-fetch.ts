/** What the client reads of an answer: the part of fetch's `Response` that any HTTP implementation can give. */
export type StackResponse = Pick<
  Response,
  'ok' | 'status' | 'statusText' | 'body' | 'text' | 'json' | 'arrayBuffer'
> & { headers: Pick<Headers, 'get' | 'has' | 'forEach'> }

export type StackRequest = RequestInit & { duplex?: 'half' }

/** How the client sends: the global `fetch`, `nodeFetch` (./node-fetch.ts), or a stack in this process. */
export type StackFetch = (url: string, init?: StackRequest) => Promise<StackResponse>
