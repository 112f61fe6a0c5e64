import type { Document } from '@konnectory/protocol'
import { type FileRecord, ROOT_DIR_ID, TRASH_DIR_ID } from './file-record.ts'
import { fileType } from './mime.ts'

/**
 * A record of a data file as this stack keeps it. Records of the former tools, `{_id, dir_id, metadata, trashed, attributes: {mime,
 * name, size}, cozyMetadata}` (`sdk/stub.md` section 3), and those written by hand get what they lack.
 *
 * @returns the record, its `dir_id` being a path (`.`, `sub/dir`) in the former form; nothing for one without a name
 */
export function toFileRecord(doc: Document, now: string): FileRecord | undefined {
  const { attributes, ...rest } = doc
  const flat: Document =
    typeof attributes === 'object' && attributes !== null ? { ...rest, ...(attributes as object) } : rest
  const type = flat.type === 'directory' ? 'directory' : 'file'
  const name = typeof flat.name === 'string' ? flat.name : ''
  if (name === '' && flat._id !== ROOT_DIR_ID && flat._id !== TRASH_DIR_ID) return undefined
  const record = {
    ...flat,
    type,
    name,
    dir_id: typeof flat.dir_id === 'string' ? flat.dir_id : ROOT_DIR_ID,
    created_at: typeof flat.created_at === 'string' ? flat.created_at : now,
    updated_at: typeof flat.updated_at === 'string' ? flat.updated_at : now,
  } as FileRecord
  if (type === 'directory') return record
  return {
    ...record,
    ...fileType(name, typeof flat.mime === 'string' ? flat.mime : ''),
    size: String(flat.size ?? ''),
    executable: flat.executable === true,
    trashed: flat.trashed === true,
    encrypted: flat.encrypted === true,
  }
}
