import type { RunSql } from '#ground/documents/sql'
import type { PhysicalIndex } from './physical-index.ts'
import { quoteText } from './statement.ts'

export type PhysicalState = 'wanted' | 'ready' | 'failed'

/** Indexes of one doctype: each makes every write of its documents slower. */
export const MOST_PER_DOCTYPE = 16
/** Indexes of the partition that doctypes share: all are looked at for every statement, matching or not (storage.md §7). */
export const MOST_SHARED = 64

/** Where the documents of a doctype are. */
export async function partitionOf(run: RunSql, doctype: string): Promise<{ name: string; shared: boolean }> {
  const rows = await run<{ name: string; bound: string }>(
    `select c.relname as name, pg_get_expr(c.relpartbound, c.oid) as bound
       from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = 'konnectory.docs'::regclass`,
    [],
  )
  const own = rows.find(({ bound }) => bound.startsWith('FOR VALUES') && bound.includes(quoteText(doctype)))
  const found = own ?? rows.find(({ bound }) => bound === 'DEFAULT')
  if (!found) throw new Error(`the table docs has no partition for ${doctype}`)
  return { name: found.name, shared: found !== own }
}

/** Under this lock indexes are counted and asked for, a moment; the other one is held while one is built. */
const COUNT_LOCK = 7_340_211_908

/**
 * Asks for an index, in a transaction.
 * @returns its state, `none` when there are too many already
 */
export async function requestIndex(
  run: RunSql,
  { name, doctype, fields }: PhysicalIndex,
): Promise<PhysicalState | 'none'> {
  const [known] = await run<{ state: PhysicalState }>('select state from mango_indexes where name = $1', [name])
  if (known) return known.state
  await run('select pg_advisory_xact_lock($1)', [COUNT_LOCK])
  const rows = await run<{ doctype: string; count: string }>(
    'select doctype, count(*) as count from mango_indexes group by doctype',
    [],
  )
  const counts = new Map(rows.map(row => [row.doctype, Number(row.count)]))
  if ((counts.get(doctype) ?? 0) >= MOST_PER_DOCTYPE) return 'none'
  if ((await partitionOf(run, doctype)).shared) {
    let shared = 0
    for (const [other, count] of counts) if ((await partitionOf(run, other)).shared) shared += count
    if (shared >= MOST_SHARED) return 'none'
  }
  await run(
    `insert into mango_indexes (name, doctype, fields, state) values ($1, $2, $3, 'wanted') on conflict do nothing`,
    [name, doctype, JSON.stringify(fields)],
  )
  return 'wanted'
}

export async function readIndex(
  run: RunSql,
  name: string,
): Promise<(PhysicalIndex & { state: PhysicalState }) | undefined> {
  const [row] = await run<PhysicalIndex & { state: PhysicalState }>(
    'select name, doctype, fields, state from mango_indexes where name = $1',
    [name],
  )
  return row
}

export async function setState(run: RunSql, name: string, state: PhysicalState, reason?: string): Promise<void> {
  await run(
    `update mango_indexes set state = $2, reason = $3, ready_at = case when $2 = 'ready' then now() end where name = $1`,
    [name, state, reason ?? null],
  )
}

/** What the catalogue says of an index: `broken` when it was left in the middle. */
export async function catalogueState(run: RunSql, name: string): Promise<'absent' | 'broken' | 'whole'> {
  const [row] = await run<{ whole: boolean }>(
    `select i.indisvalid and i.indisready and i.indislive as whole
       from pg_index i join pg_class c on c.oid = i.indexrelid
      where c.relnamespace = 'konnectory'::regnamespace and c.relname = $1`,
    [name],
  )
  return row === undefined ? 'absent' : row.whole ? 'whole' : 'broken'
}

/** Names of indexes that are not usable yet, or no longer: those asked for, failed or marked ready while broken. */
export async function readUnready(run: RunSql): Promise<string[]> {
  const rows = await run<{ name: string }>(
    `select m.name from mango_indexes m
      where m.state <> 'ready' or not exists (select from pg_index i join pg_class c on c.oid = i.indexrelid
        where c.relnamespace = 'konnectory'::regnamespace and c.relname = m.name and i.indisvalid)
      order by m.requested_at`,
    [],
  )
  return rows.map(({ name }) => name)
}

/** Forgets indexes that no definition uses. @returns their names, for they are still in the database */
export async function forgetUnused(run: RunSql): Promise<string[]> {
  const rows = await run<{ name: string }>(
    `delete from mango_indexes
      where not (name = any(array(select distinct unnest(uses) from mango_design_docs))) returning name`,
    [],
  )
  return rows.map(({ name }) => name)
}

/** Indexes in the database that are in no table: a drop, or a build, ended in the middle. */
export async function readStrays(run: RunSql): Promise<string[]> {
  const rows = await run<{ name: string }>(
    `select c.relname as name from pg_class c
      where c.relnamespace = 'konnectory'::regnamespace and c.relkind = 'i' and c.relname ~ '^mango_[0-9a-f]{32}$'
        and not exists (select from mango_indexes m where m.name = c.relname)`,
    [],
  )
  return rows.map(({ name }) => name)
}

/** Definitions that an index should serve and none was asked for: there were too many at the time. */
export async function readUnserved(run: RunSql): Promise<{ doctype: string; fields: string[] }[]> {
  return run(
    `select distinct d.doctype, array(select f ->> 'name' from json_array_elements(i -> 'fields') f) as fields
       from mango_design_docs d, json_array_elements(d.indexes) i
      where not exists (select from mango_indexes m where m.doctype = d.doctype
        and m.fields = (select jsonb_agg(f ->> 'name') from json_array_elements(i -> 'fields') f))`,
    [],
  )
}
