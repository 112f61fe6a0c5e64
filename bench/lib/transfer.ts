import { randomBytes } from 'node:crypto'
import { request } from 'node:http'

/** Sends `size` random bytes in pieces. @returns status, body, seconds */
export function upload({
  port,
  path,
  headers,
  size,
}: {
  port: number
  path: string
  headers: Record<string, string>
  size: number
}): Promise<{ status: number; body: string; seconds: number }> {
  const piece = randomBytes(Math.min(size, 1 << 20))
  const started = performance.now()
  return new Promise((resolve, reject) => {
    const sending = request(
      { host: '127.0.0.1', port, path, method: 'POST', headers: { ...headers, 'content-length': size } },
      answer => {
        let body = ''
        answer.setEncoding('utf8').on('data', chunk => (body += chunk))
        answer.once('end', () =>
          resolve({ status: answer.statusCode ?? 0, body, seconds: (performance.now() - started) / 1000 }),
        )
      },
    )
    sending.once('error', reject)
    let left = size
    const more = () => {
      while (left > 0) {
        const part = piece.subarray(0, Math.min(piece.length, left))
        left -= part.length
        if (!sending.write(part)) {
          sending.once('drain', more)
          return
        }
      }
      sending.end()
    }
    more()
  })
}

/** Reads an answer to its end, keeping nothing. */
export function download({
  port,
  path,
  headers,
}: {
  port: number
  path: string
  headers: Record<string, string>
}): Promise<{ status: number; size: number; seconds: number }> {
  const started = performance.now()
  return new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port, path, headers }, answer => {
      let size = 0
      answer.on('data', chunk => (size += chunk.length))
      answer.once('error', reject)
      answer.once('end', () =>
        resolve({ status: answer.statusCode ?? 0, size, seconds: (performance.now() - started) / 1000 }),
      )
    })
      .once('error', reject)
      .end()
  })
}
