import type { Downloaded, DownloadRequest, SaveContext } from './context.ts'
import { downloadedBody, type FileBody, toFileBody } from './file-body.ts'
import type { FileEntry, SaveFilesOptions } from './file-entry.ts'
import { STALL_TIMEOUT, withoutStall } from './stall.ts'

/** Gets the bytes of an entry: its `filestream`, else its or the options' `fetchFile`, else a download (FIX-9). */
export async function getFile(context: SaveContext, entry: FileEntry, options: SaveFilesOptions): Promise<FileBody> {
  if (entry.filestream) {
    const { filestream } = entry
    return toFileBody(typeof filestream === 'function' ? await filestream(entry) : filestream)
  }
  const fetchFile = entry.fetchFile ?? options.fetchFile
  if (fetchFile) return toFileBody(await fetchFile(entry))
  const gaveUp = new AbortController()
  const request: DownloadRequest = {
    fileurl: entry.fileurl as string | undefined,
    requestOptions: entry.requestOptions as Record<string, unknown> | undefined,
    signal: context.signal ? AbortSignal.any([context.signal, gaveUp.signal]) : gaveUp.signal,
  }
  const answered = async () => downloadedBody(await (context.download ?? downloadByFetch)(request))
  try {
    return await withoutStall(answered(), options.stallTimeout ?? STALL_TIMEOUT)
  } catch (error) {
    gaveUp.abort()
    throw error
  }
}

/** Can the file be asked for a second time? A stream is read once. */
export function canBeFetchedAgain(entry: FileEntry): boolean {
  const { filestream } = entry
  return (
    !filestream || typeof filestream === 'string' || typeof filestream === 'function' || ArrayBuffer.isView(filestream)
  )
}

/** The default download: global `fetch`, `requestOptions` being its init. */
export async function downloadByFetch({ fileurl, requestOptions, signal }: DownloadRequest): Promise<Downloaded> {
  const init: RequestInit = { ...requestOptions }
  if (signal) init.signal = signal
  return fromResponse(await fetch(String(fileurl ?? requestOptions?.url), init))
}

/** A fetch response as a download. */
export function fromResponse(response: Response): Downloaded {
  const length = response.headers.get('content-encoding') ? null : response.headers.get('content-length')
  return {
    status: response.status,
    body: response.body ?? new Uint8Array(),
    contentType: response.headers.get('content-type') ?? undefined,
    size: length === null ? undefined : Number(length),
    // Only a body that is not read at all: a locked one is let go of by its reader.
    cancel: () => {
      if (response.body && !response.body.locked) response.body.cancel().catch(() => {})
    },
  }
}
