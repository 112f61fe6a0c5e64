import type { StackClient } from '@konnectory/client'

/** Levels of a konnector's log lines (`sdk/exports.md` section 23). */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error' | 'critical'

/** What saving reads of the manifest. */
export interface SaveManifest {
  slug?: string | undefined
  version?: string | undefined
  /** Regular expression that finds the vendor's name in bank operations; put in bills without criteria of their own. */
  banksTransactionRegExp?: string | undefined
  [property: string]: unknown
}

/** Bytes that can be uploaded: a whole value, or chunks that are read once. Strings are sent as UTF-8. */
export type Bytes = string | Uint8Array | ArrayBuffer | Blob | ReadableStream<Uint8Array> | AsyncIterable<Uint8Array>

/** The answer of a vendor to a download, before its body is read. */
export interface Downloaded {
  body: Bytes
  /** HTTP status; anything but 2xx is a failed download. Absent for what is not HTTP. */
  status?: number | undefined
  /** Content-Type header as sent by the vendor. */
  contentType?: string | undefined
  /** Bytes announced, only when the body is not encoded (gzip...). */
  size?: number | undefined
  /** Gives up the transfer; called when the body will not be read to its end. */
  cancel?(): void
}

/** One step of a save, for a progress display. */
export interface SaveProgress {
  kind: 'download' | 'saved' | 'skipped' | 'failed'
  /** File name. */
  name: string
  /** Bytes so far (`download`) or in all (`saved`). */
  bytes: number
  /** Bytes announced, when known. */
  total?: number
  /** Entries finished, this one included when it is. */
  done?: number
  /** Entries in this call. */
  of?: number
}

/**
 * What the save functions stand on: one stack, one konnector, one account.
 * Nothing is read from the environment here; who builds the context does that.
 */
export interface SaveContext {
  client: StackClient
  manifest: SaveManifest
  /** Id of the `io.cozy.accounts` document this run is for. */
  accountId?: string | undefined
  /** What the user calls this account at the vendor (login, e-mail...): folders and files are attached to it. */
  accountIdentifier?: string | undefined
  log(level: LogLevel, message: unknown, label?: string): void
  /** Stops downloads and uploads; the call then rejects with the signal's reason. */
  signal?: AbortSignal | undefined
  /** Epoch milliseconds after which no new file is started. */
  deadline?: number | undefined
  /** Gets an entry's file from the vendor. Default: global `fetch`. Must reject on a refused or broken connection. */
  download?(entry: DownloadRequest): Promise<Downloaded>
  onProgress?(progress: SaveProgress): void
  /** The clock; default the real one. */
  now?(): Date
}

/** The part of an entry that says what to download. */
export interface DownloadRequest {
  fileurl?: string | undefined
  /** As the HTTP client in use understands them (method, headers, body, form...). */
  requestOptions?: Record<string, unknown> | undefined
  signal?: AbortSignal | undefined
}
