import type { DirectoryEntry, Entry } from '../record.ts'
import { builtIn } from './errors.ts'
import { isBuiltIn, type Tree } from './tree.ts'

/**
 * Removes an entry with all below it and all old contents, from anywhere in the tree; every document leaves its tombstone.
 * Contents go after the commit.
 * @throws HttpError 403 for the root and the trash
 */
export async function destroyEntry(tree: Tree, entry: Entry): Promise<void> {
  if (isBuiltIn(entry)) throw builtIn()
  if (entry.type === 'file') {
    await tree.remove([entry])
    await tree.removeVersions(await tree.versions([entry._id]))
    return
  }
  const directories: DirectoryEntry[] = [entry]
  for await (const batch of tree.directoriesBelow(entry.path)) directories.push(...batch)
  const fileIds: string[] = []
  for (const ids of chunks(directories.map(({ _id }) => _id))) {
    for await (const files of tree.filesIn(ids)) {
      await tree.remove(files)
      fileIds.push(...files.map(({ _id }) => _id))
    }
  }
  // From the leaves up: whoever follows the changes never sees a directory without its parent.
  await tree.remove(directories.reverse())
  for (const ids of chunks(fileIds)) await tree.removeVersions(await tree.versions(ids))
}

function chunks<T>(items: T[], size = 500): T[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, index) =>
    items.slice(index * size, (index + 1) * size),
  )
}
