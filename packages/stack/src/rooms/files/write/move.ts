import type { DirectoryEntry, DirectoryRecord, Entry, FileEntry, FileRecord } from '../record.ts'
import { childPath } from './create-directory.ts'
import { insideItself, nameTaken } from './errors.ts'
import { checkPath } from './names.ts'
import { recordOf, type Tree } from './tree.ts'
import { longestPathBelow } from './tree-sql.ts'

/** A place in the tree. */
export interface Destination {
  parent: DirectoryEntry
  name: string
}

/**
 * Writes an entry at another place, with its other new members, and makes true whatever follows from the place: paths of
 * sub-directories, and whether files below are trashed. All in the transaction of the tree.
 * @param content what is written besides `name`, `dir_id`, `path`
 * @throws JsonApiError 409, 412 for a place inside itself, 422 for a path too deep or too long (not when `trashed` changes)
 */
export async function relocate(
  tree: Tree,
  entry: Entry,
  { parent, name }: Destination,
  content: FileRecord | DirectoryRecord,
  trashed?: boolean,
): Promise<Entry> {
  if (entry.type === 'file') {
    await assertFree(tree, entry, { parent, name })
    const { dir_id: _, ...kept } = content as FileRecord
    return tree.replace<FileRecord>(entry, {
      ...kept,
      name,
      dir_id: parent._id,
      ...(trashed !== undefined && { trashed }),
    })
  }
  if (parent._id === entry._id || parent.path.startsWith(`${entry.path}/`)) throw insideItself()
  await assertFree(tree, entry, { parent, name })
  const path = childPath(parent, name)
  // Going to the trash and back must always be possible; it adds some bytes, for which checkPath leaves room.
  if (trashed === undefined) await checkPathsBelow(tree, entry, path)
  const record = { ...(content as DirectoryRecord), name, dir_id: parent._id, path }
  const moved = await tree.replace<DirectoryRecord>(entry, record)
  await moveBranch(tree, moved, entry.path, trashed)
  return moved
}

async function assertFree(tree: Tree, entry: Entry, { parent, name }: Destination): Promise<void> {
  const there = await tree.child(parent._id, name)
  if (there && there._id !== entry._id) throw nameTaken()
}

async function checkPathsBelow(tree: Tree, directory: DirectoryEntry, path: string): Promise<void> {
  checkPath(path)
  const { bytes, depth } = await longestPathBelow(tree.run, tree.tenant.id, directory.path)
  const grows = Buffer.byteLength(path) - Buffer.byteLength(directory.path)
  const sinks = path.split('/').length - directory.path.split('/').length
  // As a path of the same length and depth.
  if (bytes > 0) checkPath(`${'/'.repeat(depth + sinks)}${'x'.repeat(Math.max(0, bytes + grows - depth - sinks))}`)
}

/** Brings a whole branch after its top, which is at its new place already. */
async function moveBranch(
  tree: Tree,
  top: DirectoryEntry,
  oldPath: string,
  trashed: boolean | undefined,
): Promise<void> {
  const setTrashed = async (ids: string[]) => {
    if (trashed === undefined) return
    for await (const files of tree.filesIn(ids)) {
      await tree.replaceAll(
        files
          .filter(file => file.trashed !== trashed)
          .map((entry: FileEntry) => ({ entry, record: { ...recordOf<FileRecord>(entry), trashed } })),
      )
    }
  }
  await setTrashed([top._id])
  if (top.path === oldPath) return
  for await (const directories of tree.directoriesBelow(oldPath)) {
    await tree.replaceAll(
      directories.map(entry => ({
        entry,
        record: { ...recordOf<DirectoryRecord>(entry), path: top.path + entry.path.slice(oldPath.length) },
      })),
    )
    await setTrashed(directories.map(({ _id }) => _id))
  }
}
