import type { Readable } from 'node:stream'

/** What was stored. */
export interface StoredBlob {
  /** Made by the store; 32 hex digits. */
  key: string
  size: number
  /** Base64. */
  md5: string
}

/**
 * Content of files, outside the database (design.md decision 7). The row that names a blob is written after the blob is
 * durable; a blob that no row names is garbage and is collected.
 */
export interface Blobs {
  /**
   * Stores a stream: temporary file, fsync, rename. Rejects, leaving nothing, when the stream fails, when `signal` aborts, or
   * when `check` (called with the bytes so far) throws.
   */
  put(
    tenantId: string,
    content: Readable,
    options?: { signal?: AbortSignal; check?(bytesSoFar: number): void },
  ): Promise<StoredBlob>
  /** Opens a stream of bytes `start`..`end` (both included); rejects with `BlobMissing` before any byte. */
  open(tenantId: string, key: string, range?: { start: number; end: number }): Promise<Readable>
  /** No error when it is not there. */
  remove(tenantId: string, keys: string[]): Promise<void>
  /** Keys older than a time, page by page, for the collection of orphans. */
  list(tenantId: string, options: { olderThan: Date }): AsyncIterable<string>
  dropTenant(tenantId: string): Promise<void>
}

export class BlobMissing extends Error {
  override name = 'BlobMissing'
}
