import type { CozyMetadata, Reference, Stored } from '@konnectory/protocol'

export const FILES = 'io.cozy.files'
/** Ids of the two directories every instance has (`protocol/files.md` section 1). */
export const ROOT_DIR_ID = 'io.cozy.files.root-dir'
export const TRASH_DIR_ID = 'io.cozy.files.trash-dir'
export const TRASH_NAME = '.cozy_trash'

/** A document of `io.cozy.files` as it is stored: what `/data/io.cozy.files` shows. */
export interface FileRecord extends Stored {
  type: 'file' | 'directory'
  name: string
  dir_id: string
  /** Directories only. */
  path?: string
  restore_path?: string
  created_at: string
  updated_at: string
  /** Files only: digits. */
  size?: string
  md5sum?: string
  mime?: string
  class?: string
  executable?: boolean
  trashed?: boolean
  encrypted?: boolean
  tags?: string[]
  metadata?: Record<string, unknown>
  cozyMetadata?: CozyMetadata
  referenced_by?: Reference[]
  /** On disk but not made by this stack, or changed since by somebody: may be seen, described and read, never written or removed. */
  foreign?: true
}

/** True for the root and the trash, which cannot be changed, moved or removed. */
export function isBuiltIn(id: string): boolean {
  return id === ROOT_DIR_ID || id === TRASH_DIR_ID
}
