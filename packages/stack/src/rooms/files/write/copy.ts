import { badRequest } from '#ground/http/errors'
import type { Tenant } from '#ground/tenant'
import type { FileEntry, FileRecord } from '../record.ts'
import type { Caller } from './caller.ts'
import { doing, type WriteContext } from './context.ts'
import { newMetadata } from './cozy-metadata.ts'
import { extensionOf, fileType } from './mime.ts'
import { checkName, marked } from './names.ts'
import { makeRoom } from './quota.ts'
import { freeName } from './trash.ts'
import { recordOf } from './tree.ts'
import { words } from './words.ts'

/**
 * Copies a file; both share the stored bytes, each counts in the quota. Asks for GET on the source, which upstream does not,
 * and for POST at the new place.
 * @throws JsonApiError 400 for a directory, 404, 413, 422; HttpError 403
 */
export async function copyFile(
  context: WriteContext,
  tenant: Tenant,
  caller: Caller,
  id: string,
  { name, directoryId }: { name?: string | undefined; directoryId?: string | undefined },
): Promise<FileEntry> {
  const { quotaBytes } = await context.ownerOf(tenant)
  return context.inTree(tenant, async tree => {
    const source = await tree.must(id)
    await caller.assertMay('GET', source, () => tree.above(source))
    if (source.type !== 'file') throw badRequest('A directory cannot be copied')
    const parent = await tree.place(directoryId ?? source.dir_id)
    const wanted = name === undefined ? marked(source.name, ` (${words(tenant.locale).copy})`) : checkName(name)
    const target = { ...source, _id: undefined, name: wanted, dir_id: parent._id, referenced_by: [] }
    await caller.assertMay('POST', target, () => tree.above({ dir_id: parent._id }))

    const by = doing(context, tenant, caller)
    const { restore_path, referenced_by, ...kept } = recordOf<FileRecord>(source)
    const record: FileRecord = {
      ...kept,
      name: await freeName(tree, parent, wanted),
      dir_id: parent._id,
      created_at: by.now,
      updated_at: by.now,
      trashed: false,
      ...(extensionOf(wanted) !== extensionOf(source.name) && fileType(wanted)),
      cozyMetadata: newMetadata(by, true),
    }
    const copy = await tree.create(record)
    await makeRoom(tree, quotaBytes)
    return copy
  })
}
