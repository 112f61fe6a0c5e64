import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Line } from '../lib/report.ts'
import { runTree } from '../lib/tree-peak.ts'

const cli = join(import.meta.dirname, '../../packages/cli/src/bin.ts')

const source = `const { BaseKonnector, requestFactory, saveBills } = require('cozy-konnector-libs')
const request = requestFactory({ json: true, cheerio: false })
module.exports = new BaseKonnector(async function start(fields, parameters) {
  const bills = await request(parameters.url + '/bills.json')
  await this.saveBills(
    bills.map(bill => ({ ...bill, date: new Date(bill.date) })),
    fields,
    { fileIdAttributes: ['vendorRef'], keys: ['vendorRef'], linkBankOperations: false, contentType: 'application/pdf' }
  )
})
`
const manifest = {
  name: 'Growth',
  slug: 'growth',
  type: 'konnector',
  version: '1.0.0',
  editor: 'bench',
  icon: 'icon.svg',
  fields: { login: { type: 'text' } },
  permissions: {
    files: { type: 'io.cozy.files' },
    bills: { type: 'io.cozy.bills' },
    accounts: { type: 'io.cozy.accounts' },
  },
}
const pdf = Buffer.concat([Buffer.from('%PDF-1.4\n'), Buffer.alloc(20 * 1024, 0x20), Buffer.from('\n%%EOF\n')])

/** `konnectory standalone` over growing numbers of bills with a file each, from a vendor that answers at once. */
export async function standaloneGrowth(sizes: number[]): Promise<Line[]> {
  const counts = new Map<number, { wallMs: number; second: number; peaks: Record<string, number> }>()
  for (const size of sizes) counts.set(size, await measure(size))
  const first = sizes.at(-2)!
  const last = sizes.at(-1)!
  const lines: Line[] = sizes.flatMap(size => [
    { what: `standalone, ${size} bills with files, first run`, value: counts.get(size)!.wallMs, unit: 'ms' },
    {
      what: `standalone, ${size} bills, second run`,
      value: counts.get(size)!.second,
      unit: 'ms',
      against: { name: 'first run', value: counts.get(size)!.wallMs },
    },
  ])
  lines.push({
    what: `growth from ${first} to ${last} bills`,
    value: counts.get(last)!.wallMs,
    unit: 'ms',
    against: { name: `${first} bills`, value: counts.get(first)!.wallMs },
    limit: 6,
  })
  for (const [role, peak] of Object.entries(counts.get(last)!.peaks)) {
    lines.push({ what: `peak memory at ${last} bills, ${role}`, value: peak, unit: 'MB', limit: 150 })
  }
  return lines
}

async function measure(size: number) {
  const vendor = createServer((request, response) => {
    if (request.url === '/bills.json')
      response
        .setHeader('content-type', 'application/json')
        .end(JSON.stringify(bills(size, `http://${request.headers.host}`)))
    else response.setHeader('content-type', 'application/pdf').end(pdf)
  })
  await new Promise<void>(resolve => vendor.listen(0, '127.0.0.1', resolve))
  const root = mkdtempSync(join(tmpdir(), 'bench-growth-'))
  try {
    mkdirSync(join(root, 'src'))
    writeFileSync(join(root, 'src/index.js'), source)
    writeFileSync(join(root, 'manifest.konnector'), JSON.stringify(manifest))
    writeFileSync(join(root, 'icon.svg'), '<svg xmlns="http://www.w3.org/2000/svg"/>')
    const url = `http://127.0.0.1:${(vendor.address() as AddressInfo).port}`
    writeFileSync(
      join(root, 'konnector-dev-config.json'),
      JSON.stringify({ fields: { login: 'bench' }, COZY_PARAMETERS: { url } }),
    )
    const env = { PATH: process.env.PATH, HOME: root, NO_COLOR: '1' }
    const run = () =>
      runTree([cli, 'standalone', '--dir', 'data'], {
        cwd: root,
        env,
        role: line => (line.includes(cli) ? 'command' : 'konnector'),
      })
    const once = await run()
    const again = await run()
    for (const { code, output } of [once, again])
      if (code !== 0) throw new Error(`standalone ended with ${code}:\n${output}`)
    return { wallMs: once.wallMs, second: again.wallMs, peaks: once.peaks }
  } finally {
    vendor.closeAllConnections()
    vendor.close()
    rmSync(root, { recursive: true, force: true })
  }
}

function bills(size: number, vendor: string) {
  return Array.from({ length: size }, (_, index) => ({
    vendorRef: `B${index}`,
    vendor: 'Growth',
    amount: index + 0.5,
    date: new Date(Date.UTC(2020, 0, 1 + index)).toISOString(),
    filename: `bill-${index}.pdf`,
    fileurl: `${vendor}/bill/${index}.pdf`,
  }))
}
