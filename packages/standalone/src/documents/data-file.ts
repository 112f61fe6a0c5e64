import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { Document } from '@konnectory/protocol'
import { parseJsonWithComments } from '../json-with-comments.ts'
import { isOtherProcessAlive } from '../process-alive.ts'
import { isObject } from './selector.ts'

/** Documents by doctype, as `importedData.json` and `fixture.json` hold them. */
export type DocumentsByDoctype = Record<string, Document[]>

/** One line of a journal. */
export type JournalLine = { doctype: string; doc: Document } | { doctype: string; deleted: string }

/** The last change of a process that was killed: kept, but what should have followed it may not have happened. */
export interface Unfinished {
  doctype: string
  id: string
  /** What the document was before it. */
  before: Document | undefined
}

let opened = 0
const openJournals = new Set<string>()

/**
 * `importedData.json`: read whole, replaced whole (a temporary file, then rename). Between two replacements each change is one line
 * appended to a journal beside it, so that a thousand documents do not cost a thousand rewrites and a killed run loses nothing.
 * The journal of a process that died is read back at the next start; the journal goes away when the file itself is up to date.
 */
export class DataFile {
  readonly path: string
  readonly #journal: string
  #journalFd: number | undefined
  #recovered: string[] = []
  readonly #alone: boolean

  /** @param alone no other process uses this file: whatever journals are there were left by one that was killed */
  constructor(path: string, alone: boolean) {
    this.#alone = alone
    mkdirSync(dirname(path), { recursive: true })
    // A symbolic link stays one: rename would replace it by a plain file.
    this.path = existsSync(path) ? realpathSync(path) : path
    this.#journal = join(dirname(this.path), `.${basename(this.path)}.${process.pid}-${++opened}.journal`)
  }

  /** True when somebody removed its directory: whatever it held is not wanted any more. */
  get isAbandoned(): boolean {
    return !existsSync(dirname(this.path))
  }

  /** True for the files that this class makes beside the data file. */
  isCompanion(path: string): boolean {
    return dirname(path) === dirname(this.path) && basename(path).startsWith(`.${basename(this.path)}.`)
  }

  /**
   * @returns what was kept, whether a journal had to be read back (then `save` should follow), and how each of them ended
   * @throws JsonFileError when the file is not JSON; DataFileError when it does not hold documents
   */
  read(): { documents: DocumentsByDoctype; recovered: boolean; unfinished: Unfinished[] } {
    const text = existsSync(this.path) ? readFileSync(this.path, 'utf8') : ''
    const documents = text.trim() === '' ? {} : toDocuments(parseJsonWithComments(text, this.path), this.path)
    this.#recovered = this.#leftByTheDead('.journal')
    // Half of a file that its journal still has whole.
    for (const part of this.#leftByTheDead('.part')) rmSync(part, { force: true })
    const unfinished = this.#recovered.map(journal => replay(documents, readFileSync(journal, 'utf8')))
    return {
      documents,
      recovered: this.#recovered.length > 0,
      unfinished: unfinished.filter(last => last !== undefined),
    }
  }

  /** Adds one line to the journal: from here on the change survives the process. */
  append(line: JournalLine): void {
    if (this.#journalFd === undefined) {
      openJournals.add(this.#journal)
      this.#journalFd = openSync(this.#journal, 'a', 0o600)
    }
    // A new line first: one that a full disk cut short must not swallow the next.
    writeWhole(this.#journalFd, `\n${JSON.stringify(line)}\n`)
  }

  /** Replaces the file, then drops the journal. Personal data: a new file is for its owner only. */
  save(documents: DocumentsByDoctype): void {
    const temporary = `${this.#journal.slice(0, -'.journal'.length)}.part`
    const mode = existsSync(this.path) ? statSync(this.path).mode & 0o777 : 0o600
    try {
      const fd = openSync(temporary, 'w', mode)
      try {
        writeWhole(fd, `${JSON.stringify(documents, null, 2)}\n`)
        // The only fsync of this stack, a few per run. People write this file by hand: a power cut must not leave them an empty one.
        // The lines of the journal and the files themselves are safe from a killed process, which is all that a tool for authors owes.
        fsyncSync(fd)
      } finally {
        closeSync(fd)
      }
      renameSync(temporary, this.path)
    } catch (error) {
      rmSync(temporary, { force: true })
      throw error
    }
    this.#dropJournals()
  }

  #dropJournals(): void {
    if (this.#journalFd !== undefined) closeSync(this.#journalFd)
    this.#journalFd = undefined
    openJournals.delete(this.#journal)
    for (const journal of [this.#journal, ...this.#recovered]) rmSync(journal, { force: true })
    this.#recovered = []
  }

  /** Files with this ending that a process left when it was killed, oldest first. */
  #leftByTheDead(ending: string): string[] {
    const directory = dirname(this.path)
    const prefix = `.${basename(this.path)}.`
    return readdirSync(directory)
      .filter(name => name.startsWith(prefix) && name.endsWith(ending))
      .map(name => ({ path: join(directory, name), pid: /^(\d+)-\d+\./.exec(name.slice(prefix.length))?.[1] }))
      .filter(({ path, pid }) => pid !== undefined && !openJournals.has(path))
      .filter(({ pid }) => this.#alone || !isOtherProcessAlive(Number(pid)))
      .sort((a, b) => statSync(a.path).mtimeMs - statSync(b.path).mtimeMs)
      .map(({ path }) => path)
  }
}

/** A write may be partial; JSON cut in the middle must never be renamed into place. */
function writeWhole(fd: number, text: string): void {
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at, bytes.length - at)
}

function listOf(documents: DocumentsByDoctype, doctype: string): Document[] {
  const docs = documents[doctype] ?? []
  documents[doctype] = docs
  return docs
}

/** Applies the lines of a journal to the documents. @returns its last change */
function replay(documents: DocumentsByDoctype, journal: string): Unfinished | undefined {
  const positions = new Map<string, Map<unknown, number>>()
  const deleted = new Map<string, Set<Document>>()
  let last: Unfinished | undefined
  for (const text of journal.split('\n')) {
    let line: JournalLine
    try {
      line = JSON.parse(text) as JournalLine
    } catch {
      // Empty, or the last line of a process killed in the middle of writing it: its change was never acknowledged.
      continue
    }
    const { doctype } = line
    const docs = listOf(documents, doctype)
    const places = positions.get(doctype) ?? new Map(docs.map((doc, at) => [doc._id, at]))
    positions.set(doctype, places)
    const id = 'doc' in line ? line.doc._id : line.deleted
    const at = places.get(id)
    last = { doctype, id: id as string, before: at === undefined ? undefined : docs[at] }
    if ('doc' in line) {
      places.set(id, at ?? docs.length)
      docs[at ?? docs.length] = line.doc
    } else if (at !== undefined) {
      places.delete(id)
      // Taken out at the end: the places of the others must not move.
      deleted.set(doctype, (deleted.get(doctype) ?? new Set()).add(docs[at]!))
    }
  }
  for (const [doctype, gone] of deleted) documents[doctype] = listOf(documents, doctype).filter(doc => !gone.has(doc))
  return last
}

/** A file of documents that holds something else; the message names the file, and quotes nothing of it. */
export class DataFileError extends Error {
  override name = 'DataFileError'
}

/**
 * Accepts `{doctype: [documents]}` and the array of `{...document, doctype}` that the tools wrote in 2018 (`sdk/stub.md` section 5).
 *
 * @throws DataFileError naming the file and what is wrong in it
 */
export function toDocuments(value: unknown, file: string): DocumentsByDoctype {
  const documents: DocumentsByDoctype = {}
  if (Array.isArray(value)) {
    for (const [at, item] of value.entries()) {
      if (!isObject(item) || typeof item.doctype !== 'string')
        throw new DataFileError(`${file}: item ${at} should be an object with a "doctype"`)
      const { doctype, ...doc } = item
      listOf(documents, doctype as string).push(doc)
    }
    return documents
  }
  if (!isObject(value)) throw new DataFileError(`${file} should hold an object: {"<doctype>": [documents]}`)
  for (const [doctype, docs] of Object.entries(value)) {
    if (!Array.isArray(docs)) throw new DataFileError(`${file}: "${doctype}" should be an array of documents`)
    const bad = docs.findIndex(doc => !isObject(doc))
    if (bad !== -1) throw new DataFileError(`${file}: item ${bad} of "${doctype}" should be an object`)
    documents[doctype] = docs as Document[]
  }
  return documents
}
