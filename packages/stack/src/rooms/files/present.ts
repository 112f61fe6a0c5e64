import type { Reference } from '@konnectory/protocol'
import type { DirectoryEntry, Entry, FileEntry, Stored, VersionRecord } from './record.ts'
import { FILES, ROOT_ID, VERSIONS } from './record.ts'

/** A JSON:API object of `/files` (`protocol/files.md` §1, §11). */
export interface EntryObject {
  type: string
  id: string
  attributes: Record<string, unknown>
  meta: { rev: string }
  links: Record<string, string>
  relationships: Record<string, unknown>
}

export interface PresentOptions {
  /** Makes the secret of thumbnail links of a file; from `ThumbnailSecrets.signer(tenant)`. */
  sign: (id: string) => string
  /** Path of a file, where it was asked for. Directories have theirs stored. */
  path?: string | undefined
}

/** A page of a directory's children, as `readContents` gives it. */
export interface ContentsPage {
  children: Entry[]
  /** Of all children, not only of this page. */
  total: number
  /** Query of the next page, `page%5Bcursor%5D=…&page%5Blimit%5D=30`; undefined on the last one. */
  next: string | undefined
}

export type VersionEntry = Stored<VersionRecord>

/** Sizes of thumbnails, in pixels: boxes that the picture fits in. */
export const THUMBNAIL_FORMATS = {
  tiny: [96, 96],
  small: [640, 480],
  medium: [1280, 720],
  large: [1920, 1080],
} as const

export const entryUrl = (id: string) => `/files/${encodeURIComponent(id)}`
const identifier = (id: string) => ({ id, type: FILES })

/**
 * What clients see of the stored content: without `_id`, `_rev` and what is ours. A file's references are only a
 * relationship; a directory's stand in its attributes too, where konnector libraries read them.
 */
export function entryAttributes(entry: Entry, path?: string): Record<string, unknown> {
  if (entry.type === 'directory') {
    const { _id, _rev, ...attributes } = entry
    return attributes
  }
  const { _id, _rev, internal_blob, referenced_by, ...attributes } = entry
  return path === undefined ? attributes : { ...attributes, path }
}

/** A file or directory as in a list. */
export function presentEntry(entry: Entry, { sign, path }: PresentOptions): EntryObject {
  return {
    type: FILES,
    id: entry._id,
    attributes: entryAttributes(entry, path),
    meta: { rev: entry._rev },
    links: entryLinks(entry, sign),
    relationships:
      entry.type === 'file'
        ? {
            parent: { links: { related: entryUrl(entry.dir_id) }, data: identifier(entry.dir_id) },
            referenced_by: referencesOf(entry),
          }
        : { referenced_by: referencesOf(entry) },
  }
}

/** The answer for a list; `count` is that of this answer unless the route says otherwise. */
export function presentList(
  entries: Entry[],
  { sign, count = entries.length, next }: PresentOptions & { count?: number; next?: string | undefined },
): object {
  return {
    data: entries.map(entry => presentEntry(entry, { sign })),
    meta: { count },
    links: next ? { next } : {},
  }
}

/** The answer for one file. With `versions` (GET and PUT only) its old contents are included. */
export function presentFile(file: FileEntry, options: PresentOptions & { versions?: VersionEntry[] }): object {
  const object = presentEntry(file, options)
  const { versions } = options
  if (!versions) return { data: object }
  const old_versions = { data: versions.map(({ _id }) => ({ id: _id, type: VERSIONS })) }
  return {
    data: { ...object, relationships: { ...object.relationships, old_versions } },
    included: versions.map(presentVersion),
  }
}

/** The answer for one directory with a page of its children. */
export function presentDirectory(directory: DirectoryEntry, options: PresentOptions & { page: ContentsPage }): object {
  const { page, sign } = options
  const object = presentEntry(directory, { sign })
  const contents = `${object.links.self}/relationships/contents`
  return {
    data: {
      ...object,
      relationships: {
        parent: parentOf(directory),
        contents: {
          meta: { count: page.total },
          links: { self: contents, ...(page.next ? { next: `${contents}?${page.next}` } : {}) },
          data: page.children.map(({ _id }) => identifier(_id)),
        },
        not_synchronized_on: {
          links: { self: `${object.links.self}/relationships/not_synchronized_on` },
          data: directory.not_synchronized_on ?? null,
        },
        ...object.relationships,
      },
    },
    links: page.next ? { next: `${object.links.self}?${page.next}` } : {},
    included: page.children.map(child => presentEntry(child, { sign })),
  }
}

/** An old content, `io.cozy.files.versions`. */
export function presentVersion(version: VersionEntry): EntryObject {
  const { _id, _rev, internal_blob, ...attributes } = version
  return {
    type: VERSIONS,
    id: _id,
    attributes,
    meta: { rev: _rev },
    links: { self: `/files/${_id.split('/').map(encodeURIComponent).join('/')}` },
    relationships: {
      file: { links: { related: entryUrl(version.file_id) }, data: identifier(version.file_id) },
    },
  }
}

/** Answer to a change of references: all that the entry has now. */
export function presentReferences(references: Reference[], rev: string): object {
  return { data: references, meta: { rev, count: references.length } }
}

function entryLinks(entry: Entry, sign: (id: string) => string): Record<string, string> {
  const self = entryUrl(entry._id)
  if (entry.type !== 'file' || (entry.class !== 'image' && entry.class !== 'pdf')) return { self }
  const secret = sign(entry._id)
  const thumbnails = Object.keys(THUMBNAIL_FORMATS).map(format => [format, `${self}/thumbnails/${secret}/${format}`])
  return { self, ...Object.fromEntries(thumbnails) }
}

/** No references are `null` on a file and an empty list on a directory. */
function referencesOf(entry: Entry) {
  return {
    links: { self: `${entryUrl(entry._id)}/relationships/references` },
    data: entry.referenced_by ?? (entry.type === 'file' ? null : []),
  }
}

function parentOf(directory: DirectoryEntry): object {
  if (directory._id === ROOT_ID || directory.dir_id === '') return {}
  return { links: { self: entryUrl(directory.dir_id) }, data: identifier(directory.dir_id) }
}
