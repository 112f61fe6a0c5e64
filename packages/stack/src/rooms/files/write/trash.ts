import { randomBytes } from 'node:crypto'
import { badRequest } from '#ground/http/errors'
import type { DirectoryEntry, DirectoryRecord, Entry, FileRecord } from '../record.ts'
import { TRASH_ID } from '../record.ts'
import type { Caller } from './caller.ts'
import { doing, type Owner, type WriteContext } from './context.ts'
import { restoredMetadata, trashedMetadata } from './cozy-metadata.ts'
import { addDirectory, childPath, walk } from './create-directory.ts'
import { builtIn, inTrashAlready, notInTrash } from './errors.ts'
import { relocate } from './move.ts'
import { marked, pathComponents } from './names.ts'
import { isBuiltIn, recordOf, type Tree } from './tree.ts'

/** What is put behind a name that is taken in the trash, ` (t-0123456789ab)`; not what a person would end a name with. */
const MARK = / \(t-[0-9a-f]{12}\)(?=\.[^.]*$|$)/

/**
 * Puts an entry into the trash; files below a directory are trashed with it (`protocol/files.md` §6).
 * @throws JsonApiError 400 when it is there already; HttpError 403 for root and trash
 */
export async function trashEntry(
  context: Pick<WriteContext, 'ground'>,
  tree: Tree,
  caller: Caller,
  entry: Entry,
  { publicName }: Owner,
): Promise<Entry> {
  if (isBuiltIn(entry)) throw builtIn()
  if (await tree.isTrashed(entry)) throw inTrashAlready()
  const from = (await tree.must(entry.dir_id)) as DirectoryEntry
  const trash = (await tree.must(TRASH_ID)) as DirectoryEntry
  const by = doing(context, tree.tenant, caller)
  const content = {
    ...recordOf<FileRecord | DirectoryRecord>(entry),
    restore_path: from.path,
    cozyMetadata: trashedMetadata(entry.cozyMetadata, by, publicName),
  }
  return relocate(tree, entry, { parent: trash, name: await nameInTrash(tree, entry.name) }, content, true)
}

async function nameInTrash(tree: Tree, name: string): Promise<string> {
  let free = name
  while (await tree.child(TRASH_ID, free)) free = marked(name, ` (t-${randomBytes(6).toString('hex')})`)
  return free
}

/**
 * Takes an entry out of the trash to where it was. Directories that are gone are made again; where a file is in their way, it
 * goes to the deepest one that is there. What lies in a trashed directory goes to its place in that directory's old place.
 * @throws JsonApiError 400 for what is not in the trash
 */
export async function restoreEntry(context: WriteContext, tree: Tree, caller: Caller, entry: Entry): Promise<Entry> {
  if (isBuiltIn(entry)) throw builtIn()
  if (!(await tree.isTrashed(entry))) throw notInTrash()
  const { path, name } = await oldPlace(tree, entry)
  const parent = await ensurePath(context, tree, caller, path)
  const by = doing(context, tree.tenant, caller)
  const { restore_path, ...kept } = recordOf<FileRecord | DirectoryRecord>(entry)
  const content = { ...kept, cozyMetadata: restoredMetadata(entry.cozyMetadata, by) } as FileRecord | DirectoryRecord
  return relocate(tree, entry, { parent, name: await freeName(tree, parent, name) }, content, false)
}

async function oldPlace(tree: Tree, entry: Entry): Promise<{ path: string; name: string }> {
  if (entry.dir_id === TRASH_ID) return { path: entry.restore_path ?? '/', name: unmarked(entry.name) }
  const above = await tree.above(entry)
  const top = above.find(({ dir_id }) => dir_id === TRASH_ID)
  const parent = above.find(({ _id }) => _id === entry.dir_id)
  if (!top || !parent) throw badRequest('The directory it was trashed with is gone')
  const oldTop = childPath({ path: top.restore_path ?? '/' }, unmarked(top.name))
  return { path: oldTop + parent.path.slice(top.path.length), name: entry.name }
}

const unmarked = (name: string) => name.replace(MARK, '')

async function ensurePath(context: WriteContext, tree: Tree, caller: Caller, path: string): Promise<DirectoryEntry> {
  const { directory, missing, inTheWay } = await walk(tree, pathComponents(path))
  if (inTheWay) return directory
  let current = directory
  for (const name of missing) current = await addDirectory(context, tree, caller, current, name)
  return current
}

/** `name`, else `name (2)` and so on. */
export async function freeName(tree: Tree, parent: DirectoryEntry, name: string): Promise<string> {
  let free = name
  for (let number = 2; await tree.child(parent._id, free); number++) free = marked(name, ` (${number})`)
  return free
}
