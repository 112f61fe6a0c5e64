import type { Bill } from './bank-types.ts'

/** What konnectors pass (`sdk/exports.md` section 14). */
export interface LinkBankOperationsOptions {
  /** What the bank's label of an operation holds when it is the vendor's. Case does not matter. */
  identifiers?: string | string[]
  /** Currency units either side of the bill's amount. Default 0.001. */
  amountDelta?: number
  minAmountDelta?: number
  maxAmountDelta?: number
  /** Days before the bill. Default 15. */
  pastWindow?: number
  /** Days after the bill. Default 29. */
  futureWindow?: number
  /** Operations without a category are candidates too. */
  allowUncategorized?: boolean
  /** Bills that were deleted: taken out of the operations. */
  billsToRemove?: Bill[]
  [other: string]: unknown
}

/** The same, complete. */
export interface LinkingOptions {
  identifiers: string[]
  minAmountDelta: number
  maxAmountDelta: number
  pastWindow: number
  futureWindow: number
  allowUncategorized: boolean
  billsToRemove: Bill[]
}

/**
 * @param fields the konnector's; a `bank_identifier` filled in by the owner takes the place of the identifiers
 * @throws Error when there is no identifier at all
 */
export function readLinkingOptions(fields: object, options: LinkBankOperationsOptions): LinkingOptions {
  const own = (fields as { bank_identifier?: string | string[] }).bank_identifier
  const identifiers = own && own.length > 0 ? own : options.identifiers
  if (identifiers === undefined || identifiers === null || identifiers.length === 0) {
    throw new Error('linkBankOperations cannot be called without "identifiers" option')
  }
  // 0 counts as absent, as it always did: with it no amount would ever match.
  const delta = options.amountDelta || 0.001
  return {
    identifiers: [identifiers].flat().map(identifier => String(identifier).toLowerCase()),
    minAmountDelta: options.minAmountDelta || delta,
    maxAmountDelta: options.maxAmountDelta || delta,
    pastWindow: options.pastWindow || 15,
    futureWindow: options.futureWindow || 29,
    allowUncategorized: options.allowUncategorized ?? false,
    billsToRemove: options.billsToRemove ?? [],
  }
}
