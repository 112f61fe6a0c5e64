import { findDuplicates, sortBillsByLinkedOperationNumber } from './duplicates.ts'
import { formatDate } from './format-date.ts'
import { getPdfText } from './pdf-text.ts'
import { batchDelete, batchUpdateAttributes, fetchAll, queryAll } from './whole-doctype.ts'

/** The `utils` export (`sdk/exports.md` section 19). */
export const utils = {
  fetchAll,
  queryAll,
  findDuplicates,
  sortBillsByLinkedOperationNumber,
  batchUpdateAttributes,
  batchDelete,
  getPdfText,
  formatDate,
}
