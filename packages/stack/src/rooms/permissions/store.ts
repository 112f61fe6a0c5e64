import { sql, type Transaction } from 'kysely'
import type { GroundTables, Query } from '#ground/database/index'
import type { DocumentReader, DocumentTransaction, DocumentWriter, StoredDocument } from '#ground/documents/contract'
import { DOCUMENT_COLUMNS, type DocumentRow, escapeText, storedDocument } from '#ground/documents/index'
import type { Tenant } from '#ground/tenant'
import { bodyOf, type NewRecord, PERMISSIONS, type PermissionRecord, recordOf } from './record.ts'

type Connection = Query | Transaction<GroundTables>

/** Reads the permission document with an id; undefined when there is none. */
export async function findRecord(
  reader: Pick<DocumentReader, 'get'>,
  id: string,
): Promise<PermissionRecord | undefined> {
  if (!canBeStored(id)) return undefined
  const document = await reader.get(PERMISSIONS, id)
  return document && !document.deleted ? recordOf(document) : undefined
}

/** Creates a permission document; without an id it gets one. @throws CouchError 409 when the id is taken */
export async function createRecord(writer: DocumentWriter, record: NewRecord, id?: string): Promise<PermissionRecord> {
  return recordOf(await writer.create(PERMISSIONS, bodyOf(record), id))
}

/** Writes a changed document over the revision it was read at. @throws CouchError 409, 404 */
export async function updateRecord(writer: DocumentWriter, record: PermissionRecord): Promise<PermissionRecord> {
  const { id, rev, ...content } = record
  return recordOf(await writer.update(PERMISSIONS, id, rev, bodyOf(content)))
}

/** Deletes a permission document. @throws CouchError 409, 404 */
export async function removeRecord(writer: DocumentWriter, { id, rev }: PermissionRecord): Promise<void> {
  await writer.remove(PERMISSIONS, id, rev)
}

/** Takes a code for a document. @returns whether it was free */
export async function claimCode(writer: DocumentTransaction, code: string, permissionId: string): Promise<boolean> {
  const { numAffectedRows } = await sql`
    insert into share_codes (instance_id, code, permission_id) values (${writer.tenant.id}, ${code}, ${permissionId})
    on conflict do nothing`.execute(writer.query)
  return Number(numAffectedRows ?? 0) === 1
}

/** Gives codes of a document back; without a list, all of them. */
export async function releaseCodes(writer: DocumentTransaction, permissionId: string, codes?: string[]): Promise<void> {
  await sql`
    delete from share_codes where instance_id = ${writer.tenant.id} and permission_id = ${permissionId}
    and (${codes === undefined} or code = any(${codes ?? []}::text[]))`.execute(writer.query)
}

/** The document a code was made for, whatever has become of it since. */
export async function documentOfCode(query: Connection, tenant: Tenant, code: string): Promise<string | undefined> {
  const { rows } = await sql<{ permission_id: string }>`
    select permission_id from share_codes where instance_id = ${tenant.id} and code = ${code}`.execute(query)
  return rows[0]?.permission_id
}

/** Documents of shares with a rule on a doctype, by id, after one. */
export async function sharesOf(
  query: Connection,
  tenant: Tenant,
  doctype: string,
  { after, limit }: { after: string; limit: number },
): Promise<PermissionRecord[]> {
  const { rows } = await sql<DocumentRow>`
    select ${sql.raw(DOCUMENT_COLUMNS)} from docs
    where instance_id = ${tenant.id} and doctype = 'io.cozy.permissions' and not deleted and id > ${after}
      and doc ->> 'type' in ('share', 'share-preview', 'share-interact')
      and exists (select from jsonb_each(doc -> 'permissions') as rule (title, content) where content ->> 'type' = ${doctype})
    order by id limit ${limit}`.execute(query)
  return rows.map(readRow)
}

/** Documents of shares with a rule that names one of some ids of some doctypes. */
export async function sharesNaming(
  query: Connection,
  tenant: Tenant,
  doctypes: string[],
  ids: string[],
): Promise<PermissionRecord[]> {
  const { rows } = await sql<DocumentRow>`
    select ${sql.raw(DOCUMENT_COLUMNS)} from docs
    where instance_id = ${tenant.id} and doctype = 'io.cozy.permissions' and not deleted
      and doc ->> 'type' in ('share', 'share-preview', 'share-interact')
      and exists (
        select from jsonb_each(doc -> 'permissions') as rule (title, content)
        where content ->> 'type' = any(${doctypes}::text[]) and content -> 'values' ?| ${ids.map(escapeText)}::text[])
    order by id`.execute(query)
  return rows.map(readRow)
}

const readRow = (row: DocumentRow): PermissionRecord => recordOf(storedDocument(PERMISSIONS, row) as StoredDocument)

/** Whether a text can be in the database at all; a parameter with NUL would be an error of the server's. */
export const canBeStored = (text: string): boolean =>
  text !== '' && text.length <= 1024 && !/\0|\p{Surrogate}/u.test(text)
