import type { Tenant } from '#ground/tenant'
import type { DirectoryEntry, DirectoryRecord } from '../record.ts'
import { ROOT_ID } from '../record.ts'
import type { Caller } from './caller.ts'
import { doing, type WriteContext } from './context.ts'
import { newMetadata } from './cozy-metadata.ts'
import { type About, described } from './create-file.ts'
import { notBefore } from './dates.ts'
import { fileMissing, nameTaken } from './errors.ts'
import { checkName, checkPath, pathComponents } from './names.ts'
import type { Tree } from './tree.ts'
import { isPlace } from './tree.ts'

/** @throws JsonApiError 404 without such a parent, 409 when the name is taken, 422 for a bad name; HttpError 403 */
export function createDirectory(
  context: WriteContext,
  tenant: Tenant,
  caller: Caller,
  parentId: string,
  name: string,
  about: About = {},
): Promise<DirectoryEntry> {
  checkName(name)
  return context.inTree(tenant, async tree => {
    const parent = await tree.place(parentId)
    await assertMayCreate(tree, caller, parent, name, about)
    if (await tree.child(parent._id, name)) throw nameTaken()
    return addDirectory(context, tree, caller, parent, name, about)
  })
}

/**
 * By path: the last component, or with `recursive` all that are missing; an existing directory is then a success.
 *
 * Upstream asks for no permission here. We ask for POST on the first directory to create; with nothing to create, for the
 * right to read or create in what is shown.
 * @throws JsonApiError 400 for a relative path, 404 for a missing parent, 409 when it exists or a file is in the way;
 *   HttpError 403
 */
export function createDirectoryAt(
  context: WriteContext,
  tenant: Tenant,
  caller: Caller,
  path: string,
  { recursive, about = {} }: { recursive: boolean; about?: About },
): Promise<DirectoryEntry> {
  const names = pathComponents(path)
  return context.inTree(tenant, async tree => {
    const { directory: deepest, missing, inTheWay } = await walk(tree, names)
    if (missing.length === 0) {
      await caller.assertMay(['GET', 'POST'], deepest, () => tree.above(deepest))
      if (!recursive) throw nameTaken()
      return deepest
    }
    // Before anything is said of what is there.
    await assertMayCreate(tree, caller, deepest, missing[0]!, missing.length === 1 ? about : {})
    if (inTheWay) throw nameTaken()
    if (missing.length > 1 && !recursive) throw fileMissing()
    if (!isPlace(deepest)) throw fileMissing()
    let current = deepest
    for (const [index, name] of missing.entries()) {
      const isLast = index === missing.length - 1
      current = await addDirectory(context, tree, caller, current, name, isLast ? about : sourcesOf(about))
    }
    return current
  })
}

/** How far a path exists. @returns the deepest directory, the names that are missing below it, whether a file is in the way */
export async function walk(
  tree: Tree,
  names: string[],
): Promise<{ directory: DirectoryEntry; missing: string[]; inTheWay: boolean }> {
  const whole = names.length > 0 ? await tree.at(`/${names.join('/')}`) : undefined
  if (whole) return { directory: whole, missing: [], inTheWay: false }
  const root = await tree.must(ROOT_ID)
  let directory = root as DirectoryEntry
  for (const [depth, name] of names.entries()) {
    const child = await tree.child(directory._id, name)
    if (child?.type !== 'directory') {
      return { directory, missing: names.slice(depth), inTheWay: child !== undefined }
    }
    directory = child
  }
  return { directory, missing: [], inTheWay: false }
}

/** Adds a directory whose name is free. */
export async function addDirectory(
  context: Pick<WriteContext, 'ground'>,
  tree: Tree,
  caller: Caller,
  parent: DirectoryEntry,
  name: string,
  about: About & { references?: DirectoryRecord['referenced_by'] } = {},
  id?: string,
): Promise<DirectoryEntry> {
  const by = doing(context, tree.tenant, caller, about)
  const created = about.createdAt ?? by.now
  const record: DirectoryRecord = {
    type: 'directory',
    name,
    dir_id: parent._id,
    path: checkPath(childPath(parent, name)),
    created_at: created,
    updated_at: notBefore(about.updatedAt ?? created, created),
    ...described(about),
    ...(about.references && { referenced_by: about.references }),
    cozyMetadata: newMetadata(by, false),
  }
  return tree.create(record, id)
}

export const childPath = ({ path }: Pick<DirectoryEntry, 'path'>, name: string) =>
  path === '/' ? `/${name}` : `${path}/${name}`

/** The right to create is asked of the new item, so that rights on the parent apply. */
async function assertMayCreate(
  tree: Tree,
  caller: Caller,
  parent: DirectoryEntry,
  name: string,
  { tags = [] }: About,
): Promise<void> {
  const target = { type: 'directory' as const, name, dir_id: parent._id, tags }
  await caller.assertMay('POST', target, () => tree.above({ dir_id: parent._id }))
}

const sourcesOf = ({ sourceAccount, sourceAccountIdentifier }: About): About => ({
  sourceAccount,
  sourceAccountIdentifier,
})
