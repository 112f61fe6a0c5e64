import type { Bill } from './bank-types.ts'

/** Vendors that are paid several bills at once (`sdk/exports.md` section 14). */
const GROUPED_VENDORS = new Set(['Numéricable', 'Ameli', 'MGEN', 'Humanis'])

/** Several bills of this kind may have been paid by one operation. */
export function canBeGrouped(bill: Bill): boolean {
  const hasDate = bill.originalDate !== undefined || bill.date !== undefined
  return hasDate && (bill.type === 'health_costs' || (bill.vendor !== undefined && GROUPED_VENDORS.has(bill.vendor)))
}

/** Bills of one vendor on one date, in the order they came. */
export function groupBills(bills: Bill[]): Bill[][] {
  const groups = new Map<string, Bill[]>()
  for (const bill of bills) {
    if (!canBeGrouped(bill)) continue
    const time = new Date((bill.originalDate || bill.date) as Date | string).getTime()
    const key = JSON.stringify([time, bill.vendor])
    const group = groups.get(key)
    if (group) group.push(bill)
    else groups.set(key, [bill])
  }
  return [...groups.values()]
}

/** One bill that stands for all of them. Not saved: it is only compared with operations. */
export function combineBills(bills: Bill[]): Bill {
  const [first = {}] = bills
  const sum = (amountOf: (bill: Bill) => number | undefined) =>
    bills.reduce((total, bill) => total + (amountOf(bill) ?? 0), 0)
  const combined: Bill = {
    ...first,
    _id: ['combined', ...bills.map(bill => bill._id)].join(':'),
    amount: sum(bill => bill.amount),
  }
  if (bills.some(bill => bill.originalAmount)) combined.originalAmount = sum(bill => bill.originalAmount || bill.amount)
  else delete combined.originalAmount
  return combined
}
