import { isStatus } from '@konnectory/client'
import type { FileDocument } from '@konnectory/protocol'
import { pause } from '../pause.ts'
import type { SaveContext, SaveProgress } from './context.ts'
import { createDestinations, type Destinations } from './destination.ts'
import { holdRequestInFlight, releaseUnused } from './file-body.ts'
import type { FileEntry, SaveFilesOptions } from './file-entry.ts'
import { BAD_DOWNLOADED_FILE, DiskQuotaError, FileError } from './file-error.ts'
import { fileKey, upstreamFileKey } from './file-key.ts'
import { nameFromUrl, sanitizeFileName } from './file-name.ts'
import { canBeFetchedAgain } from './get-file.ts'
import { createKeyedQueue, forEachLimited, type KeyedQueue } from './keyed-queue.ts'
import { createKnownFiles, type Folder, type KnownFiles, statByPath } from './known-files.ts'
import { replaceName } from './replace-name.ts'
import { replacementReason } from './replacement.ts'
import { uploadFile } from './upload-file.ts'
import { isGoodFile } from './validate-file.ts'

/** Entries treated at the same time. Upstream's default was 1; a vendor that cannot take 4 gets `concurrency: 1`. */
export const DEFAULT_CONCURRENCY = 4

const DEFAULT_RETRY_INTERVAL = 1000

/** What one call of saveFiles shares between its entries. */
interface Run {
  context: SaveContext
  options: SaveFilesOptions
  destinations: Destinations
  known: KnownFiles
  queue: KeyedQueue
  /** Uploads that were tried. */
  attempted: number
  done: number
  of: number
}

/**
 * Downloads the files of `entries` that are not stored yet and stores them (`sdk/exports.md` section 8).
 *
 * A file is known by `fileIdAttributes` (wherever the user moved or renamed it), else by its path. Known files are not
 * downloaded again unless the entry says something else of them. A failed file is logged and leaves its entry without
 * `fileDocument`; only a full disk (DISK_QUOTA_EXCEEDED), an unusable folder or an abort ends the call.
 *
 * @param entries mutated: functions are resolved, `fileDocument` is set, what was only for the download is removed
 * @returns the same objects in the same order, without those left when the time was up
 * @throws DiskQuotaError, DestinationError, the abort signal's reason
 */
export async function saveFiles(
  context: SaveContext,
  entries: readonly FileEntry[],
  options: SaveFilesOptions,
): Promise<FileEntry[]> {
  warnAboutMissing(context, entries, options)
  if (!Array.isArray(entries)) throw new TypeError(`saveFiles: entries must be an array, not ${typeof entries}`)
  for (const entry of entries) holdRequestInFlight(entry.filestream)
  const run: Run = {
    context,
    options,
    destinations: createDestinations(context, options),
    known: createKnownFiles(context, entries.length),
    queue: createKeyedQueue(),
    attempted: 0,
    done: 0,
    of: entries.length,
  }
  const kept = new Set<number>()
  let treated = 0
  const deadline = options.timeout ?? context.deadline
  let timedOut = false
  try {
    await forEachLimited(entries, options.concurrency ?? DEFAULT_CONCURRENCY, async (entry, index) => {
      context.signal?.throwIfAborted()
      timedOut ||= deadline !== undefined && now(context) > deadline
      if (timedOut) return
      if (await saveEntry(run, entry)) kept.add(index)
      treated++
    })
  } finally {
    for (const { filestream } of entries) releaseUnused(filestream)
  }
  if (timedOut) {
    context.log('warn', `saveFile timeout: still ${entries.length - treated} / ${entries.length} to download`)
  }
  const saved = entries.filter((_, index) => kept.has(index))
  context.log(
    options.verboseFilesLog ? 'warn' : 'info',
    `saveFiles created ${run.attempted} files for ${saved.length} entries`,
  )
  return saved
}

function warnAboutMissing(context: SaveContext, entries: readonly FileEntry[], options: SaveFilesOptions): void {
  if (!entries || entries.length === 0) context.log('warn', 'No file to download')
  if (!context.accountId) context.log('warn', 'There is no sourceAccount given to saveFiles')
  if (!context.accountIdentifier) context.log('warn', 'There is no sourceAccountIdentifier given to saveFiles')
  const missing = [
    !options.fileIdAttributes && 'fileIdAttributes',
    !context.manifest.slug && 'the slug of the manifest',
    !context.accountIdentifier && 'sourceAccountIdentifier',
  ].filter(Boolean)
  if (missing.length > 0) {
    context.log('warn', `saveFiles: files will be recognised by their path only, for want of ${missing.join(', ')}`)
  }
}

/** @returns false when the entry is to be left out of the result */
async function saveEntry(run: Run, entry: FileEntry): Promise<boolean> {
  const { context, options } = run
  for (const name of ['fileurl', 'filename', 'shouldReplaceName', 'requestOptions'] as const) {
    const value = entry[name]
    if (typeof value === 'function') (entry as Record<string, unknown>)[name] = await value(entry, options)
  }
  if (entry.filestream && !entry.filename) {
    context.log('warn', 'Missing filename property for an entry with a filestream: the entry is left out')
    return false
  }
  const wanted =
    entry.fetchFile ||
    entry.fileurl ||
    entry.requestOptions ||
    entry.filestream ||
    (options.fetchFile && entry.filename)
  if (!wanted) {
    run.done++
    return true
  }
  const name = nameOf(context, entry)
  const folder = await folderOf(run, entry)
  const turns = [
    ...(name ? [`name ${folder.id}/${name}`] : []),
    ...(isKeyed(context, options) ? [`key ${fileKey(entry, options.fileIdAttributes)}`] : []),
    ...(options.fetchFileInTurn && (entry.fetchFile ?? options.fetchFile) ? ['fetchFile'] : []),
  ]
  entry.fileDocument = await run.queue.run(turns, () => saveFile(run, entry, folder, name))
  releaseUnused(entry.filestream)
  for (const attribute of ['fetchFile', 'requestOptions', 'filestream', 'shouldReplaceFile']) delete entry[attribute]
  try {
    await options.postProcess?.(entry)
  } catch (error) {
    context.log('warn', (error as Error)?.message ?? String(error), 'SAVE_FILE_FAILED')
  }
  return true
}

/** @throws when a name is to be replaced and the new one is missing */
async function folderOf(run: Run, entry: FileEntry): Promise<Folder> {
  if (entry.shouldReplaceName) {
    await replaceName(run.context, run.known, await run.destinations.base(), entry)
    delete entry.shouldReplaceName
  }
  return run.destinations.of(entry)
}

async function saveFile(
  run: Run,
  entry: FileEntry,
  folder: Folder,
  name: string | undefined,
): Promise<FileDocument | undefined> {
  const { context, options, known } = run
  if (!name) {
    report(run, 'failed', '')
    return undefined
  }
  try {
    const existing = await findExisting(context, known, folder, name, entry, options)
    const reason = existing && (await whyReplace(context, existing, entry, options))
    if (existing && !reason) {
      report(run, 'skipped', existing.name, Number(existing.size ?? 0))
      return existing
    }
    if (reason) context.log('debug', `${name} will be replaced: ${reason.text}`)
    run.attempted++
    const file = await tryUpload(run, entry, folder, name, existing && { file: existing, good: reason?.good !== false })
    report(run, 'saved', file.name, Number(file.size ?? 0))
    return file
  } catch (error) {
    context.signal?.throwIfAborted()
    if (error instanceof DiskQuotaError) throw error
    logFailure(context, name, error, options.retry ?? 1)
    report(run, 'failed', name)
    return undefined
  }
}

/**
 * The stored file of this entry: by key where one can be made, else by path (`sdk/exports.md` section 8, step 5).
 */
export async function findExisting(
  context: SaveContext,
  known: KnownFiles,
  folder: Folder,
  name: string,
  entry: FileEntry,
  options: SaveFilesOptions,
): Promise<FileDocument | undefined> {
  if (isKeyed(context, options)) {
    const forms = [fileKey(entry, options.fileIdAttributes), upstreamFileKey(entry, options.fileIdAttributes)]
    const found = await known.byKey(forms)
    if (found.length > 1) context.log('warn', `${found.length} files have the key ${forms[0]}; the first one is taken`)
    if (found[0]) return found[0]
  }
  const there = await known.byName(folder, name)
  return there?.type === 'directory' ? undefined : there
}

/** Files can be recognised by key: there are attributes for it, and the two things that say whose key it is. */
export function isKeyed(
  context: SaveContext,
  options: SaveFilesOptions,
): options is SaveFilesOptions & { fileIdAttributes: readonly string[] } {
  return Boolean(options.fileIdAttributes && context.manifest.slug && context.accountIdentifier)
}

/** Why a stored file is downloaded again, and whether it is good as it is; `undefined` to keep it. */
async function whyReplace(context: SaveContext, file: FileDocument, entry: FileEntry, options: SaveFilesOptions) {
  if (!(await isGoodFile(context, file, options))) return { text: 'it is not a good file', good: false }
  const decide = entry.shouldReplaceFile ?? options.shouldReplaceFile
  if (!decide) {
    const text = replacementReason(context, file, entry, options)
    return text === undefined ? undefined : { text, good: true }
  }
  try {
    return (await decide(file, entry)) ? { text: 'shouldReplaceFile said so', good: true } : undefined
  } catch (error) {
    return { text: `shouldReplaceFile failed (${(error as Error)?.message})`, good: true }
  }
}

async function tryUpload(
  run: Run,
  entry: FileEntry,
  folder: Folder,
  name: string,
  replaced: { file: FileDocument; good: boolean } | undefined,
): Promise<FileDocument> {
  const { context, options, known } = run
  const key = isKeyed(context, options) ? fileKey(entry, options.fileIdAttributes) : undefined
  const onBytes = (bytes: number, total: number | undefined) =>
    context.onProgress?.({ kind: 'download', name, bytes, ...(total === undefined ? {} : { total }) })
  const tries = Math.max(1, options.retry ?? 1)
  for (let attempt = 1; ; attempt++) {
    try {
      const file = await uploadFile(context, { entry, name, dirId: folder.id, key, replaced, onBytes }, options)
      known.remember(file, key)
      return file
    } catch (error) {
      context.signal?.throwIfAborted()
      if (error instanceof DiskQuotaError || !canBeFetchedAgain(entry)) throw error
      if (isStatus(error, 409) && !replaced) {
        // Somebody else put a file there since we looked.
        const there = await statByPath(context, `${folder.path === '/' ? '' : folder.path}/${name}`)
        if (there?.type !== 'file') throw error
        replaced = { file: there, good: true }
        const reason = await whyReplace(context, there, entry, options)
        if (!reason) return there
        replaced.good = reason.good
        continue
      }
      if (attempt >= tries) throw error
      context.log('debug', `${name}: try ${attempt} of ${tries} failed: ${(error as Error)?.message}`)
      await pause(options.retryInterval ?? DEFAULT_RETRY_INTERVAL, context.signal)
    }
  }
}

function nameOf(context: SaveContext, entry: FileEntry): string | undefined {
  const given = entry.filename ?? (typeof entry.fileurl === 'string' ? nameFromUrl(entry.fileurl) : undefined)
  const name = sanitizeFileName(String(given ?? ''))
  if (name) return name
  context.log('error', 'Could not get a file name for the entry: give it a filename')
  return undefined
}

function logFailure(context: SaveContext, name: string, error: unknown, tries: number): void {
  const message = (error as Error)?.message ?? String(error)
  if (error instanceof FileError && message === BAD_DOWNLOADED_FILE) {
    context.log(
      'warn',
      `Could not download file after ${tries} tries removing the file (${name})`,
      'FILE_DOWNLOAD_FAILED',
    )
  } else {
    context.log('warn', `unknown file download error: ${message} (${name})`, 'FILE_DOWNLOAD_FAILED')
  }
}

function report(run: Run, kind: SaveProgress['kind'], name: string, bytes = 0): void {
  run.done++
  run.context.onProgress?.({ kind, name, bytes, done: run.done, of: run.of })
}

function now(context: SaveContext): number {
  return (context.now?.() ?? new Date()).getTime()
}
