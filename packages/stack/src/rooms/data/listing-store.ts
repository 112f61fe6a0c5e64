import type { StoredDocument } from '#ground/documents/contract'
import { FEED_OF } from '#ground/documents/document-sql'
import { type DocumentRow, storedDocument } from '#ground/documents/index'
import type { RunSql } from '#ground/documents/sql'
import { Statement } from './mango/statement.ts'

/** A place in the order of ids. */
export interface Bound {
  id: string
  inclusive: boolean
}

/** Ids between two bounds, an absent one being the end of the list; in the order of `C`. */
export interface IdRange {
  low?: Bound | undefined
  high?: Bound | undefined
}

/** Documents read at a time: as many as hold about so many bytes, at least one. */
const PAGE_ROWS = 1000
const PAGE_BYTES = 1 << 20

const OF = 'instance_id = $1 and doctype = $2'

/** A statement's values, and the conditions that use them. */
function between(tenantId: string, doctype: string, { low, high }: IdRange) {
  const values: unknown[] = [tenantId, doctype]
  const at = (value: unknown) => `$${values.push(value)}`
  const conditions = [OF, 'not deleted']
  if (low) conditions.push(`id ${low.inclusive ? '>=' : '>'} ${at(low.id)}`)
  if (high) conditions.push(`id ${high.inclusive ? '<=' : '<'} ${at(high.id)}`)
  return { values, at, where: conditions.join(' and ') }
}

export interface PageOptions {
  descending?: boolean
  skip?: number
  limit?: number | undefined
  /** Without, `text` is empty. */
  contents: boolean
}

/** Living documents of a range, page by page. */
export async function* pagesById(
  run: RunSql,
  tenantId: string,
  doctype: string,
  range: IdRange,
  { descending = false, skip = 0, limit = Number.POSITIVE_INFINITY, contents }: PageOptions,
): AsyncGenerator<StoredDocument[]> {
  let rest = range
  let left = limit
  let offset = skip
  while (left > 0) {
    const { values, at, where } = between(tenantId, doctype, rest)
    const wanted = Math.min(left, PAGE_ROWS)
    const direction = descending ? 'desc' : 'asc'
    const page = `select id, rev, deleted, seq, doc from docs where ${where}
      order by id ${direction} limit ${at(wanted)} offset ${at(offset)}`
    const { documents, more } = await readPage(run, doctype, page, values, `id ${direction}`, contents, wanted)
    if (documents.length > 0) yield documents
    if (!more) return
    const bound = { id: documents.at(-1)!.id, inclusive: false }
    rest = descending ? { ...rest, high: bound } : { ...rest, low: bound }
    left -= documents.length
    offset = 0
  }
}

export interface ChangePageOptions {
  descending: boolean
  contents: boolean
  limit?: number | undefined
  /** A further condition over a row. */
  condition?: ((statement: Statement) => string) | undefined
}

/** Documents whose last change lies after `since` and not after `until`, by its position, page by page. */
export async function* pagesBySequence(
  run: RunSql,
  tenantId: string,
  doctype: string,
  since: number,
  until: number,
  { descending, contents, condition, limit = Number.POSITIVE_INFINITY }: ChangePageOptions,
): AsyncGenerator<StoredDocument[]> {
  let [low, high] = [since, until]
  let left = limit
  const direction = descending ? 'desc' : 'asc'
  while (left > 0) {
    const wanted = Math.min(left, PAGE_ROWS)
    const statement = new Statement()
    const conditions = [
      // As the index of the feed has it.
      `instance_id::text = ${statement.at(tenantId, 'text')}`,
      `doctype = ${statement.at(doctype, 'text')}`,
      `seq > ${statement.at(low, 'bigint')}`,
      `seq <= ${statement.at(high, 'bigint')}`,
      ...(condition ? [condition(statement)] : []),
    ]
    const page = `select id, rev, deleted, seq, doc from docs where ${conditions.join(' and ')}
      order by seq ${direction} limit ${statement.at(wanted, 'bigint')}`
    const { documents, more } = await readPage(
      run,
      doctype,
      page,
      statement.values,
      `seq ${direction}`,
      contents,
      wanted,
    )
    if (documents.length > 0) yield documents
    if (!more) return
    const { seq } = documents.at(-1)!
    if (descending) high = seq - 1
    else low = seq
    left -= documents.length
  }
}

/** As many rows of a statement as hold about a megabyte. @returns them, and whether there may be more */
async function readPage(
  run: RunSql,
  doctype: string,
  page: string,
  values: unknown[],
  order: string,
  contents: boolean,
  wanted: number,
): Promise<{ documents: StoredDocument[]; more: boolean }> {
  if (!contents) {
    const rows = await run<DocumentRow>(`select id, rev, deleted, seq, '' as text from (${page}) page`, values)
    return { documents: rows.map(row => storedDocument(doctype, row)), more: rows.length === wanted }
  }
  const rows = await run<DocumentRow & { found: string }>(
    `select id, rev, deleted, seq, doc::text as text, found
       from (select page.*, count(*) over () as found,
                    sum(pg_column_size(doc)) over (order by ${order} rows between unbounded preceding and 1 preceding) as before
               from (${page}) page) sized
      where coalesce(before, 0) < ${PAGE_BYTES} order by ${order}`,
    values,
  )
  const found = Number(rows[0]?.found ?? 0)
  return {
    documents: rows.map(row => storedDocument(doctype, row)),
    more: found === wanted || rows.length < found,
  }
}

export async function countBetween(run: RunSql, tenantId: string, doctype: string, range: IdRange): Promise<number> {
  const { values, where } = between(tenantId, doctype, range)
  const [row] = await run<{ n: string }>(`select count(*) as n from docs where ${where}`, values)
  return Number(row?.n ?? 0)
}

/** How many documents changed after a position and not after another; counting ends at `most`. */
export async function countChanges(
  run: RunSql,
  tenantId: string,
  doctype: string,
  since: number,
  until: number,
  most: number,
): Promise<number> {
  const [row] = await run<{ n: string }>(
    `select count(*) as n from (select from docs where ${FEED_OF} and seq > $3 and seq <= $4 limit $5) later`,
    [tenantId, doctype, since, until, most],
  )
  return Number(row?.n ?? 0)
}

/** Mean size in bytes of stored contents, of a few documents: reading all to tell a size would cost more than it tells. */
export async function meanSize(run: RunSql, tenantId: string, doctype: string): Promise<number> {
  const [row] = await run<{ size: number | null }>(
    `select avg(pg_column_size(doc))::float8 as size from (select doc from docs where ${OF} limit 100) sample`,
    [tenantId, doctype],
  )
  return row?.size ?? 0
}
