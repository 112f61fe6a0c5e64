import type { Documents } from '../documents/documents.ts'
import type { FilesStore } from '../files/files-store.ts'

/** What the routes work on. */
export interface StackContext {
  documents: Documents
  files: FilesStore
  now: () => Date
  slug: string | undefined
}
