import type { Stats } from 'node:fs'
import type { Reference } from '@konnectory/protocol'
import type { Collection } from '../documents/collection.ts'
import type { Documents } from '../documents/documents.ts'
import type { FileEvent } from '../events.ts'
import { fileConflict, fileNotFound } from '../http/errors.ts'
import { digest } from '../identifiers.ts'
import type { Disk } from './disk.ts'
import { FILES, type FileRecord, isBuiltIn, ROOT_DIR_ID, TRASH_DIR_ID, TRASH_NAME } from './file-record.ts'
import { fileType } from './mime.ts'
import { pathComponents } from './names.ts'

export interface FilesOptions {
  documents: Documents
  disk: Disk
  now: () => Date
  slug: string | undefined
  onEvent: (event: FileEvent) => void
  /** Absolute paths that belong to the stack itself (its data file) and must not become files of a konnector. */
  isReserved: (diskPath: string) => boolean
}

/**
 * The tree: records (kept as documents of `io.cozy.files`) together with what is really on disk. The disk is right: a record whose
 * file was removed by hand is forgotten, one whose file was changed by hand becomes foreign, and what was never recorded is adopted
 * as foreign when somebody asks for its path.
 */
export class FilesStore {
  readonly options: FilesOptions
  readonly disk: Disk
  readonly documents: Documents
  readonly #children = new Map<string, Map<string, string>>()
  readonly #referencedBy = new Map<string, Set<string>>()

  constructor(options: FilesOptions) {
    this.options = options
    this.disk = options.disk
    this.documents = options.documents
  }

  get collection(): Collection {
    return this.documents.ensure(FILES)
  }

  now(): string {
    return this.options.now().toISOString()
  }

  // Records and their indexes

  /** Puts a record in memory as it is: nothing is told or kept. */
  load(record: FileRecord): void {
    this.#unindex(record._id)
    this.collection.set(record)
    this.#index(record)
  }

  /** Stores a new state of a record. Members that are `undefined` are removed. */
  write(id: string, content: Omit<FileRecord, '_id' | '_rev'>): FileRecord {
    this.#unindex(id)
    try {
      const kept = Object.fromEntries(Object.entries(content).filter(([, value]) => value !== undefined))
      return this.documents.write(FILES, id, kept) as FileRecord
    } finally {
      // Also after a refusal: the old record is then still there.
      const current = this.collection.get(id)
      if (current) this.#index(current as FileRecord)
    }
  }

  /** Stores a new record under an id of its own. */
  add(content: Omit<FileRecord, '_id' | '_rev'>): FileRecord {
    return this.write(
      this.documents.ids.next(FILES, id => this.collection.get(id) !== undefined),
      content,
    )
  }

  /**
   * A step on the disk whose record is written already. The record always goes first: after a kill between the two, the journal tells
   * what the disk should have become, and what it was (`takeBackUnfinished`).
   */
  orUndo(step: () => void, undo: () => void): void {
    try {
      step()
    } catch (error) {
      undo()
      throw error
    }
  }

  /** Removes a record, and those below it. Content is left to the caller. */
  forget(record: FileRecord): void {
    for (const child of this.childrenOf(record._id)) this.forget(child)
    this.#unindex(record._id)
    this.documents.delete(FILES, record._id)
  }

  #index(record: FileRecord): void {
    const siblings = this.#children.get(record.dir_id) ?? new Map<string, string>()
    this.#children.set(record.dir_id, siblings.set(record.name, record._id))
    for (const reference of record.referenced_by ?? []) {
      const key = referenceKey(reference)
      this.#referencedBy.set(key, (this.#referencedBy.get(key) ?? new Set()).add(record._id))
    }
  }

  #unindex(id: string): void {
    const record = this.collection.get(id) as FileRecord | undefined
    if (!record) return
    const siblings = this.#children.get(record.dir_id)
    if (siblings?.get(record.name) === id) siblings.delete(record.name)
    for (const reference of record.referenced_by ?? []) this.#referencedBy.get(referenceKey(reference))?.delete(id)
  }

  /** Records of a directory, dead ones included, the trash excluded when listing the root. */
  childrenOf(id: string): FileRecord[] {
    const ids = [...(this.#children.get(id)?.values() ?? [])]
    return ids
      .filter(child => child !== TRASH_DIR_ID && child !== ROOT_DIR_ID)
      .map(child => this.collection.get(child) as FileRecord)
  }

  hasChildren(id: string): boolean {
    return (this.#children.get(id)?.size ?? 0) > 0
  }

  referencedBy(reference: Reference): FileRecord[] {
    const ids = [...(this.#referencedBy.get(referenceKey(reference)) ?? [])]
    return ids.map(id => this.alive(id)).filter(record => record !== undefined)
  }

  // Paths

  /** Components of the path of a record. */
  componentsOf(record: FileRecord): string[] {
    const components: string[] = []
    for (let current: FileRecord | undefined = record; current && current._id !== ROOT_DIR_ID; ) {
      components.unshift(current.name)
      current = this.collection.get(current.dir_id) as FileRecord | undefined
    }
    return components
  }

  pathOf(record: FileRecord): string {
    return `/${this.componentsOf(record).join('/')}`
  }

  childPath(directory: FileRecord, name: string): string[] {
    return [...this.componentsOf(directory), name]
  }

  inTrash(record: FileRecord): boolean {
    return record._id !== TRASH_DIR_ID && this.componentsOf(record)[0] === TRASH_NAME
  }

  // What is really there

  /** The record with this id if its file is still on disk. */
  alive(id: string): FileRecord | undefined {
    const record = this.collection.get(id) as FileRecord | undefined
    if (!record || isBuiltIn(id)) return record
    const found = this.disk.look(this.componentsOf(record))
    if (!found || found.isDirectory() !== (record.type === 'directory')) {
      this.forget(record)
      return undefined
    }
    if (record.type === 'file' && record.size !== String(found.size)) return this.#changedByHand(record, found)
    return record
  }

  /** A file whose bytes are no longer ours keeps what was said of it, and is ours no more. */
  #changedByHand(record: FileRecord, found: Stats): FileRecord {
    const { _id, _rev, md5sum, ...content } = record
    return this.write(_id, {
      ...content,
      size: String(found.size),
      updated_at: found.mtime.toISOString(),
      foreign: true,
    } as FileRecord)
  }

  /** @throws ApiError 404 */
  get(id: string): FileRecord {
    const record = this.alive(id)
    if (!record) throw fileNotFound()
    return record
  }

  /** @throws ApiError 404 */
  getDirectory(id: string): FileRecord {
    const record = this.get(id)
    if (record.type !== 'directory') throw fileNotFound()
    return record
  }

  child(directory: FileRecord, name: string): FileRecord | undefined {
    const id = this.#children.get(directory._id)?.get(name)
    return (id === undefined ? undefined : this.alive(id)) ?? this.#adopt(directory, name)
  }

  /** What is at this path, recorded or only on disk. */
  atPath(path: string): FileRecord | undefined {
    let current = this.collection.get(ROOT_DIR_ID) as FileRecord | undefined
    for (const name of pathComponents(path)) {
      if (current?.type !== 'directory') return undefined
      current = this.child(current, name)
    }
    return current
  }

  #adopt(directory: FileRecord, name: string): FileRecord | undefined {
    const components = this.childPath(directory, name)
    if (this.disk.isInternal(components) || components.some(part => /[\0\n\r]/.test(part))) return undefined
    const found = this.disk.look(components)
    if (!found) return undefined
    const path = `/${components.join('/')}`
    const dates = { created_at: found.birthtime.toISOString(), updated_at: found.mtime.toISOString() }
    const common = {
      _id: `foreign-${digest(path)}`,
      _rev: `1-${digest(`${path}${found.size}`)}`,
      name,
      dir_id: directory._id,
      ...dates,
    }
    const record: FileRecord = found.isDirectory()
      ? { ...common, type: 'directory', path, foreign: true }
      : {
          ...common,
          type: 'file',
          ...fileType(name),
          size: String(found.size),
          executable: false,
          trashed: false,
          encrypted: false,
          foreign: true,
        }
    this.load(record)
    return record
  }

  /**
   * Makes an adopted directory a kept one, with its parents: what is about to be put in it names it by id.
   * Adopted records are otherwise not kept, so that reading a path writes nothing.
   */
  settle(directory: FileRecord): void {
    const parent = this.collection.get(directory.dir_id) as FileRecord | undefined
    if (parent) this.settle(parent)
    if (isMerelyAdopted(directory)) this.write(directory._id, directory)
  }

  // Guards

  /** @throws ApiError 409 when the file or directory is not this stack's to write or remove */
  checkOurs(record: FileRecord): void {
    if (!record.foreign) return
    throw fileConflict(
      `${this.pathOf(record)} was not made by this stack, or was changed since: it is left alone. Move it away to let the konnector save here.`,
    )
  }

  /** As `checkOurs`, and reads the content to see whether somebody edited it without changing its length. */
  async checkUnchanged(record: FileRecord): Promise<void> {
    this.checkOurs(record)
    if (record.type !== 'file' || record.md5sum === undefined) return
    const components = this.componentsOf(record)
    if ((await this.disk.md5sum(components)) === record.md5sum) return
    const found = this.disk.look(components)
    const current = this.collection.get(record._id) as FileRecord | undefined
    // Somebody else replaced it through us while we read: their business, not a change by hand.
    if (!found || !current || current._rev !== record._rev) throw fileConflict()
    this.checkOurs(this.#changedByHand(record, found))
  }

  /** @throws ApiError 409 when nothing of a konnector may be made at this place */
  checkNotReserved(components: string[]): void {
    if (this.disk.isInternal(components) || this.options.isReserved(this.disk.path(components))) {
      throw fileConflict(`/${components.join('/')} is where this stack keeps its own data. Use another name.`)
    }
  }

  tell(action: FileEvent['action'], file: FileRecord, bytes: number, before?: FileRecord): void {
    const told = before && action === 'deleted' ? before : file
    const path = this.pathOf(told)
    this.options.onEvent({
      kind: 'file',
      action,
      file,
      path,
      diskPath: this.disk.path(this.componentsOf(told)),
      bytes,
      ...(before ? { before } : {}),
    })
  }
}

/** True for a record that only mirrors what is on disk: it can be made again at any time. */
export function isMerelyAdopted(record: FileRecord): boolean {
  return record.foreign === true && record._rev.startsWith('1-')
}

function referenceKey({ type, id }: Reference): string {
  return JSON.stringify([type, id])
}
