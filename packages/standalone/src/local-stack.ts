import { join, resolve } from 'node:path'
import type { Stored } from '@konnectory/protocol'
import { ACCOUNTS, withoutAuth, withoutCredentials } from './documents/account-secrets.ts'
import { DataFile } from './documents/data-file.ts'
import { type Change, Documents } from './documents/documents.ts'
import { Keeper } from './documents/keeper.ts'
import { loadDocuments, readFixture } from './documents/load.ts'
import type { StackEvent } from './events.ts'
import { Disk } from './files/disk.ts'
import { FILES, type FileRecord, isBuiltIn } from './files/file-record.ts'
import { FilesStore, isMerelyAdopted } from './files/files-store.ts'
import { loadFiles } from './files/load-files.ts'
import { createFetch } from './http/in-process.ts'
import { createRouter } from './http/router.ts'
import { type ListeningStack, listen, type StackWatch } from './http/server.ts'
import { createIdentifiers, digest } from './identifiers.ts'
import { createRoutes } from './routes/index.ts'

export type { ListeningStack, StackWatch }

export interface LocalStackOptions {
  /** Directory of the files; made when missing. It may hold files of others: they are seen, never written or removed. */
  root: string
  /** Where documents are kept; default `<root>/importedData.json`. */
  dataFile?: string
  /** Seeds, `{doctype: [documents]}`: the path of a file (absent: no seeds) or the value. Never written. */
  fixture?: string | Record<string, unknown> | unknown[]
  /** The account of the run: `auth` is always this one, and is never kept on disk. */
  account?: { id: string; auth: Record<string, unknown> }
  /** Slug of the konnector: who made the files. */
  slug?: string
  /**
   * The caller holds the lock of the data file (`lockDataFile`): journals and uploads found there are leftovers, whatever process now
   * has the id in their name. Without it that id decides, and the last of two stacks to save wins.
   */
  alone?: boolean
  /** Source of dates. When given, ids are deterministic too. */
  clock?: () => Date
  /** Told of each change, after it is kept. */
  onEvent?: (event: StackEvent) => void
}

/** Name of the data file in a root directory. */
export const DATA_FILE = 'importedData.json'

/** A small stack kept in a folder, speaking the HTTP API of the real one. */
export interface LocalStack {
  /** Like the global fetch: any host, no token, no socket. */
  readonly fetch: typeof globalThis.fetch
  /** The same over HTTP on 127.0.0.1. */
  listen(watch?: StackWatch): Promise<ListeningStack>
  /** What is stored under this doctype now, as it is: for whoever counts or shows it in this process. Not to be changed. */
  stored(doctype: string): Iterable<Readonly<Stored>>
  /**
   * Brings the data file up to date (made when missing). Changes are safe without it: this is for who reads the file.
   * @throws DataFileNotSavedError
   */
  flush(): Promise<void>
}

/**
 * Reads the data file and the seeds, and is ready.
 *
 * @throws JsonFileError when the data file or the fixture is not JSON, Error when one does not hold documents
 */
export function createLocalStack(options: LocalStackOptions): LocalStack {
  const { account, slug } = options
  const now = options.clock ?? (() => new Date())
  const emit = options.onEvent ?? (() => undefined)
  const alone = options.alone === true
  const disk = new Disk(resolve(options.root), alone)
  const dataFile = new DataFile(resolve(options.dataFile ?? join(disk.root, DATA_FILE)), alone)

  const documents = new Documents(createIdentifiers(options.clock !== undefined), change => {
    keeper.record(change)
    if (change.collection.doctype !== FILES) emit(toEvent(change))
  })
  const forDisk = (doctype: string, doc: Stored) => {
    if (doctype === ACCOUNTS && doc._id === account?.id) return withoutAuth(doc)
    return doctype === FILES && !isWorthKeeping(doc as FileRecord) ? undefined : doc
  }
  const keeper = new Keeper(dataFile, documents, (doctype, doc) => forDisk(doctype, doc as Stored))
  const files = new FilesStore({
    documents,
    disk,
    now,
    slug,
    onEvent: emit,
    isReserved: path => path === dataFile.path || dataFile.isCompanion(path),
  })

  const { documents: kept, recovered, unfinished } = dataFile.read()
  loadDocuments(documents, kept, dataFile.path, false)
  seed(documents, options.fixture)
  loadFiles(files, unfinished)
  if (account) loadAccount(documents, account, slug)
  if (recovered) keeper.touch()

  const dispatch = createRouter(createRoutes({ documents, files, now, slug }))
  let flushedOnce = false
  return {
    fetch: createFetch(dispatch),
    listen: watch => listen(dispatch, watch),
    stored: doctype => documents.collections.get(doctype)?.values() ?? [],
    async flush() {
      if (!keeper.upToDate || !flushedOnce) keeper.save()
      flushedOnce = true
    },
  }
}

/** What only mirrors the disk, and the built-in directories nobody changed, can be made again at any time. */
function isWorthKeeping(record: FileRecord): boolean {
  return !isMerelyAdopted(record) && !(isBuiltIn(record._id) && record._rev.startsWith('1-'))
}

/** Seeds each doctype that has no stored document; of `io.cozy.files`, what is not recorded. */
function seed(documents: Documents, fixture: LocalStackOptions['fixture']): void {
  const seeds = readFixture(fixture)
  const wanted = Object.entries(seeds).filter(([doctype]) => (documents.collections.get(doctype)?.size ?? 0) === 0)
  loadDocuments(documents, Object.fromEntries(wanted), typeof fixture === 'string' ? fixture : 'fixture', true)
}

function loadAccount(documents: Documents, { id, auth }: { id: string; auth: object }, slug: string | undefined): void {
  const collection = documents.ensure(ACCOUNTS)
  const stored = collection.get(id) ?? {
    _id: id,
    _rev: `1-${digest(id)}`,
    ...(slug === undefined ? {} : { account_type: slug }),
  }
  collection.set({ ...stored, auth: structuredClone(auth) })
}

function toEvent({ collection, doc, ...change }: Change): StackEvent {
  const { doctype } = collection
  const printable = (one: Stored) => (doctype === ACCOUNTS ? withoutCredentials(one) : one)
  if (change.action === 'delete') return { kind: 'document', action: 'deleted', doctype, doc: printable(doc) }
  const { before } = change
  if (!before) return { kind: 'document', action: 'created', doctype, doc: printable(doc) }
  return { kind: 'document', action: 'updated', doctype, doc: printable(doc), before: printable(before) }
}
