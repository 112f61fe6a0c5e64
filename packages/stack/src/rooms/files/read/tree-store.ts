import type { StoredDocument } from '#ground/documents/contract'
import type { RunSql } from '#ground/documents/sql'
import { DOCUMENT_COLUMNS, type DocumentRow, storedDocument } from '#ground/documents/stored'
import { escapeText } from '#ground/documents/unstorable-text'
import type { DirectoryEntry, Entry } from '../record.ts'
import { FILES, ROOT_ID } from '../record.ts'

/** The doctype stands in the text, so that the planner sees at once which partition and which indexes there are. */
const LIVE = `doctype = '${FILES}' and not deleted`
const DEEPEST = 600

/** Where a page of children starts. `after` is the last child of the page before; names are unique among siblings. */
export interface ChildrenFrom {
  limit: number
  after?: { type: string; name: string } | undefined
  skip?: number | undefined
}

/** The content of a document with its id and revision. */
export const toEntry = ({ id, rev, body }: StoredDocument): Entry => ({ ...body, _id: id, _rev: rev }) as Entry

const fromRow = (row: DocumentRow): Entry => toEntry(storedDocument(FILES, row))

/** PostgreSQL takes no NUL in a text, and no stored one has it: an id or path with one is nobody's. */
export const cannotBe = (text: string) => text.includes('\0')

/**
 * Children of a directory by type (directories first), then by name in `C` order; the trash is not among the root's. Found by
 * the index `docs_files_children`, whatever the size of the directory: the function of the database insists on it.
 */
export async function childrenOf(
  run: RunSql,
  tenantId: string,
  directoryId: string,
  { limit, after, skip = 0 }: ChildrenFrom,
): Promise<Entry[]> {
  const rows = await run<DocumentRow>(
    `select ${DOCUMENT_COLUMNS} from file_children($1, $2, $3, $4, $5, $6)`,
    [tenantId, directoryId, escapeText(after?.type ?? ''), escapeText(after?.name ?? ''), limit, skip],
    'file_children',
  )
  return rows.map(fromRow)
}

/** The directory of a path, `/` included. */
export async function directoryAt(run: RunSql, tenantId: string, path: string): Promise<DirectoryEntry | undefined> {
  if (cannotBe(path)) return undefined
  const rows = await run<DocumentRow>(
    `select ${DOCUMENT_COLUMNS} from docs
      where instance_id = $1 and ${LIVE} and doc ->> 'type' = 'directory' and doc ->> 'path' = $2`,
    [tenantId, escapeText(path)],
  )
  return rows[0] && (fromRow(rows[0]) as DirectoryEntry)
}

/** A file or directory by the path of its parent and its name. */
export async function childAt(
  run: RunSql,
  tenantId: string,
  parentPath: string,
  name: string,
): Promise<Entry | undefined> {
  if (cannotBe(parentPath) || cannotBe(name)) return undefined
  const rows = await run<DocumentRow>(
    `select ${DOCUMENT_COLUMNS} from docs
      where instance_id = $1 and ${LIVE} and doc ->> 'name' = $3 and doc ->> 'dir_id' = (
        select id from docs
         where instance_id = $1 and ${LIVE} and doc ->> 'type' = 'directory' and doc ->> 'path' = $2)`,
    [tenantId, escapeText(parentPath), escapeText(name)],
  )
  return rows[0] && fromRow(rows[0])
}

/** A directory and all above it, in one statement. */
export async function ancestorsOf(run: RunSql, tenantId: string, directoryId: string): Promise<DirectoryEntry[]> {
  if (directoryId === '' || cannotBe(directoryId)) return []
  const rows = await run<DocumentRow>(
    `with recursive up as (
       select id, rev, deleted, seq, doc, 1 as depth from docs where instance_id = $1 and ${LIVE} and id = $2
       union all
       select docs.id, docs.rev, docs.deleted, docs.seq, docs.doc, up.depth + 1
         from up join docs on docs.instance_id = $1 and docs.doctype = '${FILES}' and not docs.deleted
                          and docs.id = up.doc ->> 'dir_id'
        where up.depth < ${DEEPEST}
     )
     select ${DOCUMENT_COLUMNS} from up`,
    [tenantId, directoryId],
  )
  return rows.map(row => fromRow(row) as DirectoryEntry)
}

/** Directories below a path, itself included, in the order of their paths; the next ones start after `after`. */
export async function directoriesBelow(
  run: RunSql,
  tenantId: string,
  path: string,
  { limit, after }: { limit: number; after?: string | undefined },
): Promise<DirectoryEntry[]> {
  const rows = await run<DocumentRow>(
    `select ${DOCUMENT_COLUMNS} from docs
      where instance_id = $1 and ${BELOW} and doc ->> 'path' > $5
      order by doc ->> 'path' limit $6`,
    [tenantId, ...belowValues(path), escapeText(after ?? ''), limit],
  )
  return rows.map(row => fromRow(row) as DirectoryEntry)
}

/** Bytes of all files below a path. */
export async function bytesBelow(run: RunSql, tenantId: string, path: string): Promise<bigint> {
  const rows = await run<{ bytes: string }>(
    `select coalesce(sum((file.doc ->> 'size')::numeric), 0)::text as bytes
       from (select id from docs where instance_id = $1 and ${BELOW}) directory
       join docs file on file.instance_id = $1 and file.doctype = '${FILES}' and not file.deleted
                     and file.doc ->> 'dir_id' = directory.id and file.doc ->> 'type' = 'file'`,
    [tenantId, ...belowValues(path)],
  )
  return BigInt(rows[0]?.bytes ?? 0)
}

/** `0` is what follows `/` in `C` order, so `/a/…` is all between `/a/` and `/a0`. */
const BELOW = `${LIVE} and doc ->> 'type' = 'directory'
  and (doc ->> 'path' = $2 or doc ->> 'path' >= $3 and doc ->> 'path' < $4)`

function belowValues(path: string): string[] {
  const prefix = escapeText(path === '/' ? '/' : `${path}/`)
  return [escapeText(path), prefix, `${prefix.slice(0, -1)}0`]
}

/** Live files and directories without a parent, or with one that is a file; only damage makes them. */
export async function orphans(run: RunSql, tenantId: string, limit: number): Promise<Entry[]> {
  const rows = await run<DocumentRow>(
    `select ${DOCUMENT_COLUMNS} from docs entry
      where instance_id = $1 and ${LIVE} and id <> '${ROOT_ID}'
        and not exists (
          select from docs parent
           where parent.instance_id = $1 and parent.doctype = '${FILES}' and not parent.deleted
             and parent.id = entry.doc ->> 'dir_id' and parent.doc ->> 'type' = 'directory')
      order by id limit $2`,
    [tenantId, limit],
  )
  return rows.map(fromRow)
}
