/** A file that could not be had or is not good. It concerns one entry and never ends a save. */
export class FileError extends Error {
  override name = 'FileError'
  /** HTTP status of the vendor's answer, when that is the reason. */
  readonly status: number | undefined

  constructor(message: string, options: { status?: number; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause })
    this.status = options.status
  }
}

/** Message of the error for a file that arrived but is not what it should be (`sdk/exports.md`, createFile). */
export const BAD_DOWNLOADED_FILE = 'BAD_DOWNLOADED_FILE'

/** The storage is full: nothing more can be saved, so the whole save ends. */
export class DiskQuotaError extends Error {
  override name = 'DiskQuotaError'

  constructor(cause: unknown) {
    super('DISK_QUOTA_EXCEEDED', { cause })
  }
}
