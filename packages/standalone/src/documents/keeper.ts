import type { Document } from '@konnectory/protocol'
import type { Collection } from './collection.ts'
import type { DataFile, DocumentsByDoctype } from './data-file.ts'
import type { Change, Documents } from './documents.ts'

/** Form in which a document is kept, or nothing when it is not kept at all. */
export type ForDisk = (doctype: string, doc: Document) => Document | undefined

/** The file is rewritten this long after a change, and so that rewriting never takes more than a twentieth of the time. */
const QUIET_MS = 300
const SHARE = 20

/** The data file could not be brought up to date. */
export class DataFileNotSavedError extends Error {
  override name = 'DataFileNotSavedError'

  constructor(path: string, cause: unknown) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    super(
      `${path} could not be written (${reason}). Nothing is lost: what is missing in it is in the journal beside it, which the next run reads.`,
      { cause },
    )
  }
}

const unsaved = new Set<Keeper>()
let watchingExit = false

/** Keeps documents in their data file: every change at once in the journal, the whole file a little later, on `flush` and at exit. */
export class Keeper {
  readonly #file: DataFile
  readonly #documents: Documents
  readonly #forDisk: ForDisk
  #timer: NodeJS.Timeout | undefined
  #lastSaveMs = 0
  /** The last failure was told to whoever asked for a save. */
  #told = false

  constructor(file: DataFile, documents: Documents, forDisk: ForDisk) {
    this.#file = file
    this.#documents = documents
    this.#forDisk = forDisk
  }

  /** To call before a change is applied. @throws when it cannot be written: the change must then not be acknowledged */
  record(change: Change): void {
    const { collection } = change
    if (collection.seeded) {
      // From its first write on, a doctype is kept whole: the fixture would no longer be asked for the rest.
      for (const doc of collection.values()) this.#append(collection, doc)
      collection.seeded = false
    }
    if (change.action === 'put') this.#append(collection, change.doc)
    else this.#file.append({ doctype: collection.doctype, deleted: change.doc._id })
    this.touch()
  }

  #append(collection: Collection, doc: Document): void {
    const kept = this.#forDisk(collection.doctype, doc)
    if (kept) this.#file.append({ doctype: collection.doctype, doc: kept })
  }

  /** Says that the file is no longer up to date. */
  touch(): void {
    unsaved.add(this)
    if (!watchingExit) process.on('exit', saveAtExit)
    watchingExit = true
    this.#timer ??= setTimeout(() => this.#saveQuietly(), Math.max(QUIET_MS, this.#lastSaveMs * SHARE)).unref()
  }

  get isAbandoned(): boolean {
    return this.#file.isAbandoned
  }

  get upToDate(): boolean {
    return !unsaved.has(this)
  }

  /** Rewrites the file now. @throws DataFileNotSavedError */
  save(): void {
    try {
      this.#save()
    } catch (error) {
      this.#told = true
      throw new DataFileNotSavedError(this.#file.path, error)
    }
  }

  #save(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const start = performance.now()
    this.#file.save(this.#content())
    this.#lastSaveMs = performance.now() - start
    this.#told = false
    unsaved.delete(this)
  }

  #saveQuietly(): void {
    try {
      this.#save()
    } catch {
      // Not lost: the journal has everything, and `flush` will try again and say why it fails.
      this.#timer = undefined
    }
  }

  /** The last attempt; nobody is left to whom an error could be thrown. */
  saveAtExit(): void {
    if (this.isAbandoned) return
    const told = this.#told
    try {
      this.save()
    } catch (error) {
      if (!told) process.stderr.write(`${(error as Error).message}\n`)
    }
  }

  #content(): DocumentsByDoctype {
    const content: DocumentsByDoctype = { 'io.cozy.files': [] }
    for (const collection of this.#documents.collections.values()) {
      if (collection.seeded) continue
      const kept = Array.from(collection.values(), doc => this.#forDisk(collection.doctype, doc))
      content[collection.doctype] = kept.filter(doc => doc !== undefined)
    }
    return content
  }
}

function saveAtExit(): void {
  for (const keeper of unsaved) keeper.saveAtExit()
}
