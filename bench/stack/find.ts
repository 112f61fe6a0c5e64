import { load, requestBytes } from '../lib/load.ts'
import type { Line } from '../lib/report.ts'

const DOCTYPE = 'io.cozy.bank.operations'
const VENDORS = 50

/** `_find` by two fields, sorted by a third, limit 100, on a small and a large collection: the second must cost the same. */
export async function find({
  ports,
  duration,
  sizes,
}: {
  ports: { port: number; small: string; large: string }
  duration: number
  sizes: [number, number]
}): Promise<Line[]> {
  const { port } = ports
  const measured: { perSecond: number; p50: number; p99: number }[] = []
  for (const [index, token] of [ports.small, ports.large].entries()) {
    const host = index === 0 ? 'small.example' : 'large.example'
    const headers = {
      host,
      authorization: `Bearer ${token}`,
      accept: 'application/json',
      'content-type': 'application/json',
    }
    await fill(port, headers, sizes[index]!)
    const fields = ['vendor', 'kind', 'date']
    await ask(port, headers, `/data/${DOCTYPE}/_index`, { index: { fields }, ddoc: 'by_vendor_kind_date' })
    // Every answer is full: as many documents match in the small collection as in the large one are returned.
    const body = (n: number) =>
      JSON.stringify({
        selector: { vendor: `vendor-${n % (index === 0 ? 1 : VENDORS)}`, kind: 'debit', date: { $gt: null } },
        sort: fields.map(field => ({ [field]: 'desc' })),
        use_index: '_design/by_vendor_kind_date',
        limit: 100,
      })
    const probe = (await ask(port, headers, `/data/${DOCTYPE}/_find`, JSON.parse(body(0)))) as { docs: unknown[] }
    if (probe.docs.length !== 100) throw new Error(`the bench's _find gives ${probe.docs.length} documents, not 100`)
    measured.push(
      await load({
        port,
        request: n => requestBytes('POST', `/data/${DOCTYPE}/_find`, headers, body(n)),
        connections: 32,
        duration,
        expect: 200,
      }),
    )
  }
  const [small, large] = measured as [(typeof measured)[0], (typeof measured)[0]]
  return [
    {
      what: `_find 2 fields + sort, limit 100, of ${sizes[1]}`,
      value: large.p50,
      unit: 'ms',
      against: { name: `of ${sizes[0]}`, value: small.p50 },
      limit: 2,
      note: `${Math.round(large.perSecond)} req/s, p99 ${large.p99.toFixed(1)} ms`,
    },
  ]
}

async function fill(port: number, headers: Record<string, string>, size: number): Promise<void> {
  const vendors = size <= 1000 ? 2 : VENDORS
  for (let from = 0; from < size; from += 1000) {
    const docs = Array.from({ length: Math.min(1000, size - from) }, (_, offset) => {
      const n = from + offset
      return {
        vendor: `vendor-${n % vendors}`,
        kind: n % 4 === 3 ? 'credit' : 'debit',
        date: new Date(1.6e12 + n * 3_600_000).toISOString(),
        amount: n / 100,
        label: `operation ${n} of a bank, with a label as long as they are`,
      }
    })
    await ask(port, headers, `/data/${DOCTYPE}/_bulk_docs`, { docs })
  }
}

async function ask(port: number, headers: Record<string, string>, path: string, body: object): Promise<unknown> {
  const { request } = await import('node:http')
  return new Promise((resolve, reject) => {
    const bytes = JSON.stringify(body)
    request(
      {
        host: '127.0.0.1',
        port,
        path,
        method: 'POST',
        headers: { ...headers, 'content-length': Buffer.byteLength(bytes) },
      },
      answer => {
        let text = ''
        answer.setEncoding('utf8').on('data', chunk => (text += chunk))
        answer.once('end', () =>
          (answer.statusCode ?? 500) < 300
            ? resolve(JSON.parse(text))
            : reject(new Error(`${path}: ${answer.statusCode} ${text}`)),
        )
      },
    )
      .once('error', reject)
      .end(bytes)
  })
}
