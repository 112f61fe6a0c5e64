import type { Stored } from '@konnectory/protocol'
import {
  applyContracts,
  BILLS,
  type BillEntry,
  type SaveBillsOptions as SdkOptions,
  saveBills as sdkSaveBills,
} from '@konnectory/sdk/save'
import type { Bill } from './bank/bank-types.ts'
import { linkBankOperations } from './bank/link-bank-operations.ts'
import type { LinkResult } from './bank/linker.ts'
import type { LinkBankOperationsOptions } from './bank/linking-options.ts'
import type { DownloadOptions } from './download-entry.ts'
import { log } from './log.ts'
import { getPdfText } from './pdf-text.ts'
import { type AccountOptions, createSaveContext } from './save-context.ts'
import { type FolderFields, toSdkOptions, withPrefix } from './save-files.ts'

export interface SaveBillsOptions extends SdkOptions, AccountOptions, DownloadOptions, LinkBankOperationsOptions {
  /** false: bills are not linked to bank operations. */
  linkBankOperations?: boolean
}

/**
 * Saves the files of bills, then the bills, then links them to bank operations (`sdk/exports.md` section 9).
 * @param inputEntries not changed
 * @returns what linking found, by id of the bill (undefined when linking failed); with `linkBankOperations: false` the
 *   documents that were written; undefined when there is nothing to save
 * @throws when a bill lacks its date, amount or vendor; what saveFiles throws
 */
async function save(
  inputEntries: BillEntry[],
  fields: FolderFields | undefined,
  options: SaveBillsOptions & { linkBankOperations: false },
): Promise<Stored[] | undefined>
async function save(
  inputEntries: BillEntry[],
  fields?: FolderFields,
  options?: SaveBillsOptions,
): Promise<LinkResult | Stored[] | undefined>
async function save(
  inputEntries: BillEntry[],
  fields?: FolderFields,
  inputOptions: SaveBillsOptions = {},
): Promise<LinkResult | Stored[] | undefined> {
  if (!Array.isArray(inputEntries) || inputEntries.length === 0) {
    log('warn', 'No bills to save', undefined, 'saveBills')
    return undefined
  }
  const options = { getPdfText, ...toSdkOptions(fields, inputOptions) }
  const { bills, written } = await savedBills(inputEntries, options)
  if (options.linkBankOperations === false) return written
  const linkingFields = typeof fields === 'object' && fields !== null ? fields : { folderPath: fields }
  return linkBankOperations(bills as Bill[], BILLS, linkingFields, options)
}

async function savedBills(entries: BillEntry[], options: SaveBillsOptions) {
  try {
    return await sdkSaveBills(createSaveContext(options, 'saveBills'), entries, options)
  } catch (error) {
    throw withPrefix(error)
  }
}

/**
 * Upstream's name for the handling of contracts; konnectors' tests call it.
 * @returns `{entries, options}`, see `applyContracts` of the sdk
 */
function manageContractsData(entries: BillEntry[], options: SaveBillsOptions = {}) {
  return applyContracts({ log: (level, message) => log(level, message, undefined, 'saveBills') }, entries, options)
}

export const saveBills = Object.assign(save, { manageContractsData })
