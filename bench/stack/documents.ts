import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type Load, load, requestBytes } from '../lib/load.ts'
import type { Line } from '../lib/report.ts'

const CONNECTIONS = 32
const BILL = {
  vendor: 'acme',
  amount: 42.5,
  currency: 'EUR',
  date: '2026-01-31T00:00:00.000Z',
  filename: '2026-01_acme.pdf',
  isRefund: false,
  subtype: 'invoice',
  vendorRef: 'F-2026-01-0001',
}

/** GET, POST and PUT of a document, each against the floor in the same run. */
export async function documents({
  port,
  token,
  duration,
}: {
  port: number
  token: string
  duration: number
}): Promise<Line[]> {
  const headers = {
    host: 'localhost',
    authorization: `Bearer ${token}`,
    accept: 'application/json',
    'content-type': 'application/json',
  }
  const base = `http://localhost:${port}/data/io.cozy.bills/`
  const made = await (await fetch(base, { method: 'POST', headers, body: JSON.stringify(BILL) })).json()
  const shown = await (await fetch(base + made.id, { headers })).text()
  const get = requestBytes('GET', `/data/io.cozy.bills/${made.id}`, headers)
  const post = requestBytes('POST', '/data/io.cozy.bills/', headers, JSON.stringify(BILL))

  const run = (to: number, request: (n: number) => Buffer, expect: number) =>
    load({ port: to, request, connections: CONNECTIONS, duration, expect })
  await using peer = await startPeer(shown)
  const floorGet = await run(peer.port, () => get, 200)
  const ourGet = await run(port, () => get, 200)
  const floorPost = await run(peer.port, () => post, 201)
  const ourPost = await run(port, () => post, 201)
  const floorPut = await run(
    peer.port,
    () => requestBytes('PUT', '/data/io.cozy.bills/x', headers, JSON.stringify(BILL)),
    200,
  )
  const ourPut = await updates(port, headers, duration)
  return [
    line('GET a document', ourGet, floorGet, 0.3),
    line('POST a document (durable)', ourPost, floorPost, 0.15),
    line('PUT with its revision (durable)', ourPut, floorPut),
  ]
}

/** Each connection has a document of its own and goes on from the revision it was given. */
async function updates(port: number, headers: Record<string, string>, duration: number): Promise<Load> {
  const one = async () => {
    const created = await (
      await fetch(`http://localhost:${port}/data/io.cozy.bills/`, {
        method: 'POST',
        headers,
        body: JSON.stringify(BILL),
      })
    ).json()
    return { id: created.id as string, rev: created.rev as string }
  }
  const slots = await Promise.all(Array.from({ length: CONNECTIONS }, one))
  const times: number[] = []
  const until = performance.now() + duration
  await Promise.all(
    slots.map(async slot => {
      const { Agent, request } = await import('node:http')
      const agent = new Agent({ keepAlive: true, maxSockets: 1 })
      while (performance.now() < until) {
        const started = performance.now()
        slot.rev = await new Promise<string>((resolve, reject) => {
          const body = JSON.stringify({ ...BILL, _id: slot.id, _rev: slot.rev })
          request(
            {
              host: '127.0.0.1',
              port,
              path: `/data/io.cozy.bills/${slot.id}`,
              method: 'PUT',
              agent,
              headers: { ...headers, 'content-length': Buffer.byteLength(body) },
            },
            answer => {
              let text = ''
              answer.setEncoding('utf8').on('data', chunk => (text += chunk))
              answer.once('end', () =>
                answer.statusCode === 200 ? resolve(JSON.parse(text).rev) : reject(new Error(text)),
              )
            },
          )
            .once('error', reject)
            .end(body)
        })
        times.push(performance.now() - started)
      }
      agent.destroy()
    }),
  )
  const sorted = times.sort((a, b) => a - b)
  const at = (part: number) => sorted[Math.floor(sorted.length * part)] ?? Number.NaN
  return { perSecond: (times.length / duration) * 1000, p50: at(0.5), p99: at(0.99), requests: times.length }
}

function line(what: string, ours: Load, floor: Load, atLeast?: number): Line {
  return {
    what,
    value: ours.perSecond,
    unit: 'req/s',
    against: { name: 'bare Fastify', value: floor.perSecond },
    note: `p50 ${ours.p50.toFixed(1)} ms, p99 ${ours.p99.toFixed(1)} ms`,
    ...(atLeast !== undefined && { atLeast }),
  }
}

async function startPeer(text: string): Promise<AsyncDisposable & { port: number }> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'peer.ts'), text], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const first = await new Promise<string>(resolve => createInterface({ input: child.stdout }).once('line', resolve))
  return {
    port: Number(new URL(JSON.parse(first).url).port),
    async [Symbol.asyncDispose]() {
      const ended = new Promise(resolve => child.once('exit', resolve))
      child.kill('SIGTERM')
      await ended
    },
  }
}
