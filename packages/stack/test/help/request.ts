import { request as httpRequest } from 'node:http'

export interface TestRequest {
  method?: string
  headers?: Record<string, string>
  /** An object is sent as JSON; a text or bytes as they are. */
  body?: object | string | Uint8Array | undefined
  /** Name the instance by, where it is not the one of the URL: `fetch` does not let one say. */
  host?: string | undefined
}

export interface TestAnswer {
  status: number
  headers: Record<string, string | string[] | undefined>
  bytes: Buffer
  text: string
  /** Parsed; throws when it is no JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: a test says what it expects by asserting it
  readonly json: any
}

/** One request to a server on this machine, as any client sends it; redirects are not followed. */
export function send(
  origin: string,
  path: string,
  { method = 'GET', headers = {}, body, host }: TestRequest = {},
): Promise<TestAnswer> {
  const isJson = typeof body === 'object' && !(body instanceof Uint8Array)
  const bytes =
    body === undefined ? undefined : isJson ? Buffer.from(JSON.stringify(body)) : Buffer.from(body as string)
  const { hostname, port } = new URL(origin)
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      {
        hostname,
        port,
        path,
        method,
        headers: {
          ...(host && { host }),
          ...(isJson && { 'content-type': 'application/json' }),
          ...(bytes && { 'content-length': bytes.length }),
          ...headers,
        },
        agent: false,
      },
      response => {
        const chunks: Buffer[] = []
        response.on('data', chunk => chunks.push(chunk))
        response.once('error', reject)
        response.once('end', () => {
          const all = Buffer.concat(chunks)
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            bytes: all,
            get text() {
              return all.toString('utf8')
            },
            get json() {
              return JSON.parse(all.toString('utf8'))
            },
          })
        })
      },
    )
    request.once('error', reject)
    request.end(bytes)
  })
}
