import type { Body, DocumentReader, DocumentTransaction, Edit } from '#ground/documents/contract'
import { lockFeed } from '#ground/documents/feed-sql'
import { inTransaction, type RunSql } from '#ground/documents/sql'
import { conflict } from '#ground/http/errors'
import type { Tenant } from '#ground/tenant'
import type { VersionEntry } from '../present.ts'
import { ancestorsOf, directoriesBelow, directoryAt, toEntry } from '../read/tree-store.ts'
import type { DirectoryEntry, DirectoryRecord, Entry, FileEntry, FileRecord, Stored, VersionRecord } from '../record.ts'
import { FILES, ROOT_ID, TRASH_ID, TRASH_PATH, VERSIONS } from '../record.ts'
import { fileMissing } from './errors.ts'
import { childOf, filesIn, versionsOf } from './tree-sql.ts'

/** How many documents are read and written at a time when a whole branch changes. */
const BATCH = 500

/**
 * The tree of files of one instance, held by one transaction.
 *
 * The first thing it does is take the lock under which documents of (instance, `io.cozy.files`) are written. All changes of
 * the tree come one after the other from here on, so what is read is true until the commit: a free name stays free, a
 * directory cannot come to lie inside itself, nobody puts a file into a directory that is being destroyed. Bytes are never
 * transferred while the lock is held. Versions come second, always: two doctypes in one order cannot deadlock.
 */
export interface Tree {
  tenant: Tenant
  run: RunSql
  writer: DocumentTransaction
  get(id: string): Promise<Entry | undefined>
  /** @throws JsonApiError 404 */
  must(id: string): Promise<Entry>
  /** @throws JsonApiError 404, for a directory too */
  mustFile(id: string): Promise<FileEntry>
  /** Where something may be put. @throws JsonApiError 404 for none, a file, or a place in the trash */
  place(id: string): Promise<DirectoryEntry>
  at(path: string): Promise<DirectoryEntry | undefined>
  child(directoryId: string, name: string): Promise<Entry | undefined>
  /** All directories above an entry. */
  above(entry: Pick<Entry, 'dir_id'>): Promise<DirectoryEntry[]>
  isTrashed(entry: Entry): Promise<boolean>
  create<R extends FileRecord | DirectoryRecord>(record: R, id?: string): Promise<Stored<R>>
  replace<R extends FileRecord | DirectoryRecord>(entry: Stored<R>, record: R): Promise<Stored<R>>
  replaceAll(changes: { entry: Entry; record: FileRecord | DirectoryRecord }[]): Promise<void>
  remove(entries: Entry[]): Promise<void>
  /** Directories below a path, without the one of the path itself, batch by batch. */
  directoriesBelow(path: string): AsyncIterable<DirectoryEntry[]>
  /** Files in these directories, batch by batch. */
  filesIn(directoryIds: string[]): AsyncIterable<FileEntry[]>
  versions(fileIds: string[]): Promise<VersionEntry[]>
  addVersion(id: string, record: VersionRecord): Promise<VersionEntry>
  replaceVersion(version: VersionEntry, record: VersionRecord): Promise<VersionEntry>
  removeVersions(versions: VersionEntry[]): Promise<void>
  /** Blobs that something here stopped naming; whether nothing names them any more is asked at the end. */
  released: Set<string>
}

export async function openTree(writer: DocumentTransaction): Promise<Tree> {
  const { tenant } = writer
  const run = inTransaction(writer.query)
  await lockFeed(run, tenant.id, FILES)
  const released = new Set<string>()

  const write = async (doctype: string, edits: Edit[]): Promise<void> => {
    for (let from = 0; from < edits.length; from += BATCH) {
      const results = await writer.write(doctype, edits.slice(from, from + BATCH))
      // Under the lock nobody else can have changed them.
      if (results.some(({ ok }) => !ok)) throw conflict()
    }
  }
  const get: Tree['get'] = id => readEntry(writer, id)
  const must: Tree['must'] = async id => {
    const entry = await get(id)
    if (!entry) throw fileMissing()
    return entry
  }
  const above: Tree['above'] = ({ dir_id }) => ancestorsOf(run, tenant.id, dir_id)

  return {
    tenant,
    run,
    writer,
    released,
    get,
    must,
    async mustFile(id) {
      const entry = await must(id)
      if (entry.type !== 'file') throw fileMissing()
      return entry
    },
    async place(id) {
      const entry = await must(id)
      if (!isPlace(entry)) throw fileMissing()
      return entry
    },
    at: path => directoryAt(run, tenant.id, path),
    child: (directoryId, name) => childOf(run, tenant.id, directoryId, name),
    above,
    async isTrashed(entry) {
      if (entry.type === 'directory') return isInTrash(entry)
      return entry.trashed || entry.dir_id === TRASH_ID
    },
    create: async (record, id) => stored(record, await writer.create(FILES, body(record), id)),
    async replace(entry, record) {
      if (entry.type === 'file' && (record as FileRecord).internal_blob !== entry.internal_blob)
        released.add(entry.internal_blob)
      return stored(record, await writer.update(FILES, entry._id, entry._rev, body(record)))
    },
    replaceAll: changes =>
      write(
        FILES,
        changes.map(({ entry, record }) => ({ id: entry._id, rev: entry._rev, body: body(record) })),
      ),
    async remove(entries) {
      for (const entry of entries) if (entry.type === 'file') released.add(entry.internal_blob)
      await write(FILES, entries.map(deletion))
    },
    async *directoriesBelow(path) {
      for (let after = path; ; ) {
        const batch = await directoriesBelow(run, tenant.id, path, { limit: BATCH, after })
        const last = batch.at(-1)
        if (!last) return
        yield batch
        after = last.path
      }
    },
    async *filesIn(directoryIds) {
      for (let after = ''; ; ) {
        const batch = await filesIn(run, tenant.id, directoryIds, { after, limit: BATCH })
        const last = batch.at(-1)
        if (!last) return
        yield batch
        after = last._id
      }
    },
    versions: fileIds => versionsOf(run, tenant.id, fileIds),
    addVersion: async (id, record) => stored(record, await writer.create(VERSIONS, body(record), id)),
    replaceVersion: async (version, record) =>
      stored(record, await writer.update(VERSIONS, version._id, version._rev, body(record))),
    async removeVersions(versions) {
      for (const { internal_blob } of versions) released.add(internal_blob)
      await write(VERSIONS, versions.map(deletion))
    },
  }
}

/** An entry by its id, outside of the tree or in it. PostgreSQL takes no NUL in a text, and no id has one. */
export async function readEntry(reader: DocumentReader, id: string): Promise<Entry | undefined> {
  const document = id.includes('\0') ? undefined : await reader.get(FILES, id)
  return document && !document.deleted ? toEntry(document) : undefined
}

/** Whether a directory is the trash or lies in it. */
export const isInTrash = ({ path }: Pick<DirectoryEntry, 'path'>) =>
  path === TRASH_PATH || path.startsWith(`${TRASH_PATH}/`)

/** Whether something may be put there. */
export const isPlace = (entry: Entry | undefined): entry is DirectoryEntry =>
  entry?.type === 'directory' && !isInTrash(entry)

export const isBuiltIn = ({ _id }: { _id: string }) => _id === ROOT_ID || _id === TRASH_ID

/** The content without what stands beside it; members that are undefined go. */
export function recordOf<R>(entry: Stored<R>): R {
  const { _id, _rev, ...record } = entry
  return record as R
}

const deletion = ({ _id, _rev }: { _id: string; _rev: string }): Edit => ({
  id: _id,
  rev: _rev,
  body: {},
  deleted: true,
})

/** The JSON that is stored: undefined members and empty lists of tags do not stand in it. */
function body(record: object): Body {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined))
}

function stored<R>(record: R, { id, rev }: { id: string; rev: string }): Stored<R> {
  return { ...(body(record as object) as R), _id: id, _rev: rev }
}
