import type { RunSql } from '#ground/documents/sql'
import type { PhysicalIndex } from './physical-index.ts'
import { quoteText } from './statement.ts'

/** `waiting`: there are too many, queries go without; `wanted`: to be built. */
export type PhysicalState = 'waiting' | 'wanted' | 'ready' | 'failed'

/** Indexes of one doctype: each makes every write of its documents slower. */
export const MOST_PER_DOCTYPE = 16
/** Indexes of the partition that doctypes share: all are looked at for every statement, matching or not (storage.md §7). */
export const MOST_SHARED = 64

export interface Partition {
  name: string
  /** Whether other doctypes are in it, too. */
  shared: boolean
}

interface PartitionRow {
  name: string
  /** As the catalogue writes it. */
  bound: string
}

export const readPartitions = (run: RunSql): Promise<PartitionRow[]> =>
  run(
    `select c.relname as name, pg_get_expr(c.relpartbound, c.oid) as bound
       from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = 'konnectory.docs'::regclass`,
    [],
  )

/** Where the documents of a doctype are. */
export function partitionOf(partitions: PartitionRow[], doctype: string): Partition {
  const own = partitions.find(({ bound }) => bound.startsWith('FOR VALUES') && bound.includes(quoteText(doctype)))
  const found = own ?? partitions.find(({ bound }) => bound === 'DEFAULT')
  if (!found) throw new Error(`the table docs has no partition for ${doctype}`)
  return { name: found.name, shared: found !== own }
}

/**
 * Held to the end of a transaction that counts indexes, asks for one or forgets some: what a definition counts on is there when
 * its transaction ends. Another lock is held while one is built.
 */
const COUNT_LOCK = 7_340_211_908
const lock = (run: RunSql) => run('select pg_advisory_xact_lock($1)', [COUNT_LOCK])

/** Asks for an index, in the transaction of a definition. @returns its state */
export async function requestIndex(run: RunSql, index: PhysicalIndex): Promise<PhysicalState> {
  const { name, doctype, fields } = index
  await lock(run)
  const known = await readIndex(run, name)
  if (known && known.state !== 'waiting') return known.state
  const state = (await hasRoom(run, doctype)) ? 'wanted' : 'waiting'
  await run(
    `insert into mango_indexes (name, doctype, fields, state) values ($1, $2, $3, $4)
     on conflict (name) do update set state = excluded.state`,
    [name, doctype, JSON.stringify(fields), state],
  )
  return state
}

async function hasRoom(run: RunSql, doctype: string): Promise<boolean> {
  const rows = await run<{ doctype: string; count: string }>(
    `select doctype, count(*) as count from mango_indexes where state <> 'waiting' group by doctype`,
    [],
  )
  const counts = new Map(rows.map(row => [row.doctype, Number(row.count)]))
  if ((counts.get(doctype) ?? 0) >= MOST_PER_DOCTYPE) return false
  const partitions = await readPartitions(run)
  if (!partitionOf(partitions, doctype).shared) return true
  let shared = 0
  for (const [other, count] of counts) if (partitionOf(partitions, other).shared) shared += count
  return shared < MOST_SHARED
}

/** Asks for those that wait, as far as there is room, in a transaction. */
export async function promoteWaiting(run: RunSql): Promise<void> {
  const waiting = await run<PhysicalIndex>(
    `select name, doctype, fields from mango_indexes where state = 'waiting' order by requested_at`,
    [],
  )
  for (const index of waiting) await requestIndex(run, index)
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
      where m.state <> 'waiting' and (m.state <> 'ready' or not exists (select from pg_index i join pg_class c on c.oid = i.indexrelid
        where c.relnamespace = 'konnectory'::regnamespace and c.relname = m.name and i.indisvalid))
      order by m.requested_at`,
    [],
  )
  return rows.map(({ name }) => name)
}

/** Forgets indexes that no definition uses, in a transaction. They are still in the database. */
export async function forgetUnused(run: RunSql): Promise<void> {
  await lock(run)
  await run(
    `delete from mango_indexes
      where not (name = any(array(select distinct unnest(uses) from mango_design_docs)))`,
    [],
  )
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
