import { createDataClient, type DataClient } from './data.ts'
import { createFilesClient, type FilesClient } from './files.ts'
import { createTransport, type Transport, type TransportOptions } from './transport.ts'

export { type BulkResult, type DataClient, documentPath, type FindAnswer, type FindQuery, PAGE_LIMIT } from './data.ts'
export { type FilesClient, ROOT_DIR_ID, toFileDocument, type UploadOptions } from './files.ts'
export { isStatus, StackError } from './stack-error.ts'
export type { StackFetch, StackRequest, StackResponse } from './stack-fetch.ts'
export type { BodyData, ExchangeOptions, Transport, TransportOptions } from './transport.ts'

/** One stack, as one token sees it. */
export interface StackClient extends Transport {
  readonly data: DataClient
  readonly files: FilesClient
}

/**
 * @param options address, token, and optionally the fetch to use (an in-process stack passes its own)
 * @returns a client; nothing is sent before the first call
 */
export function createClient(options: TransportOptions): StackClient {
  const transport = createTransport(options)
  return { ...transport, data: createDataClient(transport), files: createFilesClient(transport) }
}
