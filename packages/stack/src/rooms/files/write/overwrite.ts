import type { Tenant } from '#ground/tenant'
import { ancestorsOf } from '../read/tree-store.ts'
import type { FileEntry, FileRecord } from '../record.ts'
import type { Caller } from './caller.ts'
import { doing, type WriteContext } from './context.ts'
import { changedMetadata } from './cozy-metadata.ts'
import { described, type FileAbout } from './create-file.ts'
import { notBefore } from './dates.ts'
import { fileMissing } from './errors.ts'
import { fileType } from './mime.ts'
import { makeRoom, roomFor } from './quota.ts'
import { type Content, checkMd5Form, withContent } from './receive.ts'
import { readEntry, recordOf } from './tree.ts'
import { checkRevision, keepVersion } from './versions.ts'

export interface NewContent extends Content, FileAbout {
  /** The revision that must be current. */
  rev?: string | undefined
}

/**
 * New content for a file (`protocol/files.md` §5). Name, place, references and creation stay; metadata and tags are those given
 * now **[compat]**. The old content becomes a version, unless the new one is the same.
 * @throws JsonApiError 404 also for a directory, 412, 413, 422; HttpError 403
 */
export async function overwriteFile(
  context: WriteContext,
  tenant: Tenant,
  caller: Caller,
  id: string,
  content: NewContent,
): Promise<FileEntry> {
  const first = await readEntry(context.ground.documents.of(tenant), id)
  if (first?.type !== 'file') throw fileMissing()
  await assertMayReplace(caller, first, content, () => ancestorsOf(context.run, tenant.id, first.dir_id))
  checkRevision(first, content.rev)
  const type = fileType(first.name, content.contentType)
  checkMd5Form(content.contentMd5)
  const room = await roomFor(context, tenant, Number(first.size))
  room.check(content.size ?? 0)

  return withContent(context, tenant, content, { type, room }, ({ blob, metadata: extracted }) =>
    context.inTree(tenant, async tree => {
      const file = await tree.mustFile(id)
      await assertMayReplace(caller, file, content, () => tree.above(file))
      checkRevision(file, content.rev)
      if (file.md5sum !== blob.md5) await keepVersion(tree, file)
      const by = doing(context, tenant, caller, content)
      const { tags, metadata, ...kept } = recordOf<FileRecord>(file)
      const entry = await tree.replace<FileRecord>(file, {
        ...kept,
        updated_at: notBefore(content.updatedAt ?? by.now, file.created_at),
        size: String(blob.size),
        md5sum: blob.md5,
        // By the name it has now: it may have been renamed while the bytes came in.
        ...fileType(file.name, content.contentType),
        executable: content.executable ?? false,
        encrypted: content.encrypted ?? false,
        ...described(content, extracted),
        cozyMetadata: changedMetadata(file.cozyMetadata, by, true),
        internal_blob: blob.key,
      })
      await makeRoom(tree, room.quotaBytes, blob.size > Number(file.size))
      return entry
    }),
  )
}

/** The right is asked of the file as it is and as it will be. */
async function assertMayReplace(
  caller: Caller,
  file: FileEntry,
  { tags = [], contentType }: NewContent,
  above: Parameters<Caller['assertMay']>[2],
): Promise<void> {
  await caller.assertMay('PUT', file, above)
  await caller.assertMay('PUT', { ...file, tags, ...fileType(file.name, contentType) }, above)
}
