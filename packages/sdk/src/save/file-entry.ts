import type { FileDocument } from '@konnectory/protocol'

/** One file to save, with whatever else the konnector knows of it (`sdk/exports.md` section 8). The object is mutated. */
export interface FileEntry {
  /** Address to download, or a function of the entry that gives it. */
  fileurl?: string | ((entry: FileEntry, options: SaveFilesOptions) => string | undefined) | undefined
  filename?: string | ((entry: FileEntry, options: SaveFilesOptions) => string | undefined) | undefined
  /** Former name: a file of that name in the folder is renamed to `filename`. */
  shouldReplaceName?: string | ((entry: FileEntry, options: SaveFilesOptions) => string | undefined) | undefined
  requestOptions?: unknown
  /** Bytes, text, stream, promise of one of these, or a function of the entry that gives one; needs `filename`. */
  filestream?: unknown
  /** Called only when the file is needed; gives what `filestream` may hold. */
  fetchFile?: ((entry: FileEntry) => unknown) | undefined
  shouldReplaceFile?: ShouldReplaceFile | undefined
  fileAttributes?: FileEntryAttributes | undefined
  /** Sub folder of the destination. */
  subPath?: string | undefined
  contract?: Contract | undefined
  /** The saved file; `undefined` when it could not be saved. */
  fileDocument?: FileDocument | undefined
  [attribute: string]: unknown
}

/** What is written beside the bytes. */
export interface FileEntryAttributes {
  metadata?: Record<string, unknown> | undefined
  contentType?: string | undefined
  executable?: boolean | undefined
  created_at?: string | Date | undefined
  createdAt?: string | Date | undefined
  updated_at?: string | Date | undefined
  updatedAt?: string | Date | undefined
  /** Sets both dates when they are not given. */
  lastModifiedDate?: string | Date | undefined
  [attribute: string]: unknown
}

/** One of several contracts of an account: it gets a sub folder of its name. */
export interface Contract {
  id?: string | undefined
  name?: string | undefined
}

export type ShouldReplaceFile = (file: FileDocument, entry: FileEntry) => boolean | Promise<boolean>

export interface SaveFilesOptions {
  /** Absolute path of the destination folder. */
  folderPath?: string | undefined
  /** Names of the attributes whose values identify a file for ever, wherever the user moves it. */
  fileIdAttributes?: readonly string[] | undefined
  /** Epoch milliseconds after which no file is started; default: the context's deadline. */
  timeout?: number | undefined
  /** Entries treated at the same time, default 4. */
  concurrency?: number | undefined
  /** Tries per file, default 1. */
  retry?: number | undefined
  /** Milliseconds between two tries, default 1000. */
  retryInterval?: number | undefined
  /** Milliseconds without a byte after which a download is given up (and tried again, if tries are left); default 60,000, 0: never. */
  stallTimeout?: number | undefined
  /** Content type of every file; `true`: by the extension of its name. */
  contentType?: string | true | undefined
  shouldReplaceFile?: ShouldReplaceFile | undefined
  /** Is this stored file good? Anything but a function means the default check (size and type). */
  validateFile?: ((file: FileDocument) => boolean | Promise<boolean>) | boolean | undefined
  /** `true`: the first bytes must be of the type the name promises; or a function of the stored file. */
  validateFileContent?: ((file: FileDocument) => boolean | Promise<boolean>) | boolean | undefined
  /** For the entries that have none of their own. */
  fetchFile?: ((entry: FileEntry) => unknown) | undefined
  subPath?: string | undefined
  contract?: Contract | undefined
  postProcess?: ((entry: FileEntry) => unknown) | undefined
  /** The final count is logged at `warn`. */
  verboseFilesLog?: boolean | undefined
  /** Entries with a `fetchFile` are treated one after the other, whatever `concurrency` says. */
  fetchFileInTurn?: boolean | undefined
  [option: string]: unknown
}
