import type { Document } from '@konnectory/protocol'
import type { Unfinished } from '../documents/data-file.ts'
import { digest } from '../identifiers.ts'
import { FILES, type FileRecord, ROOT_DIR_ID, TRASH_DIR_ID, TRASH_NAME } from './file-record.ts'
import type { FilesStore } from './files-store.ts'
import { toFileRecord } from './legacy-record.ts'

/**
 * Turns the loaded documents of `io.cozy.files` into the tree: built-in directories, then what the data file says and the disk
 * confirms. Seeds never make a file ours: what they name was not written by this stack.
 */
export function loadFiles(store: FilesStore, unfinished: readonly Unfinished[] = []): void {
  const { collection } = store
  const isSeed = collection.seeded
  const now = store.now()
  const loaded: Document[] = [...collection.values()]
  for (const doc of loaded) collection.remove(doc._id!)
  collection.seeded = false

  const records = loaded.map(doc => toFileRecord(doc, now)).filter(record => record !== undefined)
  const known = new Map(records.map(record => [record._id, record]))
  store.load(known.get(ROOT_DIR_ID) ?? builtIn(ROOT_DIR_ID, '', '', '/', now))
  store.load(known.get(TRASH_DIR_ID) ?? builtIn(TRASH_DIR_ID, TRASH_NAME, ROOT_DIR_ID, `/${TRASH_NAME}`, now))
  const others = records.filter(({ _id }) => _id !== ROOT_DIR_ID && _id !== TRASH_DIR_ID)
  for (const record of others) store.load(isSeed ? { ...record, foreign: true } : record)
  for (const { doctype, id, before } of unfinished)
    if (doctype === FILES && before) takeBackUnfinished(store, id, before)
  for (const record of others) settleOne(store, record._id)
}

/**
 * The last change of a killed process was in its journal before it was on disk. When it did not get there, the record is again what it
 * was: otherwise the file would look changed by hand, and would be left alone for ever.
 */
function takeBackUnfinished(store: FilesStore, id: string, before: Document): void {
  const record = store.collection.get(id) as FileRecord | undefined
  const former = toFileRecord(before, store.now())
  if (!record || !former || isOnDisk(store, record)) return
  store.load(former)
  if (!isOnDisk(store, former)) store.load(record)
}

function isOnDisk(store: FilesStore, record: FileRecord): boolean {
  const components = store.componentsOf(record)
  const found = store.disk.look(components)
  if (!found || found.isDirectory() !== (record.type === 'directory')) return false
  if (found.isDirectory()) return true
  return (
    record.size === String(found.size) &&
    (record.md5sum === undefined || record.md5sum === store.disk.md5sumNow(components))
  )
}

/** Gives a record its directory by id and its size, and forgets it when the disk does not have it. */
function settleOne(store: FilesStore, id: string): void {
  let record = store.collection.get(id) as FileRecord | undefined
  // Forgotten with its directory.
  if (!record) return
  const directory = store.collection.get(record.dir_id) ? record.dir_id : directoryNamed(store, record.dir_id)
  if (directory === undefined) {
    store.forget(record)
    return
  }
  if (directory !== record.dir_id) {
    record = { ...record, dir_id: directory }
    store.load(record)
  }
  const found = record.size === '' ? store.disk.look(store.componentsOf(record)) : undefined
  if (found) store.load({ ...record, size: String(found.size) })
  store.alive(id)
}

/** The former tools wrote the directory's path, relative to the root, where its id belongs. */
function directoryNamed(store: FilesStore, path: string): string | undefined {
  const directory = store.atPath(`/${path}`)
  return directory?.type === 'directory' ? directory._id : undefined
}

function builtIn(_id: string, name: string, dir_id: string, path: string, now: string): FileRecord {
  return { _id, _rev: `1-${digest(_id)}`, type: 'directory', name, dir_id, path, created_at: now, updated_at: now }
}
