import type { Body, DocumentTransaction } from '#ground/documents/contract'
import type { DocumentEvent } from './rules.ts'

const FILES = 'io.cozy.files'
const TRASH_ID = 'io.cozy.files.trash-dir'

/**
 * Whether a file or directory, as it is or as it was, lies below one of some directories. What is in the trash counts where it
 * was before.
 */
export async function liesBelow(
  reader: Pick<DocumentTransaction, 'getMany'>,
  { doctype, now, before }: DocumentEvent,
  directories: string[],
): Promise<boolean> {
  if (doctype !== FILES) return false
  const found = await reader.getMany(FILES, directories)
  const paths = found.flatMap(document => {
    const { type, path } = document && !document.deleted ? document.body : {}
    return type === 'directory' && typeof path === 'string' ? [path] : []
  })
  if (paths.length === 0) return false
  for (const item of [now, before]) {
    const folder = item && (await folderOf(reader, item))
    if (folder !== undefined && paths.some(path => isIn(folder, path))) return true
  }
  return false
}

const isIn = (folder: string, path: string) => path === '/' || folder === path || folder.startsWith(`${path}/`)

/** Path of the directory an item is in; where that is the trash, of the one it was in. */
async function folderOf(reader: Pick<DocumentTransaction, 'getMany'>, item: Body): Promise<string | undefined> {
  if (typeof item.restore_path === 'string' && item.restore_path !== '') return item.restore_path
  if (item.type === 'directory') {
    const path = typeof item.path === 'string' ? item.path : ''
    return path === '/' ? undefined : path.slice(0, path.lastIndexOf('/')) || '/'
  }
  if (typeof item.dir_id !== 'string') return undefined
  const [parent] = await reader.getMany(FILES, [item.dir_id])
  // Deeper in the trash nothing has a path of its own any more.
  if (!parent || parent.id === TRASH_ID) return undefined
  return typeof parent.body.path === 'string' ? parent.body.path : undefined
}

/** An upload that has not ended: there is nothing yet to tell of. */
export const isUnfinishedUpload = ({ doctype, now, verb }: DocumentEvent, rev: string): boolean =>
  doctype === FILES && verb !== 'DELETED' && now?.type === 'file' && now.trashed === true && rev.startsWith('1-')
