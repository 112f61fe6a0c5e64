import { toFileDocument } from '@konnectory/client'
import type { Document, FileDocument, Reference } from '@konnectory/protocol'
import { dataPath } from '../data-path.ts'
import { exchange, exchangeJson } from '../exchange.ts'
import { FetchError } from '../fetch-error.ts'
import { type FileOptions, files, ROOT_DIR_ID } from '../files.ts'
import type { FileResource, JsonApiData } from '../json-api.ts'
import { type NodeResponse, nodeResponse } from '../node-response.ts'
import type { FileContent } from '../upload-body.ts'
import {
  DocumentCollection,
  type FindOptions,
  GREATEST_LIMIT,
  nextPage,
  type Page,
  paging,
} from './document-collection.ts'
import { findBody } from './mango.ts'

/** A file or directory as this client hands it out: attributes both flat and under `attributes`. */
// biome-ignore lint/suspicious/noExplicitAny: metadata is free
export type ClientFile = FileDocument & Record<string, any>

/** What `create` and `save` take: attributes, with the content in `data`. */
export interface FileDraft extends Omit<FileOptions, 'dirID'> {
  _id?: string
  id?: string
  _type?: string
  type?: string
  data?: FileContent
  dirId?: string
  dir_id?: string
  [attribute: string]: unknown
}

interface List {
  data: JsonApiData[]
  included?: JsonApiData[]
  links?: { next?: string }
  meta?: { count?: number; warning?: string }
}

type Target = { _type?: string; _id?: string; id?: string }

/** `client.collection('io.cozy.files')`. Failures are FetchErrors, whose message is the JSON text of the answer. */
export class FileCollection {
  readonly doctype = 'io.cozy.files'
  readonly #documents = new FileDocuments('io.cozy.files')

  /** @returns the item; a directory's first children in `included` */
  async statById(
    id: string,
    options: Record<string, string | number> = {},
  ): Promise<{ data: ClientFile; included: ClientFile[] }> {
    return this.#stat(`/files/${encodeURIComponent(id)}`, pageQuery(options))
  }

  /** @throws {FetchError} 404 when nothing has this path */
  async statByPath(path: string, options: Record<string, string | number> = {}) {
    return this.#stat('/files/metadata', { Path: path, ...pageQuery(options) })
  }

  get(id: string) {
    return this.statById(id)
  }

  async getAll(ids: string[]): Promise<Page<ClientFile>> {
    const answer = await exchangeJson<List>('POST', '/files/_all_docs', { json: { keys: ids } })
    const data = answer.data.map(toClientFile)
    return { data, meta: { count: data.length }, next: false, skip: 0 }
  }

  find(selector: Record<string, unknown> | undefined, options: FindOptions = {}): Promise<Page<ClientFile>> {
    return this.#documents.findFiles(selector, options)
  }

  all(options: FindOptions = {}): Promise<Page<ClientFile>> {
    return this.find({ _id: { $gt: null } }, { ...options, indexedFields: [] })
  }

  async queryAll(selector: Record<string, unknown> | undefined, options: FindOptions = {}): Promise<ClientFile[]> {
    const found: ClientFile[] = []
    let page: Page<ClientFile> | undefined
    do {
      const at = { ...options, limit: GREATEST_LIMIT, ...nextPage(page, found.length) }
      page = selector || options.indexedFields ? await this.find(selector, at) : await this.all(at)
      found.push(...page.data)
    } while (page.next && page.data.length > 0)
    return found
  }

  findAll(selector: Record<string, unknown>, options: FindOptions = {}): Promise<ClientFile[]> {
    return this.queryAll(selector, options)
  }

  /** Files that carry a reference to `document`, one page: identifiers in `data`, the files in `included`. */
  async findReferencedBy(document: Target, { limit, skip, cursor }: FindOptions = {}): Promise<Page<ClientFile>> {
    const path = `${dataPath(document._type as string, document._id)}/relationships/references`
    const answer = await exchangeJson<List>('GET', path, {
      query: { include: 'files', ...pageQuery({ limit: limit ?? undefined, skip, cursor }) },
    })
    const included = (answer.included ?? []).map(toClientFile)
    return {
      data: answer.data.map(({ id, type }) => ({ _id: id, _type: type, id, type })) as never,
      included,
      meta: answer.meta ?? {},
      next: Boolean(answer.links?.next),
      skip: skip ?? 0,
    }
  }

  createIndex(fields: string[], options?: Parameters<DocumentCollection['createIndex']>[1]) {
    return this.#documents.createIndex(fields, options)
  }

  /** A file with `data`, a directory with `type: 'directory'`. */
  create(draft: FileDraft): Promise<{ data: ClientFile }> {
    if (draft.type === 'directory') return this.createDirectory(draft)
    return this.createFile(draft.data as FileContent, draft)
  }

  async createFile(data: FileContent, { dirId, dir_id, ...options }: FileDraft): Promise<{ data: ClientFile }> {
    return wrap(await files.create(data, { ...options, dirID: dirId ?? dir_id ?? '' } as FileOptions))
  }

  async createDirectory({ name, dirId, dir_id, ...options }: FileDraft): Promise<{ data: ClientFile }> {
    return wrap(await files.createDirectory({ ...options, name, dirID: dirId ?? dir_id ?? '' } as FileOptions))
  }

  /** New content when there is `data`, else new attributes. */
  update(draft: FileDraft): Promise<{ data: ClientFile }> {
    const id = (draft._id ?? draft.id ?? draft.fileId) as string
    if (draft.data === undefined) return this.updateAttributes(id, changeable(draft))
    return this.updateFile(draft.data, { ...draft, fileId: id })
  }

  /** Replaces content and metadata; a new `name` is given afterwards, as the upload ignores it. */
  async updateFile(data: FileContent, { fileId, name, ...options }: FileDraft): Promise<{ data: ClientFile }> {
    const file = await files.updateById(fileId as string, data, options as FileOptions)
    if (!name || name === file.attributes.name) return wrap(file)
    return this.updateAttributes(fileId as string, { name })
  }

  /** Renames, moves (`dir_id`), changes metadata, `permanent_delete`... */
  async updateAttributes(id: string, attributes: object): Promise<{ data: ClientFile }> {
    return wrap(await files.updateAttributesById(id, attributes as Record<string, unknown>))
  }

  /** Replaces the whole `metadata`. */
  updateMetadataAttribute(id: string, metadata: object): Promise<{ data: ClientFile }> {
    return this.updateAttributes(id, { metadata })
  }

  /** The directory at this absolute path, made with its parents when missing. */
  async createDirectoryByPath(path: string): Promise<{ data: ClientFile }> {
    return wrap(await files.createDirectoryByPath(path))
  }

  /** @returns its id */
  async ensureDirectoryExists(path: string): Promise<string> {
    return (await this.createDirectoryByPath(path)).data._id
  }

  async getDirectoryOrCreate(name: string, parent: Partial<ClientFile>): Promise<{ data: ClientFile }> {
    const path = parent._id === ROOT_DIR_ID ? '' : (parent.path ?? parent.attributes?.path)
    try {
      return await this.statByPath(`${path}/${name}`)
    } catch (error) {
      if (!FetchError.isNotFound(error)) throw error
      return this.createDirectory({ name, dirId: parent._id as string })
    }
  }

  /** To the trash. */
  async destroy(file: Target): Promise<{ data: ClientFile }> {
    return wrap(await files.trashById((file._id ?? file.id) as string))
  }

  /** Gone at once, without the trash. @returns the file as it was: the file itself, not in `data` */
  async deleteFilePermanently(id: string): Promise<ClientFile> {
    return (await this.updateAttributes(id, { permanent_delete: true })).data
  }

  async restore(id: string): Promise<{ data: ClientFile }> {
    return wrap(await files.restoreById(id))
  }

  /** @returns a `fetch` response, also usable like one of node-fetch */
  async fetchFileContentById(id: string): Promise<NodeResponse> {
    return nodeResponse(await exchange('GET', `/files/download/${encodeURIComponent(id)}`))
  }

  getDownloadLinkById(id: string): Promise<string> {
    return files.getDownloadLinkById(id)
  }

  /** Makes `targets` (files) point at `document`. */
  async addReferencesTo(document: Target, targets: Target[]): Promise<void> {
    await exchange('POST', `${dataPath(document._type as string, document._id)}/relationships/references`, {
      json: { data: references(targets, this.doctype) },
    })
  }

  async removeReferencesTo(document: Target, targets: Target[]): Promise<void> {
    await exchange('DELETE', `${dataPath(document._type as string, document._id)}/relationships/references`, {
      json: { data: references(targets, this.doctype) },
    })
  }

  /** Makes `file` point at `documents`. */
  async addReferencedBy(file: Target, documents: Target[]): Promise<{ data: Reference[] }> {
    return exchangeJson('POST', `/files/${encodeURIComponent(file._id as string)}/relationships/referenced_by`, {
      json: { data: references(documents) },
    })
  }

  async removeReferencedBy(file: Target, documents: Target[]): Promise<{ data: Reference[] }> {
    return exchangeJson('DELETE', `/files/${encodeURIComponent(file._id as string)}/relationships/referenced_by`, {
      json: { data: references(documents) },
    })
  }

  async #stat(path: string, query: Record<string, string | number>) {
    const answer = await exchangeJson<{ data: JsonApiData; included?: JsonApiData[] }>('GET', path, { query })
    return { data: toClientFile(answer.data), included: (answer.included ?? []).map(toClientFile) }
  }
}

/** Queries on files: same bodies, another route and form of answer. */
class FileDocuments extends DocumentCollection {
  async findFiles(selector: Record<string, unknown> | undefined, options: FindOptions): Promise<Page<ClientFile>> {
    const parts = { ...options, doctype: this.doctype, ...(selector ? { selector } : {}) }
    const json = { ...findBody(parts), ...paging(options) }
    type Answer = List & { warning?: string }
    const answer = await this.withIndex<Answer>(
      parts,
      async () => {
        const found = await exchangeJson<List>('POST', '/files/_find', { json })
        return found.meta?.warning ? { ...found, warning: found.meta.warning } : found
      },
      { data: [] },
    )
    const next = answer.links?.next
    const bookmark = next ? new URL(next, 'http://stack').searchParams.get('page[cursor]') : null
    return {
      data: answer.data.map(toClientFile),
      meta: answer.meta ?? {},
      skip: options.skip ?? 0,
      next: Boolean(next),
      ...(bookmark ? { bookmark } : {}),
    }
  }
}

const toClientFile = (data: JsonApiData): ClientFile =>
  toFileDocument(data as Parameters<typeof toFileDocument>[0]) as ClientFile

function wrap({ _id, _type, _rev, attributes, links, relationships }: FileResource): { data: ClientFile } {
  const meta = _rev ? { rev: _rev } : {}
  return {
    data: toClientFile({ id: _id, type: _type, attributes, meta, links, ...(relationships ? { relationships } : {}) }),
  }
}

/** What of a document may be sent back as attributes: not what the client added. */
function changeable({
  _id,
  id,
  _rev,
  _type,
  data,
  attributes,
  links,
  meta,
  relationships,
  fileId,
  ...draft
}: FileDraft): object {
  return draft
}

function references(targets: Target | Target[], defaultType?: string): Reference[] {
  return [targets]
    .flat()
    .map(target => ({ type: (target._type ?? defaultType) as string, id: (target._id ?? target.id) as string }))
}

function pageQuery(options: Record<string, string | number | undefined>): Record<string, string | number> {
  const given = Object.entries(options).filter((pair): pair is [string, string | number] => pair[1] !== undefined)
  return Object.fromEntries(given.map(([name, value]) => [name.startsWith('page[') ? name : `page[${name}]`, value]))
}

export type { Document }
