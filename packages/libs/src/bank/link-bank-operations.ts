import type { StackClient } from '@konnectory/client'
import { log } from '../log.ts'
import { getStackClient } from '../stack-client.ts'
import type { Bill } from './bank-types.ts'
import { Linker, type LinkLog, type LinkResult } from './linker.ts'
import { type LinkBankOperationsOptions, readLinkingOptions } from './linking-options.ts'

const NAMESPACE = 'linkBankOperations'

/** Where the operations are, and who is told; for tests and for callers that have a client already. */
export interface LinkingPlace {
  client: StackClient
  log: LinkLog
}

/**
 * Links bills to the bank operations that paid them. Rejects when something fails; `linkBankOperations` does not.
 * @param fields the konnector's fields (for `bank_identifier`)
 * @returns what was found, by id of the bill
 */
export async function linkBills(
  place: LinkingPlace,
  bills: Bill[],
  fields: object,
  options: LinkBankOperationsOptions = {},
): Promise<LinkResult> {
  const complete = readLinkingOptions(fields, options)
  return new Linker(place.client, place.log).linkBillsToOperations(bills, complete)
}

/**
 * The compatible call (`sdk/exports.md` section 14).
 * @param _doctype ignored: bills are always `io.cozy.bills`
 * @returns what was found; undefined, after one `warn`, when it failed. Never rejects.
 */
async function link(
  bills: Bill[],
  _doctype: string,
  fields: object,
  options: LinkBankOperationsOptions = {},
): Promise<LinkResult | undefined> {
  const tell: LinkLog = (level, message) => log(level, message, undefined, NAMESPACE)
  try {
    return await linkBills({ client: getStackClient(), log: tell }, bills, fields, options)
  } catch (error) {
    tell('warn', `Error in linkBankOperations: ${error instanceof Error ? error.message : error}`)
    return undefined
  }
}

export const linkBankOperations = Object.assign(link, { Linker })
