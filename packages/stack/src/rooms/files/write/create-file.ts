import type { Tenant } from '#ground/tenant'
import { ancestorsOf } from '../read/tree-store.ts'
import type { DirectoryEntry, FileEntry, FileRecord } from '../record.ts'
import type { Caller } from './caller.ts'
import { doing, type WriteContext } from './context.ts'
import { newMetadata } from './cozy-metadata.ts'
import { notBefore } from './dates.ts'
import { fileMissing, nameTaken } from './errors.ts'
import { fileType } from './mime.ts'
import { checkName } from './names.ts'
import { makeRoom, roomFor } from './quota.ts'
import { type Content, checkMd5Form, withContent } from './receive.ts'
import { isPlace, readEntry } from './tree.ts'
import { childOf } from './tree-sql.ts'

/** What a new file or directory may say of itself. Dates are ISO 8601 in UTC. */
export interface About {
  tags?: string[] | undefined
  metadata?: Record<string, unknown> | undefined
  createdAt?: string | undefined
  updatedAt?: string | undefined
  sourceAccount?: string | undefined
  sourceAccountIdentifier?: string | undefined
}

export interface FileAbout extends About {
  executable?: boolean | undefined
  encrypted?: boolean | undefined
}

export interface NewFile extends Content, FileAbout {
  name: string
}

/**
 * Creates a file from a stream (`protocol/files.md` §3). Bytes come in without holding anything; then one transaction makes
 * the file appear, if its place is still there, still permitted and still free.
 * @throws JsonApiError 404 without such a place, 409 when the name is taken, 412, 413, 422; HttpError 403
 */
export async function createFile(
  context: WriteContext,
  tenant: Tenant,
  caller: Caller,
  directoryId: string,
  file: NewFile,
): Promise<FileEntry> {
  const name = checkName(file.name)
  const type = fileType(name, file.contentType)
  checkMd5Form(file.contentMd5)
  const target = { type: 'file' as const, name, dir_id: directoryId, tags: file.tags ?? [], ...type }

  await placeOf(context, tenant, directoryId)
  await caller.assertMay('POST', target, () => ancestorsOf(context.run, tenant.id, directoryId))
  if (await childOf(context.run, tenant.id, directoryId, name)) throw nameTaken()
  const room = await roomFor(context, tenant)
  room.check(file.size ?? 0)

  return withContent(context, tenant, file, { type, room }, ({ blob, metadata }) =>
    context.inTree(tenant, async tree => {
      const place = await tree.place(directoryId)
      await caller.assertMay('POST', target, () => tree.above({ dir_id: place._id }))
      if (await tree.child(place._id, name)) throw nameTaken()
      const by = doing(context, tenant, caller, file)
      const given = file.createdAt ?? by.now
      const created = typeof metadata.datetime === 'string' ? metadata.datetime : given
      const record: FileRecord = {
        type: 'file',
        name,
        dir_id: place._id,
        created_at: created,
        updated_at: notBefore(file.updatedAt ?? given, created),
        size: String(blob.size),
        md5sum: blob.md5,
        ...type,
        executable: file.executable ?? false,
        trashed: false,
        encrypted: file.encrypted ?? false,
        ...described(file, metadata),
        cozyMetadata: newMetadata(by, true),
        internal_blob: blob.key,
      }
      const entry = await tree.create(record)
      await makeRoom(tree, room.quotaBytes)
      return entry
    }),
  )
}

/** Tags and metadata as they are stored: nothing for empty ones. Given metadata goes before what the content tells. */
export function described(
  { tags = [], metadata = {} }: Pick<About, 'tags' | 'metadata'>,
  extracted: Record<string, unknown> = {},
): Pick<FileRecord, 'tags' | 'metadata'> {
  const all = { ...extracted, ...metadata }
  return { ...(tags.length > 0 && { tags }), ...(Object.keys(all).length > 0 && { metadata: all }) }
}

/** Asked before the content comes in. @throws JsonApiError 404 */
async function placeOf(context: WriteContext, tenant: Tenant, id: string): Promise<DirectoryEntry> {
  const entry = await readEntry(context.ground.documents.of(tenant), id)
  if (!isPlace(entry)) throw fileMissing()
  return entry
}
