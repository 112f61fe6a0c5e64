import { compareIds } from '../documents/collation.ts'
import { FILES, type FileRecord, ROOT_DIR_ID } from './file-record.ts'
import type { FilesStore } from './files-store.ts'

/** A JSON:API object of `/files` (`protocol/files.md` section 1). */
export interface FileObject {
  type: string
  id: string
  attributes: Record<string, unknown>
  meta: { rev: string }
  links: Record<string, string>
  relationships: Record<string, unknown>
}

const route = (id: string) => `/files/${encodeURIComponent(id)}`
const identifier = (id: string) => ({ id, type: FILES })

/** The record as a document: what `/data` shows. Marks of this stack stay inside. */
export function toDocument(record: FileRecord): FileRecord {
  const { foreign, ...doc } = record
  return doc
}

/** Attributes of a file hide its references; those of a directory show them, which konnector libraries read. */
export function fileAttributes(record: FileRecord): Record<string, unknown> {
  const { _id, _rev, foreign, referenced_by, ...attributes } = record
  return record.type === 'directory' && referenced_by ? { ...attributes, referenced_by } : attributes
}

/** As in a list. */
export function listedObject(record: FileRecord, attributes = fileAttributes(record)): FileObject {
  const self = route(record._id)
  const references = {
    links: { self: `${self}/relationships/references` },
    data: record.referenced_by ?? (record.type === 'file' ? null : []),
  }
  return {
    type: FILES,
    id: record._id,
    attributes,
    meta: { rev: record._rev },
    links: { self },
    relationships: {
      ...(record.type === 'file'
        ? { parent: { links: { related: route(record.dir_id) }, data: identifier(record.dir_id) } }
        : {}),
      referenced_by: references,
    },
  }
}

/** The answer for one file. There are no versions here: an overwritten content is gone. */
export function fileAnswer(record: FileRecord): object {
  const object = listedObject(record)
  return { data: { ...object, relationships: { ...object.relationships, old_versions: { data: [] } } }, included: [] }
}

export interface ContentsPage {
  limit: number
  skip: number
}

/** Children of a directory: directories first, then by name; without those that are gone from disk. */
export function contents(store: FilesStore, directory: FileRecord): FileRecord[] {
  return store
    .childrenOf(directory._id)
    .map(child => store.alive(child._id))
    .filter(child => child !== undefined)
    .sort((a, b) => compareIds(a.type, b.type) || compareIds(a.name, b.name))
}

/** The link to the page after this one; its cursor is a position. */
export function nextLink(path: string, page: ContentsPage, total: number): { next?: string } {
  const next = page.skip + page.limit
  if (next >= total) return {}
  return { next: `${path}?page%5Bskip%5D=${next}&page%5Blimit%5D=${page.limit}` }
}

/** The answer for one directory, a page of its children included. */
export function directoryAnswer(store: FilesStore, record: FileRecord, page: ContentsPage): object {
  const all = contents(store, record)
  const shown = all.slice(page.skip, page.skip + page.limit)
  const self = route(record._id)
  const object = listedObject(record)
  const parent =
    record._id === ROOT_DIR_ID ? {} : { links: { self: route(record.dir_id) }, data: identifier(record.dir_id) }
  return {
    data: {
      ...object,
      relationships: {
        parent,
        contents: {
          meta: { count: all.length },
          links: {
            self: `${self}/relationships/contents`,
            ...nextLink(`${self}/relationships/contents`, page, all.length),
          },
          data: shown.map(child => identifier(child._id)),
        },
        not_synchronized_on: { links: { self: `${self}/relationships/not_synchronized_on` }, data: null },
        referenced_by: object.relationships.referenced_by,
      },
    },
    links: nextLink(self, page, all.length),
    included: shown.map(child => listedObject(child)),
  }
}
