import { createHash } from 'node:crypto'
import type { RunSql } from '#ground/documents/sql'
import type { DesignDocument, IndexDefinition } from './definition.ts'
import { quoteText } from './statement.ts'

interface Row {
  id: string | null
  rev: string
  generation: number
  own: boolean
  indexes: IndexDefinition[]
}

export interface StoredDesignDocument extends DesignDocument {
  generation: number
}

/** Definitions belong to a feed and its epoch: those of a database that was dropped are not found again. */
const JOINED = `from feeds f left join mango_design_docs d
  on d.instance_id = f.instance_id and d.doctype = f.doctype and d.epoch = f.epoch`

/** Asks for all of a doctype; values stand in the text, so that it can go along with other statements. */
export const definitionsSql = (tenantId: string, doctype: string): string =>
  `select d.id, d.rev, d.generation, d.own, d.indexes ${JOINED}
    where f.instance_id = ${quoteText(tenantId)} and f.doctype = ${quoteText(doctype)} order by d.id`

/** What `definitionsSql` answered, by id; undefined when there is no such database. */
export function definitionsOf(rows: unknown[]): StoredDesignDocument[] | undefined {
  if (rows.length === 0) return undefined
  return (rows as Row[]).flatMap(row => (row.id === null ? [] : [stored(row.id, row)]))
}

/** One, locked until the end of the transaction; `epoch` undefined: no such database. */
export async function lockDefinition(
  run: RunSql,
  tenantId: string,
  doctype: string,
  id: string,
): Promise<{ epoch: string | undefined; document: StoredDesignDocument | undefined; count: number }> {
  // Serialises changes of a doctype's definitions, also of those that are not there yet.
  await run('select pg_advisory_xact_lock(hashtextextended($1, 7340211907))', [`${tenantId} ${doctype}`])
  const [feed] = await run<{ epoch: string; count: string }>(
    `select f.epoch, count(d.id) as count ${JOINED} where f.instance_id = $1 and f.doctype = $2 group by f.epoch`,
    [tenantId, doctype],
  )
  const [row] = await run<Row>(
    `select d.id, d.rev, d.generation, d.own, d.indexes ${JOINED}
      where f.instance_id = $1 and f.doctype = $2 and d.id = $3`,
    [tenantId, doctype, id],
  )
  return { epoch: feed?.epoch, document: row && stored(id, row), count: Number(feed?.count ?? 0) }
}

function stored(id: string, { rev, generation, own, indexes }: Row): StoredDesignDocument {
  return { id: `_design/${id}`, rev, generation, own, indexes }
}

export interface DefinitionToWrite {
  tenantId: string
  doctype: string
  epoch: string
  /** Without `_design/`. */
  id: string
  generation: number
  own: boolean
  indexes: IndexDefinition[]
  /** Names of the indexes in the database that serve it. */
  uses: string[]
}

/** @returns the new revision */
export async function writeDefinition(run: RunSql, definition: DefinitionToWrite): Promise<string> {
  const { tenantId, doctype, epoch, id, generation, own, indexes, uses } = definition
  const text = JSON.stringify(indexes)
  const rev = `${generation}-${createHash('md5').update(text).digest('hex')}`
  await run(
    `insert into mango_design_docs (instance_id, doctype, id, epoch, generation, rev, own, indexes, uses)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
     on conflict (instance_id, doctype, id) do update
       set epoch = excluded.epoch, generation = excluded.generation, rev = excluded.rev, own = excluded.own,
           indexes = excluded.indexes, uses = excluded.uses`,
    [tenantId, doctype, id, epoch, generation, rev, own, text, uses],
  )
  return rev
}

export async function deleteDefinition(run: RunSql, tenantId: string, doctype: string, id: string): Promise<void> {
  await run('delete from mango_design_docs where instance_id = $1 and doctype = $2 and id = $3', [
    tenantId,
    doctype,
    id,
  ])
}

/** Removes definitions whose database is gone. */
export async function deleteOrphans(run: RunSql): Promise<void> {
  await run(
    `delete from mango_design_docs d where not exists (select from feeds f
      where f.instance_id = d.instance_id and f.doctype = d.doctype and f.epoch = d.epoch)`,
    [],
  )
}
