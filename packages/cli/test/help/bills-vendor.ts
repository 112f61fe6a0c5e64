import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface BillsVendor extends AsyncDisposable {
  url: string
  /** Numbers of the bills whose file was asked for, in order. */
  downloads: number[]
  /** Called at each of them, before it is answered. */
  onDownload: (count: number) => void
}

/** Content of the file of a bill: each has its own length, over several chunks for some. */
export function fileOf(bill: number): Buffer {
  return Buffer.concat([
    Buffer.from(`%PDF-1.4\nbill ${bill}\n`),
    Buffer.alloc(500 + bill * 613, 0x20),
    Buffer.from('%%EOF'),
  ])
}

/** A vendor with a list of bills and a file for each. */
export async function startBillsVendor(bills: number): Promise<BillsVendor> {
  const server = createServer((request, response) => {
    const number = /^\/bill\/(\d+)\.pdf$/.exec(request.url ?? '')?.[1]
    if (number !== undefined) {
      vendor.downloads.push(Number(number))
      vendor.onDownload(vendor.downloads.length)
      response.setHeader('content-type', 'application/pdf').end(fileOf(Number(number)))
      return
    }
    const list = Array.from({ length: bills }, (_, n) => ({
      vendorRef: `B${n}`,
      vendor: 'Tiny',
      amount: n + 0.5,
      date: new Date(Date.UTC(2020, 0, 1 + n)).toISOString(),
      filename: `bill-${n}.pdf`,
      fileurl: `${vendor.url}/bill/${n}.pdf`,
    }))
    response.setHeader('content-type', 'application/json').end(JSON.stringify(list))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const vendor: BillsVendor = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    downloads: [],
    onDownload: () => undefined,
    [Symbol.asyncDispose]: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  return vendor
}

/** Saves the bills `batch` at a time, after having told its process id. */
export function billsKonnector(batch: number): string {
  return `
const { BaseKonnector, requestFactory } = require('cozy-konnector-libs')
const request = requestFactory({ json: true, cheerio: false })
module.exports = new BaseKonnector(async function (fields, parameters) {
  console.log('KONNECTOR ' + process.pid)
  const bills = await request(parameters.url + '/bills.json')
  for (let at = 0; at < bills.length; at += ${batch}) {
    const some = bills.slice(at, at + ${batch}).map(bill => ({ ...bill, date: new Date(bill.date) }))
    await this.saveBills(some, fields, { fileIdAttributes: ['vendorRef'], keys: ['vendorRef'], linkBankOperations: false })
  }
})
`
}
