import type { StackClient } from '@konnectory/client'
import type { Document, Stored } from '@konnectory/protocol'
import type { AccountHandle } from './account.ts'
import type { Http, RequestOptions } from './http/http-client.ts'
import type { ManifestLike } from './konnector.ts'
import { KonnectorError } from './konnector-error.ts'
import type { Log } from './logger.ts'
import type { Progress } from './progress.ts'
import {
  type BillEntry,
  type Contact,
  type Downloaded,
  type DownloadRequest,
  type FileEntry,
  type HydrateOptions,
  type Identity,
  type SaveBillsOptions,
  type SaveContext,
  type SavedBills,
  type SaveFilesOptions,
  saveBills,
  saveFiles,
  saveIdentity,
  saveRecords,
  updateOrCreate,
} from './save/index.ts'
import type { TimeLimit } from './time-limit.ts'

/** Puts things into the owner's space, on behalf of this run's konnector and account. What is there already is not written again. */
export interface Save {
  /**
   * Downloads the files that are not there yet, with the cookies of `http`, into the run's folder.
   * @param entries mutated: each gets its `fileDocument`; one that could not be saved is logged and has none
   * @throws KonnectorError NOT_EXISTING_DIRECTORY when the run has no folder and `options.folderPath` names none
   */
  files(entries: readonly FileEntry[], options?: SaveFilesOptions): Promise<FileEntry[]>
  /** Files, then the bills (`io.cozy.bills`) whose file is there. `date` is a Date, `amount` a number, `vendor` a text. */
  bills(entries: readonly BillEntry[], options?: SaveBillsOptions): Promise<SavedBills>
  /** Documents of any doctype, known by `options.keys` (default `_id`): new ones are written, known ones when `shouldUpdate` says so. */
  records(documents: readonly Document[], doctype: string, options?: HydrateOptions): Promise<Stored[]>
  /** Documents known by these attributes: updated when there, else created. */
  updateOrCreate(documents: readonly Document[], doctype: string, attributes: readonly string[]): Promise<Stored[]>
  /** Who the owner is at the vendor (`io.cozy.identities`): name, addresses, phones. Needs an account with an identifier, else it warns. */
  identity(contact: Contact | Identity): Promise<void>
  /** What the save functions of `@konnectory/sdk/save` take, for what is not bound here. */
  readonly context: SaveContext
}

export interface SaveSetup {
  client: StackClient
  manifest: ManifestLike
  account: AccountHandle
  log: Log
  http: Http
  progress: Progress
  folderPath: string | undefined
  limit: TimeLimit
}

export function createSave(setup: SaveSetup): Save {
  const { client, manifest, account, log, http, progress, limit } = setup
  const context: SaveContext = {
    client,
    manifest,
    accountId: account.id,
    accountIdentifier: account.identifier,
    log,
    signal: limit.signal,
    deadline: limit.deadline,
    download: request => download(http, request),
    onProgress({ kind, done, of }) {
      if (kind !== 'download' && done !== undefined) progress.update(done, of)
    },
  }
  const inFolder = <T extends SaveFilesOptions>(options: T): T => {
    const folderPath = options.folderPath ?? setup.folderPath
    if (folderPath !== undefined) return { ...options, folderPath }
    const detail = 'this run has no folder: add "folders" to the manifest, or pass folderPath'
    throw new KonnectorError('NOT_EXISTING_DIRECTORY', { detail })
  }
  return {
    context,
    files: async (entries, options = {}) => saveFiles(context, entries, inFolder(options)),
    bills: async (entries, options = {}) => saveBills(context, entries, inFolder(options)),
    records: (documents, doctype, options) => saveRecords(context, documents, doctype, options),
    updateOrCreate: (documents, doctype, attributes) => updateOrCreate(context, documents, doctype, attributes),
    identity: contact => saveIdentity(context, contact, context.accountIdentifier),
  }
}

/** A file with the run's cookies; `requestOptions` are those of `http`, plus `method`. */
async function download(http: Http, request: DownloadRequest): Promise<Downloaded> {
  const { method = 'GET', ...options } = (request.requestOptions ?? {}) as RequestOptions & { method?: string }
  const response = await http.request(method, request.fileurl ?? '', {
    ...options,
    signal: request.signal,
    throwHttpErrors: false,
  })
  const length = response.headers.get('content-length')
  // Of an encoded body the header counts other bytes than those that come out.
  const size = length === null || response.headers.has('content-encoding') ? undefined : Number(length)
  return {
    body: response.body ?? new Uint8Array(),
    status: response.status,
    contentType: response.headers.get('content-type') ?? undefined,
    size,
    cancel: () => void response.discard().catch(() => {}),
  }
}
