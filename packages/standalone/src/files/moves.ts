import { ApiError, failedPrecondition, fileConflict, fileNotFound } from '../http/errors.ts'
import { changedMetadata } from './cozy-metadata.ts'
import { notBefore } from './dates.ts'
import { createDirectoryAt } from './directories.ts'
import { type FileRecord, isBuiltIn, TRASH_DIR_ID, TRASH_NAME } from './file-record.ts'
import type { FilesStore } from './files-store.ts'
import { fileType } from './mime.ts'
import { checkName, pathComponents } from './names.ts'

/** What `PATCH /files/:id` may change (`protocol/files.md` section 5); other members are ignored. */
export interface AttributeChanges {
  name?: string
  dir_id?: string
  tags?: string[]
  updated_at?: string
  executable?: boolean
  encrypted?: boolean
  class?: string
  metadata?: Record<string, unknown>
  favorite?: boolean
}

export async function changeAttributes(store: FilesStore, id: string, changes: AttributeChanges): Promise<FileRecord> {
  const first = store.get(id)
  const name = changes.name === undefined ? first.name : checkName(changes.name)
  const moves = name !== first.name || (changes.dir_id !== undefined && changes.dir_id !== first.dir_id)
  if (moves) {
    checkMovable(first)
    if (store.inTrash(first)) throw inTrashAlready()
    await checkAllOurs(store, first)
  }
  const before = store.get(id)
  const updated = changes.updated_at ?? store.now()
  if (updated < before.created_at && changes.updated_at !== undefined) {
    throw new ApiError(422, 'Invalid Parameter', 'updated_at is before created_at', { parameter: 'UpdatedAt' })
  }
  if (moves) move(store, before, changes.dir_id ?? before.dir_id, name)
  const typed = before.type === 'file' && (extension(name) !== extension(before.name) || changes.class !== undefined)
  const { _id, _rev, ...kept } = store.get(id)
  const cozyMetadata = changedMetadata(before.cozyMetadata, { slug: store.options.slug, now: store.now() }, false)
  const record = store.write(id, {
    ...kept,
    updated_at: notBefore(updated, before.created_at),
    ...(typed ? fileType(name) : {}),
    ...(changes.tags ? { tags: changes.tags.length > 0 ? changes.tags : undefined } : {}),
    ...(changes.metadata ? { metadata: changes.metadata } : {}),
    ...(before.type === 'file' && changes.executable !== undefined ? { executable: changes.executable } : {}),
    ...(before.type === 'file' && changes.encrypted !== undefined ? { encrypted: changes.encrypted } : {}),
    cozyMetadata: changes.favorite === undefined ? cozyMetadata : { ...cozyMetadata, favorite: changes.favorite },
  } as FileRecord)
  store.tell('updated', record, 0, before)
  return record
}

/** Into the trash directory, `.cozy_trash` on disk: nothing is lost. @throws ApiError 400 when it is there already */
export async function trash(store: FilesStore, id: string): Promise<FileRecord> {
  const first = store.get(id)
  checkMovable(first)
  if (store.inTrash(first)) throw inTrashAlready()
  await checkAllOurs(store, first)
  const before = store.get(id)
  const restorePath = store.pathOf(store.get(before.dir_id))
  const trashDirectory = store.get(TRASH_DIR_ID)
  if (store.disk.isFree([TRASH_NAME])) store.disk.makeDirectory([TRASH_NAME])
  if (!store.disk.look([TRASH_NAME])?.isDirectory())
    throw fileConflict(`/${TRASH_NAME} is not a directory: move it away`)
  let name = before.name
  while (!store.disk.isFree([TRASH_NAME, name]))
    name = `${before.name} (${store.documents.ids.next('trash').slice(0, 10)})`
  const path = store.pathOf(before)
  move(store, before, trashDirectory._id, name)
  const now = store.now()
  const { _id, _rev, ...kept } = store.get(id)
  const record = store.write(id, {
    ...kept,
    restore_path: restorePath,
    ...(kept.type === 'file' ? { trashed: true } : {}),
    cozyMetadata: { ...changedMetadata(before.cozyMetadata, { slug: store.options.slug, now }, false), trashedAt: now },
  } as unknown as FileRecord)
  setTrashed(store, record, true)
  store.options.onEvent({
    kind: 'file',
    action: 'deleted',
    file: record,
    before,
    path,
    diskPath: store.disk.path(pathComponents(path)),
    bytes: 0,
  })
  return record
}

/** Back to where it was; missing parents are made again, a taken name gets a number. @throws ApiError 400 when it is not in the trash */
export function restore(store: FilesStore, id: string): FileRecord {
  const before = store.get(id)
  if (before.dir_id !== TRASH_DIR_ID) throw new ApiError(400, 'Bad Request', 'File or directory is not in the trash')
  const nothing = {
    tags: [],
    metadata: undefined,
    createdAt: undefined,
    updatedAt: undefined,
    sourceAccount: undefined,
    sourceAccountIdentifier: undefined,
  }
  const parent = createDirectoryAt(store, before.restore_path ?? '/', true, nothing)
  const original = before.name.replace(/ \([0-9a-f]{10}\)$/, '')
  let name = original
  for (let copy = 2; !store.disk.isFree(store.childPath(parent, name)); copy++) name = numbered(original, copy)
  move(store, before, parent._id, name)
  const { _id, _rev, restore_path, ...kept } = store.get(id)
  const { trashedAt, ...cozyMetadata } = kept.cozyMetadata ?? {}
  const record = store.write(id, {
    ...kept,
    ...(kept.type === 'file' ? { trashed: false } : {}),
    cozyMetadata,
  } as FileRecord)
  setTrashed(store, record, false)
  store.tell('created', record, 0, before)
  return record
}

/** Gone at once with its content, trash or not. @returns its last state */
export async function destroy(store: FilesStore, id: string): Promise<FileRecord> {
  const first = store.get(id)
  checkMovable(first)
  await checkAllOurs(store, first)
  const record = store.get(id)
  const told = { path: store.pathOf(record), diskPath: store.disk.path(store.componentsOf(record)) }
  removeContent(store, record)
  store.forget(record)
  store.options.onEvent({ kind: 'file', action: 'deleted', file: record, ...told, bytes: 0 })
  return record
}

function removeContent(store: FilesStore, record: FileRecord): void {
  if (record.type === 'file') {
    store.disk.removeFile(store.componentsOf(record))
    return
  }
  for (const child of store.childrenOf(record._id)) removeContent(store, child)
  store.disk.removeDirectory(store.componentsOf(record))
}

function move(store: FilesStore, record: FileRecord, dirId: string, name: string): void {
  const directory = store.getDirectory(dirId)
  const from = store.componentsOf(record)
  const to = store.childPath(directory, name)
  if (store.inTrash(directory)) throw fileNotFound()
  if (record.type === 'directory' && from.every((part, depth) => to[depth] === part)) {
    throw failedPrecondition('dir-id', 'A directory cannot be moved inside itself')
  }
  store.checkNotReserved(to)
  const there = dirId === TRASH_DIR_ID ? undefined : store.child(directory, name)
  if (there) {
    store.checkOurs(there)
    throw fileConflict()
  }
  store.settle(directory)
  const { _id, _rev, ...kept } = record
  const moved = { ...kept, name, dir_id: dirId, ...(record.type === 'directory' ? { path: `/${to.join('/')}` } : {}) }
  const written = store.write(record._id, moved as FileRecord)
  store.orUndo(
    () => store.disk.move(from, to),
    () => store.write(record._id, record),
  )
  rewritePaths(store, written)
}

function rewritePaths(store: FilesStore, directory: FileRecord): void {
  for (const child of directory.type === 'directory' ? store.childrenOf(directory._id) : []) {
    if (child.type !== 'directory') continue
    rewritePaths(store, store.write(child._id, { ...child, path: store.pathOf(child) }))
  }
}

function setTrashed(store: FilesStore, directory: FileRecord, trashed: boolean): void {
  for (const child of directory.type === 'directory' ? store.childrenOf(directory._id) : []) {
    if (child.type === 'file') store.write(child._id, { ...child, trashed })
    else setTrashed(store, child, trashed)
  }
}

/** @throws ApiError 409 when anything in there was not made by this stack, or was changed since */
async function checkAllOurs(store: FilesStore, record: FileRecord): Promise<void> {
  await store.checkUnchanged(record)
  if (record.type === 'file') return
  const known = new Map(store.childrenOf(record._id).map(child => [child.name, child]))
  for (const name of store.disk.names(store.componentsOf(record))) {
    const child = known.get(name)
    if (!child) {
      throw fileConflict(
        `${store.pathOf(record)}/${name} was not made by this stack: its directory is left alone. Move it away to let the konnector change ${store.pathOf(record)}.`,
      )
    }
    await checkAllOurs(store, store.alive(child._id) ?? child)
  }
}

function checkMovable(record: FileRecord): void {
  if (isBuiltIn(record._id)) throw new ApiError(403, 'Forbidden', 'The root and the trash cannot be changed')
}

function inTrashAlready(): ApiError {
  return new ApiError(400, 'Bad Request', 'File or directory is already in the trash')
}

function numbered(name: string, copy: number): string {
  const dot = name.lastIndexOf('.')
  return dot > 0 ? `${name.slice(0, dot)} (${copy})${name.slice(dot)}` : `${name} (${copy})`
}

const extension = (name: string) => /\.([^.]+)$/.exec(name)?.[1]?.toLowerCase()
