import assert from 'node:assert/strict'
import { Agent, request } from 'node:http'

/** The connection broke: whether the server did what it was asked is open. */
export class BrokenOff extends Error {
  override name = 'BrokenOff'
}

export interface Answer {
  status: number
  bytes: Buffer
  // biome-ignore lint/suspicious/noExplicitAny: what the server says, asserted on where it matters
  json: any
}

export interface Ask {
  method?: string
  path: string
  body?: object | Uint8Array
}

export interface Client extends Disposable {
  /** @throws BrokenOff without a whole answer; AssertionError unless it is a 2xx */
  ask(what: Ask): Promise<Answer>
}

/** One person's tools: a token, connections that are kept. */
export function createClient(port: number, host: string, token: string): Client {
  const agent = new Agent({ keepAlive: true })
  return {
    ask({ method = 'GET', path, body }) {
      const isBytes = body instanceof Uint8Array
      const sent = body && (isBytes ? body : Buffer.from(JSON.stringify(body)))
      const headers = {
        host,
        authorization: `Bearer ${token}`,
        accept: 'application/json',
        ...(sent && { 'content-length': String(sent.length) }),
        ...(sent && { 'content-type': isBytes ? 'application/octet-stream' : 'application/json' }),
      }
      return new Promise((resolve, reject) => {
        const broken = (error: Error) => reject(new BrokenOff(`${method} ${path}: ${error.message}`))
        const asked = request({ host: '127.0.0.1', port, path, method, headers, agent }, answer => {
          const chunks: Uint8Array[] = []
          answer.on('data', chunk => chunks.push(chunk)).once('error', broken)
          answer.once('end', () => {
            if (!answer.complete) return broken(new Error('half an answer'))
            const { statusCode: status = 0 } = answer
            const bytes = Buffer.concat(chunks)
            if (status >= 300) {
              return reject(
                new assert.AssertionError({ message: `${method} ${path}: ${status} ${bytes.toString('utf8')}` }),
              )
            }
            const isJson = /json/.test(answer.headers['content-type'] ?? '')
            resolve({ status, bytes, json: isJson ? JSON.parse(bytes.toString('utf8')) : undefined })
          })
        })
        asked.once('error', broken).end(sent)
      })
    },
    [Symbol.dispose]() {
      agent.destroy()
    },
  }
}
