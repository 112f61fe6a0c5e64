import type { Document } from '@konnectory/protocol'

export const OPERATIONS = 'io.cozy.bank.operations'
export const BILLS = 'io.cozy.bills'

/** What is read of a bill (`protocol/manifest.md` section 8.1). Dates are Dates, or anything `Date` can parse. */
export interface Bill extends Document {
  vendor?: string
  date?: Date | string
  amount?: number
  type?: string
  isRefund?: boolean
  isThirdPartyPayer?: boolean
  originalDate?: Date | string
  originalAmount?: number
  groupAmount?: number
  /** Only for bills to remove: id of the bill that takes its place. */
  original?: string
}

/** A line of a bank account; a negative amount is a debit (`protocol/manifest.md` section 8.4). */
export interface Operation extends Document {
  label?: string
  date?: Date | string
  amount?: number
  manualCategoryId?: string
  automaticCategoryId?: string
  /** `io.cozy.bills:<id>` */
  bills?: string[]
  reimbursements?: Reimbursement[]
}

export interface Reimbursement {
  billId?: string
  amount?: number
  operationId?: string | undefined
}

/** How a bill is written in an operation. */
export function billReference(id: string): string {
  return `${BILLS}:${id}`
}
