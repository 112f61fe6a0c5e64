import type { Document } from '@konnectory/protocol'
import { digest } from '../identifiers.ts'
import { type FileRecord, ROOT_DIR_ID, TRASH_DIR_ID, TRASH_NAME } from './file-record.ts'
import type { FilesStore } from './files-store.ts'
import { toFileRecord } from './legacy-record.ts'

/**
 * Turns the loaded documents of `io.cozy.files` into the tree: built-in directories, then what the data file says and the disk
 * confirms. Seeds never make a file ours: what they name was not written by this stack.
 */
export function loadFiles(store: FilesStore): void {
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
  for (const record of others) settleOne(store, record._id)
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
