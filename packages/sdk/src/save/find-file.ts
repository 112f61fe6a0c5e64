import type { FileDocument } from '@konnectory/protocol'
import type { SaveContext } from './context.ts'
import { joinPath } from './destination.ts'
import type { FileEntry, SaveFilesOptions } from './file-entry.ts'
import { nameFromUrl, sanitizeFileName } from './file-name.ts'
import { createKnownFiles } from './known-files.ts'
import { findExisting } from './save-files.ts'

/**
 * The stored file of one entry, if there is one, found as saveFiles finds it: by key, else by path. Writes nothing.
 */
export async function findFile(
  context: SaveContext,
  entry: FileEntry,
  options: SaveFilesOptions,
): Promise<FileDocument | undefined> {
  const sub = entry.contract?.name || options.contract?.name || entry.subPath || options.subPath
  const { filename, fileurl } = entry
  const given = filename ?? (typeof fileurl === 'string' ? nameFromUrl(fileurl) : undefined)
  const folder = { id: '', path: joinPath(options.folderPath, sub) }
  return findExisting(
    context,
    createKnownFiles(context, 1),
    folder,
    sanitizeFileName(String(given ?? '')),
    entry,
    options,
  )
}
