import type { Document } from '@konnectory/protocol'
import type { FileEntry } from './file-entry.ts'
import { isDate } from './file-key.ts'

/** A bill as a konnector gives it (`manifest.md` 8.1), with what its file needs. */
export interface BillEntry extends FileEntry {
  vendor?: string
  date?: Date
  /** Never negative, refunds included. */
  amount?: number
  /** ISO 4217 or one of € $ £; default EUR. */
  currency?: string
  isRefund?: boolean
  matchingCriterias?: { labelRegex?: string; [criterion: string]: unknown }
  contractId?: string
  contractLabel?: string
  /** `io.cozy.files:<id>` */
  invoice?: string
}

const SIGNS: [sign: string, currency: string][] = [
  ['€', 'EUR'],
  ['$', 'USD'],
  ['£', 'GBP'],
]

/** EUR for none, the ISO code for a text with a sign in it, else the text itself. */
export function currencyOf(given: unknown): string {
  if (!given) return 'EUR'
  const text = String(given)
  return SIGNS.find(([sign]) => text.includes(sign))?.[1] ?? text
}

const REQUIRED: [attribute: string, check: string, fits: (value: unknown) => boolean][] = [
  ['date', 'isDate', isDate],
  ['amount', 'isNumber', value => typeof value === 'number' || value instanceof Number],
  ['vendor', 'isString', value => typeof value === 'string' || value instanceof String],
]

/** @throws when a bill lacks its date (a Date), amount (a number) or vendor (a string) */
export function checkBills(bills: readonly Document[]): void {
  for (const bill of bills) {
    for (const [attribute, check, fits] of REQUIRED) {
      const value = bill[attribute]
      if (value === null || value === undefined) {
        throw new Error(`saveBills: an entry is missing the required ${attribute} attribute`)
      }
      if (!fits(value)) throw new Error(`saveBills: an entry has a ${attribute} which does not respect ${check}`)
    }
  }
}

/** Turns an entry whose file is saved into the document to store. Mutates it. */
export function toBill(entry: BillEntry, banksTransactionRegExp: string | undefined): Document {
  entry.currency = currencyOf(entry.currency)
  entry.invoice = `io.cozy.files:${entry.fileDocument?._id}`
  if (banksTransactionRegExp && !entry.matchingCriterias?.labelRegex) {
    entry.matchingCriterias = { ...entry.matchingCriterias, labelRegex: banksTransactionRegExp }
  }
  delete entry.fileDocument
  delete entry.fileAttributes
  return entry as Document
}

/**
 * Is a stored bill to be written again? When its file is another one, when it has no `cozyMetadata`, and when it lacks
 * matching criteria that the new one has: without the last condition, bills of a vendor without criteria would be
 * written at every run (FIX-16).
 */
export function billNeedsUpdate(bill: Document, stored: Document): boolean {
  return (
    bill.invoice !== stored.invoice ||
    !stored.cozyMetadata ||
    (!stored.matchingCriterias && Boolean(bill.matchingCriterias))
  )
}
