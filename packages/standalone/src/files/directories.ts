import { fileConflict, fileNotFound } from '../http/errors.ts'
import { newMetadata } from './cozy-metadata.ts'
import { type FileRecord, ROOT_DIR_ID } from './file-record.ts'
import type { FilesStore } from './files-store.ts'
import { checkName, pathComponents } from './names.ts'

export interface NewDirectory {
  tags: string[]
  metadata: Record<string, unknown> | undefined
  createdAt: string | undefined
  updatedAt: string | undefined
  sourceAccount: string | undefined
  sourceAccountIdentifier: string | undefined
}

/** @throws ApiError 404 without such a parent, 409 when the name is taken, 422 for a bad name */
export function createDirectory(store: FilesStore, dirId: string, name: string, about: NewDirectory): FileRecord {
  const parent = store.getDirectory(dirId)
  if (store.inTrash(parent)) throw fileNotFound()
  checkName(name)
  if (store.child(parent, name)) throw fileConflict()
  const place = store.childPath(parent, name)
  store.checkNotReserved(place)
  store.settle(parent)
  store.disk.makeDirectory(place)
  const now = store.now()
  const created = about.createdAt ?? now
  const record = store.add({
    type: 'directory',
    name,
    dir_id: dirId,
    path: `/${place.join('/')}`,
    created_at: created,
    updated_at: about.updatedAt ?? created,
    ...(about.tags.length > 0 ? { tags: about.tags } : {}),
    ...(about.metadata ? { metadata: about.metadata } : {}),
    cozyMetadata: newMetadata({ ...about, slug: store.options.slug, now }, false),
  })
  store.tell('created', record, 0)
  return record
}

/**
 * By path: the last component, or with `recursive` all that is missing, an existing directory then being a success.
 *
 * @throws ApiError 404 for a missing parent, 409 when it exists (or a file is in the way)
 */
export function createDirectoryAt(
  store: FilesStore,
  path: string,
  recursive: boolean,
  about: NewDirectory,
): FileRecord {
  const components = pathComponents(path)
  let current = store.get(ROOT_DIR_ID)
  for (const [depth, name] of components.entries()) {
    const isLast = depth === components.length - 1
    const there = store.child(current, name)
    if (there && there.type !== 'directory') throw fileConflict(`${store.pathOf(there)} is a file`)
    if (there && isLast && !recursive) throw fileConflict()
    if (!there && !isLast && !recursive) throw fileNotFound()
    current = there ?? createDirectory(store, current._id, name, about)
  }
  if (components.length === 0 && !recursive) throw fileConflict()
  return current
}
