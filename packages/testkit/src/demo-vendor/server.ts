import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { type Answer, html, json, redirect } from './answer.ts'
import { errorPage, maintenancePage, notFoundPage, sorryInsteadOfPdf } from './pages/trouble.ts'
import type { RequestRecord } from './request-log.ts'
import type { Handler } from './router.ts'
import type { VendorState } from './state.ts'
import { createVisit, type Visit } from './visit.ts'

const MAX_BODY_BYTES = 1_000_000

/** The HTTP side: reads requests, lets the mode interfere, asks the router, sends. */
export function createVendorServer(
  state: VendorState,
  route: (visit: Visit) => Handler | undefined,
  records: RequestRecord[],
  signal: AbortSignal,
): Server {
  return createServer((request, response) => {
    serve(request, response).catch((error: unknown) => {
      // Ended by close(), or the client left: nobody to tell. Anything else is a bug of the vendor: shown, not hidden.
      if (signal.aborted || response.destroyed || request.destroyed) return
      if (!response.headersSent) response.writeHead(500, { 'content-type': 'text/plain', 'x-demo-vendor-bug': '1' })
      response.end(error instanceof Error ? error.stack : String(error))
    })
  })

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname: path, search } = new URL(request.url ?? '/', 'http://vendor')
    const isTool = path.startsWith('/_')
    const { method = 'GET', headers } = request
    const record: RequestRecord = {
      at: state.clock(),
      method,
      path,
      query: search.slice(1),
      headers,
      status: 0,
      bytes: 0,
    }
    if (!isTool) records.push(record)
    const behaviour = isTool ? { has: () => false, slowMs: 0 } : state.modes.take(path)
    const body = await readBody(request)
    if (behaviour.has('slow')) await wait(behaviour.slowMs, undefined, { signal })
    if (behaviour.has('hang')) return

    const { visit, setCookies } = createVisit(request, body, state, behaviour.has)
    const answer = trouble(visit) ?? route(visit)?.(visit) ?? html(notFoundPage(visit), 404)
    if (setCookies.length > 0) response.setHeader('set-cookie', setCookies)
    send(response, record, spoil(visit, answer), behaviour.has('truncated') && isPdf(answer))
  }
}

/** An answer that comes instead of any page, when the mode wants one. */
function trouble(visit: Visit): Answer | undefined {
  const isApi = visit.path.startsWith('/api/') || visit.path === '/oauth/token'
  const say = (status: number, code: string, page: string, headers: Record<string, string>): Answer =>
    isApi
      ? json({ error: code }, status, headers)
      : { ...html(page, status), headers: { ...html('').headers, ...headers } }
  if (visit.has('maintenance')) {
    return say(503, 'maintenance', maintenancePage(visit), { 'retry-after': '3600' })
  }
  if (visit.has('error')) return say(500, 'internal_error', errorPage(visit), {})
  if (visit.has('rate-limited')) return say(429, 'rate_limited', errorPage(visit), { 'retry-after': '1' })
  if (visit.has('redirect-loop')) {
    return redirect(`${visit.path}?loop=${Number(visit.query.get('loop') ?? 0) + 1}`)
  }
  return undefined
}

function isPdf(answer: Answer): boolean {
  return answer.headers['content-type'] === 'application/pdf'
}

/** What the mode does to a good answer. */
function spoil(visit: Visit, answer: Answer): Answer {
  let { headers, body } = answer
  if (isPdf(answer)) {
    if (visit.has('html-instead-of-pdf')) return html(sorryInsteadOfPdf(visit))
    if (visit.has('empty-pdf')) body = Buffer.alloc(0)
    if (visit.has('half-pdf')) body = (body as Buffer).subarray(0, Math.floor(body.length / 2))
  }
  if (visit.has('latin1') && headers['content-type']?.startsWith('text/html')) {
    headers = { ...headers, 'content-type': 'text/html; charset=ISO-8859-1' }
    // What the charset lacks (€, narrow spaces, curly quotes) goes as numeric entities, as old sites do.
    const text = String(body).replace('charset="utf-8"', 'charset="iso-8859-1"')
    body = Buffer.from(
      text.replace(/[^\0-\xff]/gu, sign => `&#${sign.codePointAt(0)};`),
      'latin1',
    )
  }
  if (visit.has('gzip') && body.length > 0) {
    headers = { ...headers, 'content-encoding': 'gzip', vary: 'accept-encoding' }
    body = gzipSync(body)
  }
  return { ...answer, headers, body }
}

function send(response: ServerResponse, record: RequestRecord, answer: Answer, breakOff: boolean): void {
  const bytes = typeof answer.body === 'string' ? Buffer.from(answer.body) : answer.body
  record.status = answer.status
  response.writeHead(answer.status, { ...answer.headers, 'content-length': bytes.length })
  if (breakOff) {
    const half = bytes.subarray(0, Math.floor(bytes.length / 2))
    record.bytes = half.length
    response.write(half, () => response.destroy())
    return
  }
  record.bytes = bytes.length
  response.end(bytes)
}

async function readBody(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = []
  let size = 0
  for await (const part of request as AsyncIterable<Buffer>) {
    size += part.length
    if (size > MAX_BODY_BYTES) throw new Error(`Request body over ${MAX_BODY_BYTES} bytes`)
    parts.push(part)
  }
  return Buffer.concat(parts).toString('utf8')
}
