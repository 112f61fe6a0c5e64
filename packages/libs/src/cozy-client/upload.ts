import { exchangeResource } from './exchange.ts'
import type { FileOptions } from './files.ts'
import { asFile, type FileResource } from './json-api.ts'
import { defaultContentType, type FileContent, toBody } from './upload-body.ts'

export type { FileContent } from './upload-body.ts'

/**
 * Sends a file's content (`protocol/files.md` sections 3 and 5).
 * @param method POST creates, PUT replaces
 * @param query parameters of the route; those that `options` speaks of are added
 * @throws {FetchError}
 */
export async function uploadFile(
  method: 'POST' | 'PUT',
  path: string,
  query: Record<string, string>,
  data: FileContent,
  options: FileOptions,
): Promise<FileResource> {
  const body = toBody(data)
  const modified = options.lastModifiedDate ? new Date(options.lastModifiedDate) : undefined
  const metadataId = options.metadata ? await storeMetadata(options.metadata) : undefined
  const headers: Record<string, string> = { 'content-type': options.contentType || defaultContentType(data) }
  if (options.checksum) headers['content-md5'] = options.checksum
  if (options.ifMatch) headers['if-match'] = options.ifMatch
  if (modified) headers.date = modified.toUTCString()
  const resource = await exchangeResource(method, path, {
    body,
    headers,
    signal: options.signal,
    query: {
      ...query,
      MetadataID: metadataId,
      SourceAccount: options.sourceAccount || undefined,
      SourceAccountIdentifier: options.sourceAccountIdentifier || undefined,
      CreatedAt: date(options.createdAt ?? modified),
      UpdatedAt: date(options.updatedAt ?? modified),
      Executable: options.executable ? true : undefined,
      Size: options.contentLength || undefined,
    },
  })
  return asFile(resource)
}

/** @returns the id to give with the upload that follows */
async function storeMetadata(attributes: Record<string, unknown>): Promise<string> {
  const json = { data: { type: 'io.cozy.files.metadata', attributes } }
  return (await exchangeResource('POST', '/files/upload/metadata', { json }))._id
}

/** A date as the stack reads it; a text is sent as it is. */
function date(value: string | Date | undefined): string | undefined {
  return value instanceof Date ? value.toISOString() : value || undefined
}
