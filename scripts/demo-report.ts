import type { Received, ReceivedBill } from './demo-received.ts'

export interface Arrival {
  before: Received
  after: Received
  /** Duration of the run. */
  seconds: number
  /** The folder as shown to people. */
  folder: string
}

/** Bills shown; there may be years of them. */
const SHOWN = 10

/** What a run brought, for people: a table of the newest bills with their files, or the honest "nothing new". */
export function describeArrival({ before, after, seconds, folder }: Arrival): string {
  const known = new Set(before.bills.map(({ _id }) => _id))
  const fresh = after.bills.filter(({ _id }) => !known.has(_id))
  const knownFiles = new Set(before.files.map(({ path }) => path))
  const freshFiles = after.files.filter(({ path }) => !knownFiles.has(path))
  const time = `${seconds.toFixed(1)} s`
  if (fresh.length === 0 && freshFiles.length === 0) {
    return after.bills.length === 0
      ? `Nothing arrived in ${time}, and ${folder} is empty: the vendor has no invoice for this customer.`
      : `Nothing new in ${time}: the ${count(after.bills.length, 'bill')} and ${count(after.files.length, 'file')} of before are still in ${folder}.
Delete that folder to see them arrive again.`
  }
  const size = total(freshFiles)
  return [
    `${count(fresh.length, 'bill')} and ${count(freshFiles.length, 'file')} (${bytes(size)}) arrived in ${time}:`,
    '',
    ...table(fresh, after),
    '',
    `The files are in ${folder}, the bills in ${folder}/importedData.json.`,
    ...folders(after, folder),
  ].join('\n')
}

function table(bills: ReceivedBill[], received: Received): string[] {
  const rows = [...bills]
    .sort((a, b) => (a.date < b.date ? 1 : -1))
    .slice(0, SHOWN)
    .map(bill => {
      const path = received.pathOf(bill.invoice)
      const file = received.files.find(candidate => candidate.path === path)
      return [bill.date.slice(0, 10), amount(bill), path ?? '(no file)', file ? bytes(file.bytes) : '']
    })
  const head = ['date', 'amount', 'file', 'size']
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map(row => row[column]!.length)))
  const isNumber = [false, true, false, true]
  const line = (cells: string[]) =>
    `  ${cells.map((cell, column) => (isNumber[column] ? cell.padStart(widths[column]!) : cell.padEnd(widths[column]!))).join('  ')}`.trimEnd()
  const more = bills.length > SHOWN ? [`  … and ${bills.length - SHOWN} more`] : []
  return [line(head), line(widths.map(width => '-'.repeat(width))), ...rows.map(line), ...more]
}

/** One line per folder that holds files. */
function folders({ files }: Received, root: string): string[] {
  const byFolder = new Map<string, typeof files>()
  for (const file of files) {
    const folder = file.path.split('/').slice(0, -1).join('/')
    byFolder.set(folder, [...(byFolder.get(folder) ?? []), file])
  }
  return [...byFolder].map(
    ([folder, members]) =>
      `  ${folder ? `${root}/${folder}` : root}: ${count(members.length, 'file')}, ${bytes(total(members))}`,
  )
}

function total(files: { bytes: number }[]): number {
  return files.reduce((sum, file) => sum + file.bytes, 0)
}

function amount({ amount: value, currency = 'EUR', isRefund }: ReceivedBill): string {
  return `${(isRefund ? -value : value).toFixed(2)} ${currency}`
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`
}

function bytes(number: number): string {
  return number < 1000 ? `${number} B` : `${(number / 1000).toFixed(1)} kB`
}
