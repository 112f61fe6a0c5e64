import type { DocumentTransaction } from '#ground/documents/contract'
import type { Tenant } from '#ground/tenant'
import type { DirectoryEntry, DirectoryRecord } from '../record.ts'
import { FILES, ROOT_ID, TRASH_ID, TRASH_PATH } from '../record.ts'
import { type Caller, SERVER } from './caller.ts'
import type { WriteContext } from './context.ts'
import { addDirectory } from './create-directory.ts'
import { freeName } from './trash.ts'
import { openTree, type Tree } from './tree.ts'
import { words } from './words.ts'

const ADMINISTRATIVE = { type: 'io.cozy.apps', id: 'io.cozy.apps/administrative' }
const SHARED_DRIVES_ID = 'io.cozy.files.shared-drives-dir'

/**
 * The directories every instance begins with (`protocol/files.md` §1), in the transaction that makes it.
 * @param withFolders without, there are root and trash only, and the root has the reference of the administrative folder
 */
export async function createFirstDirectories(
  context: Pick<WriteContext, 'ground'>,
  instance: Tenant,
  writer: DocumentTransaction,
  withFolders = true,
): Promise<void> {
  const now = context.ground.clock.now().toISOString()
  const dates = { created_at: now, updated_at: now }
  const root: DirectoryRecord = {
    type: 'directory',
    name: '',
    dir_id: '',
    path: '/',
    ...dates,
    ...(!withFolders && { referenced_by: [ADMINISTRATIVE] }),
  }
  const trash: DirectoryRecord = {
    type: 'directory',
    name: TRASH_PATH.slice(1),
    dir_id: ROOT_ID,
    path: TRASH_PATH,
    ...dates,
  }
  await writer.write(FILES, [
    { id: ROOT_ID, body: { ...root } },
    { id: TRASH_ID, body: { ...trash } },
  ])
  if (!withFolders) return
  const tree = await openTree(writer)
  const parent = await tree.place(ROOT_ID)
  const { administrative, photos } = words(instance.locale)
  await addDirectory(context, tree, SERVER, parent, administrative, { references: [ADMINISTRATIVE] })
  await addDirectory(context, tree, SERVER, parent, photos)
}

/** The directory of shared drives, made when it is asked for the first time. @throws HttpError 403 */
export async function ensureSharedDrives(context: WriteContext, tree: Tree, caller: Caller): Promise<DirectoryEntry> {
  const root = await tree.place(ROOT_ID)
  const name = words(tree.tenant.locale).sharedDrives
  await caller.assertMay('POST', { type: 'directory', name, dir_id: ROOT_ID }, async () => [root])
  const there = await tree.get(SHARED_DRIVES_ID)
  if (there?.type === 'directory') return there
  return addDirectory(context, tree, caller, root, await freeName(tree, root, name), {}, SHARED_DRIVES_ID)
}
