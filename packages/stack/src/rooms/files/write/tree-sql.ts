import type { RunSql } from '#ground/documents/sql'
import { DOCUMENT_COLUMNS, type DocumentRow, storedDocument } from '#ground/documents/stored'
import { escapeText } from '#ground/documents/unstorable-text'
import type { VersionEntry } from '../present.ts'
import { toEntry } from '../read/tree-store.ts'
import { type Entry, FILES, type FileEntry, VERSIONS } from '../record.ts'

/** Doctypes stand in the text, so that the planner sees at once which partition and which indexes there are. */
const LIVE_FILES = `doctype = '${FILES}' and not deleted`
const LIVE_VERSIONS = `doctype = '${VERSIONS}' and not deleted`

/** What has this name in a directory. */
export async function childOf(
  run: RunSql,
  tenantId: string,
  directoryId: string,
  name: string,
): Promise<Entry | undefined> {
  const rows = await run<DocumentRow>(
    `select ${DOCUMENT_COLUMNS} from docs
      where instance_id = $1 and ${LIVE_FILES} and doc ->> 'dir_id' = $2 and doc ->> 'name' = $3`,
    [tenantId, escapeText(directoryId), escapeText(name)],
  )
  return rows[0] && toEntry(storedDocument(FILES, rows[0]))
}

/** Files right in some directories by id, after `after`. */
export async function filesIn(
  run: RunSql,
  tenantId: string,
  directoryIds: string[],
  { after, limit }: { after: string; limit: number },
): Promise<FileEntry[]> {
  const rows = await run<DocumentRow>(
    `select ${DOCUMENT_COLUMNS} from docs
      where instance_id = $1 and ${LIVE_FILES} and doc ->> 'dir_id' = any($2) and doc ->> 'type' = 'file' and id > $3
      order by id limit $4`,
    [tenantId, directoryIds, after, limit],
  )
  return rows.map(row => toEntry(storedDocument(FILES, row)) as FileEntry)
}

/** Most bytes and most components that paths of directories below a path have; 0 when there is none. */
export async function longestPathBelow(
  run: RunSql,
  tenantId: string,
  path: string,
): Promise<{ bytes: number; depth: number }> {
  const prefix = escapeText(`${path}/`)
  const rows = await run<{ bytes: number | null; depth: number | null }>(
    `select max(octet_length(doc ->> 'path')) as bytes,
            max(length(doc ->> 'path') - length(replace(doc ->> 'path', '/', ''))) as depth
       from docs
      where instance_id = $1 and ${LIVE_FILES} and doc ->> 'type' = 'directory'
        and doc ->> 'path' >= $2 and doc ->> 'path' < $3`,
    [tenantId, prefix, `${prefix.slice(0, -1)}0`],
  )
  return { bytes: rows[0]?.bytes ?? 0, depth: rows[0]?.depth ?? 0 }
}

/** Old contents of some files. */
export async function versionsOf(run: RunSql, tenantId: string, fileIds: string[]): Promise<VersionEntry[]> {
  const rows = await run<DocumentRow>(
    `select ${DOCUMENT_COLUMNS} from docs where instance_id = $1 and ${LIVE_VERSIONS} and doc ->> 'file_id' = any($2)`,
    [tenantId, fileIds],
  )
  return rows.map(toVersion)
}

/** Old contents of all files, those to give up first before others: untagged ones, then by age. */
export async function leastVersions(run: RunSql, tenantId: string, limit: number): Promise<VersionEntry[]> {
  const rows = await run<DocumentRow>(
    `select ${DOCUMENT_COLUMNS} from docs where instance_id = $1 and ${LIVE_VERSIONS}
      order by jsonb_array_length(coalesce(doc -> 'tags', '[]')) > 0, doc ->> 'updated_at', id limit $2`,
    [tenantId, limit],
  )
  return rows.map(toVersion)
}

/** Which of these blobs some file or version names. */
export async function namedBlobs(run: RunSql, tenantId: string, keys: string[]): Promise<Set<string>> {
  const rows = await run<{ key: string }>(
    `select key from unnest($2::text[]) as key
      where exists (select from docs where instance_id = $1 and ${LIVE_FILES} and doc ->> 'type' = 'file'
                                       and doc ->> 'internal_blob' = key)
         or exists (select from docs where instance_id = $1 and ${LIVE_VERSIONS} and doc ->> 'internal_blob' = key)`,
    [tenantId, keys],
  )
  return new Set(rows.map(({ key }) => key))
}

/** Items directly in the trash, those that went there before a time when one is given. */
export async function trashedBefore(
  run: RunSql,
  tenantId: string,
  trashId: string,
  time: string | undefined,
  limit: number,
): Promise<string[]> {
  const rows = await run<{ id: string }>(
    `select id from docs
      where instance_id = $1 and ${LIVE_FILES} and doc ->> 'dir_id' = $2
        and ($3::text is null or coalesce(doc #>> '{cozyMetadata,trashedAt}', doc ->> 'updated_at') < $3)
      order by id limit $4`,
    [tenantId, trashId, time ?? null, limit],
  )
  return rows.map(({ id }) => id)
}

const toVersion = (row: DocumentRow) => toEntry(storedDocument(VERSIONS, row)) as unknown as VersionEntry
