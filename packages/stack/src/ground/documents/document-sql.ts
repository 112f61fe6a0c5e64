import type { Current, RowToWrite } from './apply-edits.ts'
import type { ListOptions, StoredDocument } from './contract.ts'
import type { RunSql } from './sql.ts'
import { DOCUMENT_COLUMNS, type DocumentRow, storedDocument } from './stored.ts'
import { storableJson } from './unstorable-text.ts'

const OF = 'instance_id = $1 and doctype = $2'
/** The same for what goes by position: the form that the index `docs_feed` has (migrations/002-documents.sql). */
export const FEED_OF = 'instance_id::text = $1::uuid::text and doctype = $2'

/** Documents `$3` of `$1`, `$2`, each looked up by its key. */
export const byIds = (columns: string) =>
  `from unnest($3::text[]) as wanted(wanted_id)
   cross join lateral (select ${columns} from docs where ${OF} and id = wanted_id limit 1) found`
const COLUMNS = 'id, rev, deleted, seq, doc'

export async function readDocuments(
  run: RunSql,
  tenantId: string,
  doctype: string,
  ids: string[],
): Promise<Map<string, StoredDocument>> {
  // A text with NUL cannot even be asked for; nothing has such an id.
  const possible = ids.filter(id => !id.includes('\0'))
  if (possible.length === 0) return new Map()
  const rows = await run<DocumentRow>(
    `select ${DOCUMENT_COLUMNS} ${byIds(COLUMNS)}`,
    [tenantId, doctype, possible],
    'docs_read',
  )
  return new Map(rows.map(row => [row.id, storedDocument(doctype, row)]))
}

/** As `readDocuments`, with what an edit builds on. Current under the feed's lock. */
export async function readCurrent(
  run: RunSql,
  tenantId: string,
  doctype: string,
  ids: string[],
): Promise<Map<string, Current>> {
  if (ids.length === 0) return new Map()
  const rows = await run<DocumentRow & { history: string[] }>(
    `select ${DOCUMENT_COLUMNS}, history ${byIds(`${COLUMNS}, history`)}`,
    [tenantId, doctype, ids],
  )
  return new Map(rows.map(row => [row.id, { document: storedDocument(doctype, row), history: row.history }]))
}

export async function listDocuments(
  run: RunSql,
  tenantId: string,
  doctype: string,
  { limit, skip = 0, descending = false, startKey, endKey, inclusiveEnd = true }: ListOptions,
): Promise<StoredDocument[]> {
  const values: unknown[] = [tenantId, doctype]
  const at = (value: unknown) => `$${values.push(value)}`
  const conditions = [OF, 'not deleted']
  if (startKey !== undefined) conditions.push(`id ${descending ? '<=' : '>='} ${at(withoutNul(startKey))}`)
  if (endKey !== undefined)
    conditions.push(`id ${descending ? '>' : '<'}${inclusiveEnd ? '=' : ''} ${at(withoutNul(endKey))}`)
  const rows = await run<DocumentRow>(
    `select ${DOCUMENT_COLUMNS} from docs where ${conditions.join(' and ')} order by id ${descending ? 'desc' : ''}
     limit ${at(limit ?? null)} offset ${at(skip)}`,
    values,
  )
  return rows.map(row => storedDocument(doctype, row))
}

/** A bound cut before its first NUL: no id lies between the two. */
const withoutNul = (bound: string) => bound.split('\0', 1)[0]

export async function listChanges(
  run: RunSql,
  tenantId: string,
  doctype: string,
  { since, limit, descending = false }: { since: number; limit?: number | undefined; descending?: boolean | undefined },
): Promise<StoredDocument[]> {
  const rows = await run<DocumentRow>(
    `select ${DOCUMENT_COLUMNS} from docs where ${FEED_OF} and seq > $3 order by seq ${descending ? 'desc' : ''} limit $4`,
    [tenantId, doctype, since, limit ?? null],
  )
  return rows.map(row => storedDocument(doctype, row))
}

/**
 * `listChanges` with what the feed was at that moment: one statement, so that no commit comes in between.
 * @returns undefined when there is no feed
 */
export async function readFeedSince(
  run: RunSql,
  tenantId: string,
  doctype: string,
  since: number,
  limit: number,
): Promise<{ epoch: string; seq: number; documents: StoredDocument[] } | undefined> {
  const rows = await run<{ epoch: string; last: string } & { [Name in keyof DocumentRow]: DocumentRow[Name] | null }>(
    `select feeds.epoch, feeds.seq as last, found.*
       from feeds
       left join lateral (select ${DOCUMENT_COLUMNS} from docs where ${FEED_OF} and seq > $3 order by seq limit $4) found on true
      where feeds.instance_id = $1 and feeds.doctype = $2 order by found.seq`,
    [tenantId, doctype, since, limit],
    'feed_since',
  )
  const [first] = rows
  if (!first) return undefined
  const documents = rows.flatMap(row => (row.id === null ? [] : [storedDocument(doctype, row as DocumentRow)]))
  return { epoch: first.epoch, seq: Number(first.last), documents }
}

/** The counts of a feed after some rows were written. */
export interface FeedStep {
  changes: number
  documents: number
  tombstones: number
}

/**
 * Writes rows and the feed's step in one statement. Histories go along as one text each: the driver flattens nested arrays,
 * and hashes hold no space.
 */
export async function writeRows(
  run: RunSql,
  tenantId: string,
  doctype: string,
  rows: RowToWrite[],
  { changes, documents, tombstones }: FeedStep,
): Promise<void> {
  await run(
    `with step as (
       update feeds set seq = seq + $3, documents = documents + $4, tombstones = tombstones + $5 where ${OF}
     )
     insert into docs (instance_id, doctype, id, rev, generation, deleted, seq, history, doc)
     select $1, $2, u.id, u.rev, u.generation, u.deleted, u.seq, string_to_array(u.history, ' '), u.doc
       from unnest($6::text[], $7::text[], $8::integer[], $9::boolean[], $10::bigint[], $11::text[], $12::jsonb[])
            as u(id, rev, generation, deleted, seq, history, doc)
     on conflict (instance_id, doctype, id) do update
       set rev = excluded.rev, generation = excluded.generation, deleted = excluded.deleted, seq = excluded.seq,
           history = excluded.history, doc = excluded.doc`,
    [tenantId, doctype, changes, documents, tombstones, ...columns(rows)],
  )
}

/**
 * Documents that nobody else can have written, made and counted in one statement and so in one commit: the fastest way in.
 * @returns the feed, with the position before the first of them; undefined when there is none yet (then nothing was written)
 */
export async function insertNew(
  run: RunSql,
  tenantId: string,
  doctype: string,
  rows: RowToWrite[],
): Promise<{ seq: number; epoch: string } | undefined> {
  const written = await run<{ seq: string; epoch: string }>(
    `with step as (
       update feeds set seq = seq + $3, documents = documents + $3 where ${OF} returning seq - $3 as seq, epoch
     ), inserted as (
       insert into docs (instance_id, doctype, id, rev, generation, deleted, seq, history, doc)
       select $1, $2, u.id, u.rev, u.generation, u.deleted, step.seq + u.seq, string_to_array(u.history, ' '), u.doc
         from step, unnest($4::text[], $5::text[], $6::integer[], $7::boolean[], $8::bigint[], $9::text[], $10::jsonb[])
              as u(id, rev, generation, deleted, seq, history, doc)
     )
     select seq, epoch from step`,
    [tenantId, doctype, rows.length, ...columns(rows)],
    'docs_insert_new',
  )
  return written[0] && { seq: Number(written[0].seq), epoch: written[0].epoch }
}

function columns(rows: RowToWrite[]): unknown[] {
  return [
    rows.map(({ document }) => document.id),
    rows.map(({ document }) => document.rev),
    rows.map(({ generation }) => generation),
    rows.map(({ document }) => document.deleted),
    rows.map(({ document }) => document.seq),
    rows.map(({ history }) => history.join(' ')),
    rows.map(({ document }) => storableJson(document.body, document.text)),
  ]
}
