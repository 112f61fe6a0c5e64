import type { FileDocument } from '@konnectory/protocol'
import {
  DestinationError,
  type FileEntry,
  findFile,
  type SaveFilesOptions as SdkOptions,
  sanitizeFileName,
  saveFiles as sdkSaveFiles,
} from '@konnectory/sdk/save'
import type { DownloadOptions } from './download-entry.ts'
import { type AccountOptions, createSaveContext } from './save-context.ts'

export type { FileEntry } from '@konnectory/sdk/save'

/** The fields of the konnector, or (deprecated) the path of the destination folder alone. */
export type FolderFields = string | { folderPath?: string; [field: string]: unknown } | null | undefined

export interface SaveFilesOptions extends SdkOptions, AccountOptions, DownloadOptions {}

/**
 * Saves files that are not saved yet (`sdk/exports.md` section 8; how: `docs/reference/saving.md`).
 * Up to `options.concurrency` (default 4) files at a time; entries with a `fetchFile` one after the other unless
 * `concurrency` is given, because such functions often walk through the vendor's pages.
 * @returns the same entries, mutated; those with a saved file have `fileDocument`
 * @throws Error `DISK_QUOTA_EXCEEDED`, or when the destination folder cannot be used
 */
async function save(entries: FileEntry[], fields?: FolderFields, options: SaveFilesOptions = {}): Promise<FileEntry[]> {
  try {
    return await sdkSaveFiles(createSaveContext(options, 'saveFiles'), entries, toSdkOptions(fields, options))
  } catch (error) {
    throw withPrefix(error)
  }
}

/** The same options as the sdk knows them. */
export function toSdkOptions<T extends SaveFilesOptions>(fields: FolderFields, options: T): T {
  const folderPath = typeof fields === 'string' ? fields : fields?.folderPath
  return {
    ...options,
    folderPath: folderPath ?? options.folderPath,
    // Such a download is one wait for the whole file: silence cannot be told from length.
    ...(options.postProcessFile && options.stallTimeout === undefined ? { stallTimeout: 0 } : {}),
    fetchFileInTurn: options.concurrency === undefined,
  }
}

/** Upstream's words for an unusable folder; tools look for them. */
export function withPrefix(error: unknown): unknown {
  if (!(error instanceof DestinationError)) return error
  const message = `cozy-konnector-libs::saveFiles Error in getOrCreateDestinationPath. ${error.message}`
  return new Error(message, { cause: error.cause })
}

/**
 * The stored file of an entry, by its `fileIdAttributes`, else by its path; undefined when there is none.
 * @param options those of saveFiles, with `folderPath`; the account may also be in `sourceAccountOptions`
 */
async function getFileIfExists(
  entry: FileEntry,
  options: SaveFilesOptions & { sourceAccountOptions?: AccountOptions } = {},
): Promise<FileDocument | undefined> {
  const account = { ...options, ...options.sourceAccountOptions }
  return findFile(createSaveContext(account, 'saveFiles'), entry, options)
}

export const saveFiles = Object.assign(save, { getFileIfExists, sanitizeFileName })
