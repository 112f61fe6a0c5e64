import { failedPrecondition, fileConflict, fileNotFound, invalidParameter } from '../http/errors.ts'
import { changedMetadata, newMetadata } from './cozy-metadata.ts'
import { notBefore } from './dates.ts'
import type { Received } from './disk.ts'
import type { FileRecord } from './file-record.ts'
import type { FilesStore } from './files-store.ts'
import { fileType } from './mime.ts'
import { checkName } from './names.ts'

/** What comes with the bytes of a file (`protocol/files.md` section 3). Dates are ISO 8601. */
export interface Upload {
  body: AsyncIterable<Uint8Array> | undefined
  contentType: string | undefined
  /** Base64. */
  contentMd5: string | undefined
  /** Bytes announced. */
  size: number | undefined
  executable: boolean
  encrypted: boolean
  tags: string[]
  metadata: Record<string, unknown> | undefined
  createdAt: string | undefined
  updatedAt: string | undefined
  sourceAccount: string | undefined
  sourceAccountIdentifier: string | undefined
  signal: AbortSignal | undefined
}

/** @throws ApiError 404 without such a directory, 409 when the name is taken, 412 when the bytes are not those announced, 422 */
export async function createFile(store: FilesStore, dirId: string, name: string, upload: Upload): Promise<FileRecord> {
  const directory = store.getDirectory(dirId)
  if (store.inTrash(directory)) throw fileNotFound()
  checkName(name)
  const type = fileType(name, upload.contentType)
  checkMd5Form(upload.contentMd5)
  checkPlace(store, directory, name)
  const received = await receive(store, upload)
  return settling(store, received, () => {
    // Asked again: the directory may have moved, and the name may have been taken, while the bytes came in.
    const place = checkPlace(store, store.getDirectory(dirId), name)
    store.settle(store.getDirectory(dirId))
    const now = store.now()
    const created = upload.createdAt ?? now
    const updated = upload.updatedAt ?? created
    // First the record: one without its file is forgotten at the next start, while a file without a record would be taken for the
    // author's own, and its name would be barred for ever.
    const record = store.add({
      type: 'file',
      name,
      dir_id: dirId,
      created_at: created,
      updated_at: notBefore(updated, created),
      size: String(received.size),
      md5sum: received.md5sum,
      ...type,
      executable: upload.executable,
      trashed: false,
      encrypted: upload.encrypted,
      ...described(upload),
      cozyMetadata: newMetadata({ ...upload, slug: store.options.slug, now }, true),
    })
    store.orUndo(
      () => store.disk.place(received.temporary, place),
      () => store.forget(record),
    )
    store.tell('created', record, received.size)
    return record
  })
}

/** New content for a file: name and place stay, metadata and tags are replaced (`protocol/files.md` section 5). */
export async function replaceFile(
  store: FilesStore,
  id: string,
  ifMatch: string | undefined,
  upload: Upload,
): Promise<FileRecord> {
  const first = store.get(id)
  if (first.type !== 'file') throw fileNotFound()
  checkMatch(first, ifMatch)
  const type = fileType(first.name, upload.contentType)
  checkMd5Form(upload.contentMd5)
  await store.checkUnchanged(first)
  const received = await receive(store, upload)
  return settling(store, received, () => {
    const before = store.get(id)
    checkMatch(before, ifMatch)
    store.checkOurs(before)
    const { _id, _rev, tags, metadata, ...kept } = before
    const now = store.now()
    const updated = upload.updatedAt ?? now
    const record = store.write(id, {
      ...kept,
      updated_at: notBefore(updated, before.created_at),
      size: String(received.size),
      md5sum: received.md5sum,
      ...type,
      executable: upload.executable,
      encrypted: upload.encrypted,
      ...described(upload),
      cozyMetadata: changedMetadata(before.cozyMetadata, { ...upload, slug: store.options.slug, now }, true),
    } as FileRecord)
    store.orUndo(
      () => store.disk.replace(received.temporary, store.componentsOf(before)),
      () => store.write(id, before),
    )
    store.tell('updated', record, received.size, before)
    return record
  })
}

/** @throws ApiError 412 when the record is at another revision */
export function checkMatch(record: FileRecord, ifMatch: string | undefined): void {
  if (ifMatch !== undefined && ifMatch !== record._rev) throw failedPrecondition('If-Match', 'Revision does not match')
}

function checkPlace(store: FilesStore, directory: FileRecord, name: string): string[] {
  const place = store.childPath(directory, name)
  store.checkNotReserved(place)
  const there = store.child(directory, name)
  if (there) {
    store.checkOurs(there)
    throw fileConflict()
  }
  return place
}

async function receive(store: FilesStore, upload: Upload): Promise<Received> {
  const received = await store.disk.receive(upload.body, upload.signal)
  const wrongSize = upload.size !== undefined && upload.size !== received.size
  const wrongSum =
    upload.contentMd5 !== undefined && withoutPadding(upload.contentMd5) !== withoutPadding(received.md5sum)
  if (!wrongSize && !wrongSum) return received
  store.disk.discard(received.temporary)
  if (wrongSum) throw failedPrecondition('Content-MD5', 'Invalid hash')
  throw failedPrecondition('Content-Length', `${received.size} bytes came where ${upload.size} were announced`)
}

/** Runs the step that puts the bytes in place; they are discarded when it fails. */
function settling(store: FilesStore, received: Received, step: () => FileRecord): FileRecord {
  try {
    return step()
  } catch (error) {
    store.disk.discard(received.temporary)
    throw error
  }
}

function described({ tags, metadata }: Upload): { tags?: string[]; metadata?: Record<string, unknown> } {
  return { ...(tags.length > 0 ? { tags } : {}), ...(metadata && Object.keys(metadata).length > 0 ? { metadata } : {}) }
}

function checkMd5Form(md5: string | undefined): void {
  if (md5 !== undefined && (md5.length < 22 || md5.length > 24))
    throw invalidParameter('Content-MD5', 'Given MD5 hash is invalid')
}

const withoutPadding = (base64: string) => base64.replace(/=+$/, '')
