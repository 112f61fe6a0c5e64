import { type Bill, billReference, type Operation } from './bank-types.ts'
import type { LinkingOptions } from './linking-options.ts'

/** Which line of the bank account is looked for: what the owner paid, or what came back. */
export type Side = 'debit' | 'credit'

const HEALTH_EXPENSE = '400610'
const HEALTH_INSURANCE = '400620'
const UNCATEGORIZED = '0'
const DAY = 86_400_000

/** Vendors whose bills belong to health operations (`sdk/exports.md` section 14). */
const HEALTH_VENDORS = new Set([
  'Ameli',
  'Harmonie',
  'Malakoff Mederic',
  'MGEN',
  'Generali',
  'ascoreSante',
  'EoviMCD',
  'Humanis',
  'Alan',
  'lamutuellegenerale',
])

/** The amount the operation should have; negative for a debit. */
export function expectedAmount(bill: Bill, side: Side): number {
  return side === 'credit' ? bill.groupAmount || bill.amount || 0 : -(bill.originalAmount || bill.amount || 0)
}

/** Epoch milliseconds of the day the operation should be near; NaN when the bill has no usable date. */
export function expectedTime(bill: Bill, side: Side): number {
  const date = side === 'credit' ? bill.date : bill.originalDate || bill.date
  return date === undefined ? Number.NaN : new Date(date).getTime()
}

/** Everything but the amount: what the operations of one group of bills have in common. */
export function isCandidate(bill: Bill, operation: Operation, side: Side, options: LinkingOptions): boolean {
  const expected = expectedTime(bill, side)
  const time = new Date(operation.date ?? Number.NaN).getTime()
  if (!(time > expected - options.pastWindow * DAY && time < expected + options.futureWindow * DAY)) return false
  if (!hasRightCategory(bill, operation, options.allowUncategorized)) return false
  // The category alone says enough of what a health expense is; its label names a doctor, not the insurance.
  return (side === 'debit' && isHealthBill(bill)) || hasIdentifier(operation, options.identifiers)
}

/** The amount is the bill's, within the tolerance. */
export function hasRightAmount(bill: Bill, operation: Operation, side: Side, options: LinkingOptions): boolean {
  const expected = expectedAmount(bill, side)
  const amount = operation.amount ?? Number.NaN
  return amount > expected - options.minAmountDelta && amount < expected + options.maxAmountDelta
}

/** Half a cent of floating point error must not make a full reimbursement look like too much. */
const ROUNDING = 1e-6

/** What was reimbursed already, and this bill, do not exceed the expense. The bill's own reimbursement, from an earlier run, does not count. */
export function hasRoomFor(bill: Bill, operation: Operation): boolean {
  const own = bill._id === undefined ? undefined : billReference(bill._id)
  const others = (operation.reimbursements ?? []).filter(item => own === undefined || item.billId !== own)
  const total = others.reduce((sum, item) => sum + (item.amount ?? 0), 0)
  return total + (bill.amount ?? 0) <= -(operation.amount ?? 0) + ROUNDING
}

/** The operation of this side that fits the bill best, or undefined. */
export function findOperation(
  bill: Bill,
  operations: Operation[],
  side: Side,
  options: LinkingOptions,
): Operation | undefined {
  let best: { operation: Operation; distance: number } | undefined
  for (const operation of operations) {
    if (!hasRightAmount(bill, operation, side, options) || !isCandidate(bill, operation, side, options)) continue
    if (side === 'debit' && !hasRoomFor(bill, operation)) continue
    const distance = distanceTo(bill, operation)
    if (best === undefined || distance < best.distance) best = { operation, distance }
  }
  return best?.operation
}

/**
 * 0.7 × days apart + 0.3 × amount apart, from the debit's day and amount for credits too (`sdk/exports.md` section 14):
 * the same operations are chosen as ever, and a second run finds the first one's.
 */
export function distanceTo(bill: Bill, operation: Operation): number {
  const days = Math.abs(new Date(operation.date ?? Number.NaN).getTime() - expectedTime(bill, 'debit')) / DAY
  return 0.7 * days + 0.3 * Math.abs((operation.amount ?? 0) - expectedAmount(bill, 'debit'))
}

function isHealthBill(bill: Bill): boolean {
  return bill.vendor !== undefined && HEALTH_VENDORS.has(bill.vendor)
}

/** Health bills match health operations, other bills match the others. */
export function hasRightCategory(bill: Bill, operation: Operation, allowUncategorized: boolean): boolean {
  const category = String(operation.manualCategoryId || operation.automaticCategoryId || UNCATEGORIZED)
  if (allowUncategorized && category === UNCATEGORIZED) return true
  const isDebit = (operation.amount ?? 0) < 0
  const isHealth = category === HEALTH_EXPENSE || (!isDebit && category === HEALTH_INSURANCE)
  return isHealthBill(bill) === isHealth
}

export function hasIdentifier(operation: Operation, identifiers: string[]): boolean {
  const label = (operation.label ?? '').toLowerCase()
  return identifiers.some(identifier => label.includes(identifier.toLowerCase()))
}
