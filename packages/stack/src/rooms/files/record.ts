import type { CozyMetadata, Reference } from '@konnectory/protocol'

/** Doctypes and fixed ids of `protocol/files.md` §1. */
export const FILES = 'io.cozy.files'
export const VERSIONS = 'io.cozy.files.versions'
export const ROOT_ID = 'io.cozy.files.root-dir'
export const TRASH_ID = 'io.cozy.files.trash-dir'
export const TRASH_PATH = '/.cozy_trash'

/** Content of a stored document of a file. `size` is a text of digits on disk as on the wire; `blob` never goes out. */
export interface FileRecord {
  type: 'file'
  name: string
  dir_id: string
  restore_path?: string
  created_at: string
  updated_at: string
  size: string
  md5sum: string
  mime: string
  class: string
  executable: boolean
  trashed: boolean
  encrypted: boolean
  tags?: string[]
  metadata?: Record<string, unknown>
  referenced_by?: Reference[]
  cozyMetadata?: CozyMetadata
  /** Key of the content in the blob store. */
  internal_blob: string
}

/** Content of a stored document of a directory. `path` is kept true on every move of an ancestor. */
export interface DirectoryRecord {
  type: 'directory'
  name: string
  dir_id: string
  restore_path?: string
  path: string
  created_at: string
  updated_at: string
  tags?: string[]
  metadata?: Record<string, unknown>
  referenced_by?: Reference[]
  not_synchronized_on?: Reference[]
  cozyMetadata?: CozyMetadata
}

/** An old content of a file, `io.cozy.files.versions`, id `<file id>/<n>`. */
export interface VersionRecord {
  file_id: string
  updated_at: string
  size: string
  md5sum: string
  tags: string[]
  metadata?: Record<string, unknown>
  cozyMetadata?: CozyMetadata
  internal_blob: string
}

/** A stored file or directory with its id and revision. */
export type Entry = Stored<FileRecord> | Stored<DirectoryRecord>
export type Stored<T> = T & { _id: string; _rev: string }
export type FileEntry = Stored<FileRecord>
export type DirectoryEntry = Stored<DirectoryRecord>
