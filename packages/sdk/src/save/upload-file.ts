import { randomUUID } from 'node:crypto'
import { isStatus, type UploadOptions } from '@konnectory/client'
import type { FileDocument } from '@konnectory/protocol'
import type { Bytes, SaveContext } from './context.ts'
import type { FileBody } from './file-body.ts'
import type { FileEntry, SaveFilesOptions } from './file-entry.ts'
import { BAD_DOWNLOADED_FILE, DiskQuotaError, FileError } from './file-error.ts'
import { getFile } from './get-file.ts'
import { bareType, contentTypeOfName, isTextual, typeOfName } from './mime-types.ts'
import { metadataToWrite } from './replacement.ts'
import { fitsType, isPageInsteadOf, SNIFFED_BYTES, sniff } from './sniff.ts'
import { STALL_TIMEOUT, withoutStall } from './stall.ts'
import { fileDefect, isGoodFile } from './validate-file.ts'

/** Where and as what a file is to be stored. */
export interface Upload {
  entry: FileEntry
  /** Sanitized. */
  name: string
  dirId: string
  /** Identity for `metadata.fileIdAttributes`. */
  key: string | undefined
  /** The stored file to replace, and whether it is a good one (then it must survive a failure). */
  replaced?: { file: FileDocument; good: boolean } | undefined
  /** Told the bytes read so far. */
  onBytes(bytes: number, total: number | undefined): void
}

/**
 * Gets one file and stores it (`sdk/exports.md`, createFile). The bytes stream from the vendor to the stack, with no
 * more than the first kilobytes kept in memory. What can be checked is checked before the stack hears of it: status,
 * emptiness, type, a web page instead of a document; so a good file is not overwritten by a bad one.
 * @throws FileError when the file could not be had or is not good; DiskQuotaError; errors of the stack as they are
 */
export async function uploadFile(
  context: SaveContext,
  upload: Upload,
  options: SaveFilesOptions,
): Promise<FileDocument> {
  const body = await getFile(context, upload.entry, options)
  const reading: Reading = { whole: false, error: undefined }
  try {
    const source = readAll(body, upload, context.signal, reading, options.stallTimeout ?? STALL_TIMEOUT)
    const { head, rest } = await peek(source)
    const contentType = contentTypeFor(upload, body, options)
    checkBeforeUpload(context, upload, head, rest === undefined, contentType, options)
    const size = rest ? body.size : head.byteLength
    return await store(context, upload, { bytes: rest ?? head, contentType, size }, options)
  } catch (error) {
    context.signal?.throwIfAborted()
    // fetch only says "fetch failed" when the body it was sending broke.
    if (reading.error !== undefined) throw reading.error
    if (isStatus(error, 413)) throw new DiskQuotaError(error)
    throw error
  } finally {
    if (!reading.whole) body.cancel()
  }
}

/** How the reading of the source ended. */
interface Reading {
  whole: boolean
  error: unknown
}

/** Only the time the source takes counts as a stall, not that of whoever reads us. */
async function* readAll(
  body: FileBody,
  upload: Upload,
  signal: AbortSignal | undefined,
  reading: Reading,
  stallTimeout: number,
) {
  const chunks = body.chunks[Symbol.asyncIterator]()
  let bytes = 0
  try {
    for (;;) {
      const next = await withoutStall(chunks.next(), stallTimeout)
      if (next.done) break
      signal?.throwIfAborted()
      bytes += next.value.byteLength
      upload.onBytes(bytes, body.size)
      yield next.value
    }
    if (body.size !== undefined && bytes !== body.size) {
      throw new FileError(`the download ended after ${bytes} of ${body.size} bytes`)
    }
    reading.whole = true
  } catch (error) {
    reading.error = error
    throw error
  }
}

/** Reads until there is enough to judge. `rest` is everything, the head included; absent when the head is all there is. */
async function peek(
  source: AsyncGenerator<Uint8Array>,
): Promise<{ head: Uint8Array; rest?: AsyncIterable<Uint8Array> }> {
  const chunks: Uint8Array[] = []
  let length = 0
  while (length < SNIFFED_BYTES) {
    const next = await source.next()
    if (next.done) return { head: Buffer.concat(chunks) }
    chunks.push(next.value)
    length += next.value.byteLength
  }
  const head = chunks.length === 1 ? (chunks[0] as Uint8Array) : Buffer.concat(chunks)
  // One more chunk tells a body that came whole: it is then sent with its length, not chunked.
  const second = await source.next()
  if (second.done) return { head }
  async function* rest() {
    yield head
    yield second.value as Uint8Array
    yield* source
  }
  return { head, rest: rest() }
}

/** Forced by the entry or the options; else text is text, a download is what the vendor says, the rest goes by name. */
function contentTypeFor({ entry, name }: Upload, body: FileBody, options: SaveFilesOptions): string {
  const forced = entry.fileAttributes?.contentType ?? options.contentType
  const byName = typeOfName(name)
  if (forced === true) return contentTypeOfName(name) ?? 'application/octet-stream'
  if (forced) return forced
  // A string never holds the bytes of a PDF intact: as text/plain it fails the check of its type, as it should.
  if (body.isText) return byName !== undefined && isTextual(byName) ? byName : 'text/plain'
  return body.contentType || byName || 'application/octet-stream'
}

function checkBeforeUpload(
  context: SaveContext,
  { name }: Upload,
  head: Uint8Array,
  whole: boolean,
  contentType: string,
  options: SaveFilesOptions,
): void {
  const type = bareType(contentType)
  // The stack goes by the name when the type says nothing (`protocol/files.md`, Mime and class).
  const mime = type === 'application/octet-stream' || name.endsWith('.url') ? undefined : type
  const refuse = (reason: string) => {
    context.log('warn', `${name}: ${reason}`, BAD_DOWNLOADED_FILE)
    throw new FileError(BAD_DOWNLOADED_FILE)
  }
  if (typeof options.validateFile !== 'function') {
    const defect = fileDefect({ name, mime, size: whole ? head.byteLength : undefined })
    if (defect) refuse(`${defect} (${head.byteLength} bytes, ${type})`)
  }
  const promised = typeOfName(name) ?? type
  if (isPageInsteadOf(promised, head)) refuse(`a web page came instead of ${promised}`)
  if (options.validateFileContent === true) {
    const found = sniff(head)
    const expected = mime ?? typeOfName(name) ?? type
    if (!fitsType(found, expected)) refuse(`its content is ${found ?? 'of an unknown type'}, not ${expected}`)
  }
}

interface Content {
  bytes: Bytes
  contentType: string
  size: number | undefined
}

/**
 * The author's own checks need a stored file. What fails them is destroyed; so where it would go over a good file, it is
 * first stored beside it, and its content put in place only when it passed.
 */
async function store(
  context: SaveContext,
  upload: Upload,
  content: Content,
  options: SaveFilesOptions,
): Promise<FileDocument> {
  const { files } = context.client
  const hasOwnChecks = typeof options.validateFile === 'function' || typeof options.validateFileContent === 'function'
  if (!upload.replaced?.good || !hasOwnChecks) {
    const file = await send(context, upload, content)
    if (await passesChecks(context, file, options)) return file
    // What could be checked was checked before; should the stack see it otherwise, a file that was good is not destroyed.
    if (upload.replaced?.good) await files.trash(file._id)
    else await files.destroy(file._id)
    throw new FileError(BAD_DOWNLOADED_FILE)
  }
  // Without its key: a leftover of a killed process must not be taken for the file.
  const entry = { ...upload.entry, fileAttributes: { ...upload.entry.fileAttributes, metadata: undefined } }
  const beside = {
    ...upload,
    entry,
    name: `${randomUUID().slice(0, 8)} ${upload.name}`,
    key: undefined,
    replaced: undefined,
  }
  const candidate = await send(context, beside, content)
  try {
    if (!(await passesChecks(context, candidate, options))) throw new FileError(BAD_DOWNLOADED_FILE)
    const { body } = await files.download(candidate._id, context.signal ? { signal: context.signal } : {})
    return await send(context, upload, { ...content, bytes: body ?? new Uint8Array(), size: Number(candidate.size) })
  } finally {
    await files.destroy(candidate._id)
  }
}

async function passesChecks(context: SaveContext, file: FileDocument, options: SaveFilesOptions): Promise<boolean> {
  const { validateFileContent } = options
  if (!(await isGoodFile(context, file, options))) return false
  return typeof validateFileContent !== 'function' || Boolean(await validateFileContent(file))
}

async function send(
  context: SaveContext,
  { entry, name, dirId, key, replaced }: Upload,
  content: Content,
): Promise<FileDocument> {
  const { contentType, size, bytes } = content
  const attributes = entry.fileAttributes ?? {}
  const metadata = metadataToWrite(entry, key, replaced?.file)
  const createdAt = attributes.createdAt ?? attributes.created_at ?? attributes.lastModifiedDate
  const updatedAt = attributes.updatedAt ?? attributes.updated_at ?? attributes.lastModifiedDate
  const options: UploadOptions = {
    contentType,
    signal: context.signal,
    ...(size === undefined ? {} : { contentLength: size }),
    ...(metadata ? { metadata } : {}),
    ...(attributes.executable ? { executable: true } : {}),
    ...(isValidDate(createdAt) ? { createdAt } : {}),
    ...(isValidDate(updatedAt) ? { updatedAt } : {}),
    ...(context.accountId ? { sourceAccount: context.accountId } : {}),
    ...(context.accountIdentifier ? { sourceAccountIdentifier: context.accountIdentifier } : {}),
  }
  const { files } = context.client
  return replaced
    ? files.replace(replaced.file._id, bytes, { ...options, name })
    : files.create(bytes, { ...options, name, dirId })
}

function isValidDate(value: string | Date | undefined): value is string | Date {
  return value !== undefined && !Number.isNaN(new Date(value).getTime())
}
