import type { Stored } from '@konnectory/protocol'
import type { FileRecord } from './files/file-record.ts'

/** A document was written or deleted. Accounts come without their `auth` and `oauth`: events are made to be printed. */
export interface DocumentEvent {
  kind: 'document'
  action: 'created' | 'updated' | 'deleted'
  doctype: string
  /** The document as stored; for a deletion, its last state. */
  doc: Stored
  /** What it was before an update. */
  before?: Stored
}

/** A file or directory (`file.type`) changed. Going to the trash is `deleted`, coming back is `created`. */
export interface FileEvent {
  kind: 'file'
  action: 'created' | 'updated' | 'deleted'
  file: FileRecord
  before?: FileRecord
  /** Path in the stack: `/invoices/a.pdf`. For a deletion, where it was. */
  path: string
  /** Absolute path on this machine. */
  diskPath: string
  /** Bytes of content written by this very action: 0 for directories, renames, deletions. */
  bytes: number
}

export type StackEvent = DocumentEvent | FileEvent
