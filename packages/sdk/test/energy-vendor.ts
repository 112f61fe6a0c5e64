import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { startVendor, type VendorServer } from './vendor-server.ts'

export interface EnergyVendor extends VendorServer {
  /** How the site behaves from now on. */
  mode: { code?: string; down?: boolean; invoices: number }
  /** Forgets every session. */
  logEverybodyOut(): void
}

const PASSWORD = 'correct horse'

/** The vendor of `examples/energy`: a login with a cookie, an optional code by SMS, invoices with PDFs. */
export async function startEnergyVendor(): Promise<EnergyVendor> {
  const mode: EnergyVendor['mode'] = { invoices: 3 }
  const sessions = new Set<string>()
  const waiting = new Set<string>()
  const cookie = (request: IncomingMessage) => /sid=([^;]+)/.exec(request.headers.cookie ?? '')?.[1] ?? ''
  const json = (response: ServerResponse, status: number, body: unknown) =>
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
  const inside = (request: IncomingMessage, response: ServerResponse) => {
    if (mode.down) json(response, 503, { error: 'maintenance' })
    else if (!sessions.has(cookie(request))) json(response, 401, { error: 'login first' })
    else return true
    return false
  }
  const invoice = (index: number) => ({ id: `F${index}`, date: `2026-0${index + 1}-01`, total: 10 + index })

  const vendor = await startVendor({
    '/login': (_, response, body) => {
      if (mode.down) return json(response, 503, { error: 'maintenance' })
      if (new URLSearchParams(body).get('password') !== PASSWORD) return json(response, 401, { error: 'wrong' })
      const sid = randomUUID()
      ;(mode.code ? waiting : sessions).add(sid)
      response.setHeader('set-cookie', `sid=${sid}; Path=/; HttpOnly`)
      return json(response, 200, { step: mode.code ? 'code' : 'done' })
    },
    '/login/code': (request, response, body) => {
      if (!waiting.has(cookie(request)) || JSON.parse(body).code !== mode.code) return json(response, 403, {})
      sessions.add(cookie(request))
      return json(response, 200, { step: 'done' })
    },
    '/api/me': (request, response) => {
      if (inside(request, response)) json(response, 200, { first: 'Ada', last: 'L', email: 'ada@example.org' })
    },
    '/api/invoices': (request, response) => {
      if (inside(request, response))
        json(
          response,
          200,
          Array.from({ length: mode.invoices }, (_, i) => invoice(i)),
        )
    },
    ...Object.fromEntries(
      Array.from({ length: 9 }, (_, index) => [
        `/invoices/F${index}.pdf`,
        (request: IncomingMessage, response: ServerResponse) => {
          if (!inside(request, response)) return
          response.writeHead(200, { 'content-type': 'application/pdf' }).end(`%PDF-1.4\n% invoice ${index}\n%%EOF\n`)
        },
      ]),
    ),
  })
  return Object.assign(vendor, {
    mode,
    logEverybodyOut: () => sessions.clear(),
  })
}
