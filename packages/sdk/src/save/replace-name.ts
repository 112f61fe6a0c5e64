import { isStatus } from '@konnectory/client'
import type { SaveContext } from './context.ts'
import type { FileEntry } from './file-entry.ts'
import { sanitizeFileName } from './file-name.ts'
import type { Folder, KnownFiles } from './known-files.ts'

/**
 * Renames the file that has the entry's former name (`shouldReplaceName`) to its `filename`
 * (`sdk/exports.md` section 8, step 3.2). When the new name is taken, the old file is redundant and goes to the trash.
 * @throws when the entry has no filename
 */
export async function replaceName(
  context: SaveContext,
  known: KnownFiles,
  folder: Folder,
  entry: FileEntry,
): Promise<void> {
  const { filename } = entry
  if (typeof filename !== 'string' || !filename)
    throw new Error('shouldReplaceName needs a filename: the new name of the file')
  const name = sanitizeFileName(filename)
  const files = await known.inFolder(folder)
  const old = files.find(file => file.name === entry.shouldReplaceName && file.type !== 'directory' && !file.trashed)
  if (!old || old.name === name) return
  context.log('info', `Renaming ${old.name} to ${name}`)
  try {
    known.remember(await context.client.files.updateAttributes(old._id, { name }))
  } catch (error) {
    if (!isStatus(error, 409)) throw error
    context.log('warn', `${name} exists already: removing ${old.name}`)
    await context.client.files.trash(old._id)
  }
}
