import type { FileAttributes, FileDocument, Reference } from '@konnectory/protocol'
import type { FindQuery } from './data.ts'
import { isStatus } from './stack-error.ts'
import type { StackResponse } from './stack-fetch.ts'
import type { BodyData, Transport } from './transport.ts'

/** Id of every instance's root directory (`protocol/files.md` section 1). */
export const ROOT_DIR_ID = 'io.cozy.files.root-dir'

/** What is said of a file beside its bytes when it is uploaded. */
export interface UploadOptions {
  contentType?: string
  /** Bytes, when known before sending. */
  contentLength?: number
  metadata?: Record<string, unknown>
  executable?: boolean
  createdAt?: string | Date
  updatedAt?: string | Date
  sourceAccount?: string
  sourceAccountIdentifier?: string
  signal?: AbortSignal | undefined
}

/** Files and directories. Methods reject with a StackError. */
export interface FilesClient {
  statById(id: string): Promise<FileDocument>
  statByPath(path: string): Promise<FileDocument>
  /** One page; a `bookmark` when there may be another. */
  find(query: FindQuery): Promise<{ files: FileDocument[]; bookmark?: string }>
  /** All pages of a query. */
  findAll(query: FindQuery): Promise<FileDocument[]>
  /** Files and directories that carry a reference to this document. */
  referencing(doctype: string, id: string): Promise<FileDocument[]>
  create(body: BodyData, options: UploadOptions & { name: string; dirId: string }): Promise<FileDocument>
  /** New content for a file; name and place stay, metadata is replaced. */
  replace(id: string, body: BodyData, options?: UploadOptions & { name?: string }): Promise<FileDocument>
  updateAttributes(id: string, attributes: Partial<FileAttributes> & Record<string, unknown>): Promise<FileDocument>
  createDirectory(options: { name: string; dirId: string }): Promise<FileDocument>
  /** The directory at this absolute path, made with its parents when missing. */
  ensureDirectory(path: string): Promise<FileDocument>
  trash(id: string): Promise<FileDocument>
  /** Gone at once, without the trash. */
  destroy(id: string): Promise<void>
  download(id: string, options?: { signal?: AbortSignal }): Promise<StackResponse>
  addReferences(id: string, references: Reference[]): Promise<void>
}

interface ApiObject {
  type: string
  id: string
  attributes: FileAttributes
  meta?: { rev?: string }
  links?: Record<string, string>
  relationships?: FileDocument['relationships']
}

interface ApiList {
  data: ApiObject[]
  included?: ApiObject[]
  links?: { next?: string }
  meta?: { count?: number }
}

/** A JSON:API object of `/files` in the shape clients hold it: flat, and with `attributes`. */
export function toFileDocument(object: ApiObject): FileDocument {
  return {
    ...object.attributes,
    ...(object.links ? { links: object.links } : {}),
    ...(object.relationships ? { relationships: object.relationships } : {}),
    meta: object.meta ?? {},
    id: object.id,
    _id: object.id,
    _type: object.type,
    _rev: object.meta?.rev ?? '',
    attributes: object.attributes,
  }
}

export function createFilesClient(transport: Transport): FilesClient {
  const one = async (method: string, path: string, options = {}): Promise<FileDocument> => {
    const answer = await transport.json<{ data: ApiObject }>(method, path, options)
    return toFileDocument(answer.data)
  }
  const isoDate = (date: string | Date | undefined) => (date === undefined ? undefined : new Date(date).toISOString())

  async function upload(method: string, path: string, type: object, body: BodyData, options: UploadOptions) {
    const metadataId = options.metadata ? await storeMetadata(options.metadata, options.signal) : undefined
    const headers: Record<string, string> = { 'content-type': options.contentType ?? 'application/octet-stream' }
    const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : body
    return one(method, path, {
      body: bytes,
      headers,
      signal: options.signal,
      query: {
        Type: 'file',
        ...type,
        Executable: options.executable ?? false,
        Encrypted: false,
        MetadataID: metadataId,
        Size: options.contentLength,
        CreatedAt: isoDate(options.createdAt),
        UpdatedAt: isoDate(options.updatedAt),
        SourceAccount: options.sourceAccount,
        SourceAccountIdentifier: options.sourceAccountIdentifier,
      },
    })
  }

  async function storeMetadata(attributes: Record<string, unknown>, signal: AbortSignal | undefined): Promise<string> {
    const answer = await transport.json<{ data: { id: string } }>('POST', '/files/upload/metadata', {
      json: { data: { type: 'io.cozy.files.metadata', attributes } },
      signal,
    })
    return answer.data.id
  }

  const files: FilesClient = {
    statById: id => one('GET', `/files/${encodeURIComponent(id)}`),
    statByPath: path => one('GET', '/files/metadata', { query: { Path: path } }),
    async find(query) {
      const answer = await transport.json<ApiList>('POST', '/files/_find', { json: query })
      const next = answer.links?.next
      const bookmark = next ? new URL(next, 'http://x').searchParams.get('page[cursor]') : null
      return { files: answer.data.map(toFileDocument), ...(bookmark ? { bookmark } : {}) }
    },
    async findAll(query) {
      const all: FileDocument[] = []
      let bookmark: string | undefined
      do {
        const page = await files.find({ limit: 1000, ...query, ...(bookmark ? { bookmark } : {}) })
        all.push(...page.files)
        bookmark = page.files.length > 0 ? page.bookmark : undefined
      } while (bookmark)
      return all
    },
    async referencing(doctype, id) {
      const found: FileDocument[] = []
      let path: string | undefined =
        `/data/${encodeURIComponent(doctype)}/${encodeURIComponent(id)}/relationships/references?include=files&sort=datetime`
      while (path) {
        const answer: ApiList = await transport.json<ApiList>('GET', path)
        found.push(...(answer.included ?? []).map(toFileDocument))
        path = answer.links?.next
      }
      return found
    },
    create: (body, { name, dirId, ...options }) =>
      upload('POST', `/files/${encodeURIComponent(dirId)}`, { Name: name }, body, options),
    replace: (id, body, { name, ...options } = {}) =>
      upload('PUT', `/files/${encodeURIComponent(id)}`, { Name: name }, body, options),
    updateAttributes: (id, attributes) =>
      one('PATCH', `/files/${encodeURIComponent(id)}`, { json: { data: { type: 'io.cozy.files', id, attributes } } }),
    createDirectory: ({ name, dirId }) =>
      one('POST', `/files/${encodeURIComponent(dirId)}`, { query: { Type: 'directory', Name: name } }),
    async ensureDirectory(path) {
      try {
        return await files.statByPath(path)
      } catch (error) {
        if (!isStatus(error, 404)) throw error
      }
      return one('POST', '/files/', { query: { Type: 'directory', Path: path, Recursive: true } })
    },
    trash: id => one('DELETE', `/files/${encodeURIComponent(id)}`),
    async destroy(id) {
      await files.updateAttributes(id, { permanent_delete: true })
    },
    download: (id, options = {}) => transport.exchange('GET', `/files/download/${encodeURIComponent(id)}`, options),
    async addReferences(id, references) {
      await transport.exchange('POST', `/files/${encodeURIComponent(id)}/relationships/referenced_by`, {
        json: { data: references },
      })
    },
  }
  return files
}
