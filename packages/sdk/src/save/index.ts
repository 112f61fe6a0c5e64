export { type BillEntry, currencyOf } from './bill.ts'
export type {
  Bytes,
  Downloaded,
  DownloadRequest,
  LogLevel,
  SaveContext,
  SaveManifest,
  SaveProgress,
} from './context.ts'
export { applyContracts, type ContractOptions } from './contracts.ts'
export { accountMetadata, getCozyMetadata, writtenMetadata } from './cozy-metadata.ts'
export { DestinationError } from './destination.ts'
export { downloadedBody } from './file-body.ts'
export type { Contract, FileEntry, FileEntryAttributes, SaveFilesOptions, ShouldReplaceFile } from './file-entry.ts'
export { BAD_DOWNLOADED_FILE, DiskQuotaError, FileError } from './file-error.ts'
export { fileKey } from './file-key.ts'
export { sanitizeFileName } from './file-name.ts'
export { findFile } from './find-file.ts'
export { downloadByFetch, fromResponse } from './get-file.ts'
export { getPath } from './get-path.ts'
export { type Decision, type Hydrated, type HydrateOptions, hydrate } from './hydrate.ts'
export { type Contact, cleanContact, IDENTITIES, type Identity, saveIdentity, trimTexts } from './identity.ts'
export { contentTypeOfName, typeOfName } from './mime-types.ts'
export { BILLS, type PdfText, type SaveBillsOptions, type SavedBills, saveBills } from './save-bills.ts'
export { DEFAULT_CONCURRENCY, saveFiles } from './save-files.ts'
export { saveRecords } from './save-records.ts'
export { sniff } from './sniff.ts'
export { updateOrCreate } from './update-or-create.ts'
export { BULK_SIZE, WriteError, writeDocuments } from './write-documents.ts'
