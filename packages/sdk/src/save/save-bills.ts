import type { Document, Stored } from '@konnectory/protocol'
import { type BillEntry, billNeedsUpdate, checkBills, toBill } from './bill.ts'
import { cloneEntry } from './clone.ts'
import type { SaveContext } from './context.ts'
import { applyContracts } from './contracts.ts'
import type { SaveFilesOptions } from './file-entry.ts'
import type { Decision, HydrateOptions } from './hydrate.ts'
import { saveFiles } from './save-files.ts'
import { saveRecords } from './save-records.ts'

export const BILLS = 'io.cozy.bills'

/** The text of a PDF: all of it, and its items by page number. */
export interface PdfText {
  text: string
  [page: number]: unknown
}

export interface SaveBillsOptions extends SaveFilesOptions {
  /** Attributes that tell one bill from another, default date, amount and vendor. */
  keys?: readonly string[] | undefined
  /** All bills belong to this contract; its label (default the id) names their sub folder. */
  contractId?: string | undefined
  contractLabel?: string | undefined
  /** `(bill, stored)`: write this known bill again, beyond the reasons of our own? */
  shouldUpdate?: Decision | undefined
  shouldSave?: Decision | undefined
  /** Completes a bill from the text of its file; returned entries are added. An exception leaves the bill out. */
  processPdf?: ((entry: BillEntry, text: string, pages: PdfText) => unknown) | undefined
  /** Reads a stored PDF; needed for `processPdf`. */
  getPdfText?: ((fileId: string) => Promise<PdfText>) | undefined
}

export interface SavedBills {
  /** All bills whose file is saved, new or known; each has its `_id`. */
  bills: Stored[]
  /** The documents written in this call, as stored. */
  written: Stored[]
}

/**
 * Saves the files of bills, then the bills (`sdk/exports.md` section 9): one query and one write for all of them.
 * @param inputEntries not changed
 * @throws for a bill without date, amount or vendor. By then the files are saved: the check comes after, so that one
 *   mistaken entry does not cost the others their files (the next run finds them), and because `processPdf` may be what
 *   fills the attributes in
 */
export async function saveBills(
  context: SaveContext,
  inputEntries: readonly BillEntry[],
  inputOptions: SaveBillsOptions,
): Promise<SavedBills> {
  const { entries, options } = applyContracts(context, inputEntries.map(cloneEntry), inputOptions)
  const saved = (await saveFiles(context, entries, options)) as BillEntry[]
  const all = options.processPdf ? await readPdfs(context, saved, options) : saved
  const bills = all
    .filter(entry => entry.fileDocument)
    .map(entry => toBill(entry, context.manifest.banksTransactionRegExp))
  checkBills(bills)
  const written = await saveRecords(context, bills, BILLS, { ...recordOptions(options), keys: options.keys })
  return { bills: bills as Stored[], written }
}

function recordOptions({ shouldSave, shouldUpdate }: SaveBillsOptions): HydrateOptions {
  return {
    shouldSave,
    async shouldUpdate(bill: Document, stored: Document) {
      if (billNeedsUpdate(bill, stored)) return true
      // Called plainly, in both forms, as saveBills always did; a method of the entry is left to `hydrate`.
      return shouldUpdate ? shouldUpdate(bill, stored) : false
    },
  }
}

async function readPdfs(context: SaveContext, entries: BillEntry[], options: SaveBillsOptions): Promise<BillEntry[]> {
  const { processPdf, getPdfText } = options
  if (!processPdf || !getPdfText) throw new Error('saveBills: processPdf needs a reader of PDF text')
  const kept: BillEntry[] = []
  const added: BillEntry[] = []
  for (const entry of entries) {
    try {
      if (entry.fileDocument) {
        const pages = await getPdfText(entry.fileDocument._id)
        const more = await processPdf(entry, pages.text, pages)
        if (Array.isArray(more)) added.push(...(more as BillEntry[]))
      }
      kept.push(entry)
    } catch (error) {
      context.signal?.throwIfAborted()
      context.log('warn', `processPdf failed for ${entry.fileDocument?.name}: ${(error as Error)?.message ?? error}`)
    }
  }
  return [...kept, ...added]
}
