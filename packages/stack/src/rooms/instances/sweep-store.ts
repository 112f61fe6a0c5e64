import { SCHEMA } from '#ground/database/index'
import type { Ground } from '#ground/ground'

/** Rows of one statement: some ten milliseconds, so that nobody waits long for them. */
const CHUNK = 5_000
/** Ours, whose row goes last. */
const LAST = 'instances'

/** A table of any room that has rows of instances. */
export interface InstanceTable {
  name: string
  /** In their order, without generated ones. */
  columns: string[]
}

/**
 * Everything that belongs to an instance, whichever room's: each table leads with `instance_id`, which is how they are found.
 * A room that adds a table has nothing to register.
 */
export function createSweep({ driver }: Pick<Ground['database'], 'driver'>) {
  /** Leaves of partitioned tables each by itself, or the tables as they are written to. */
  async function tables(kind: 'leaves' | 'roots'): Promise<InstanceTable[]> {
    const { rows } = await driver.query<InstanceTable>(
      `select c.relname as name, array_agg(a.attname::text order by a.attnum) as columns
         from pg_class c
         join pg_namespace n on n.oid = c.relnamespace
         join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
        where n.nspname = $1 and c.relname <> $2
          and (case when $3 = 'leaves' then c.relkind = 'r' else c.relkind in ('r', 'p') and not c.relispartition end)
        group by c.oid, c.relname
       having bool_or(a.attname = 'instance_id')
        order by c.relname`,
      [SCHEMA, LAST, kind],
    )
    return rows
  }

  return {
    tables,
    /** Deletes all rows of an instance but its own, in chunks, each its own transaction. @returns how many */
    async rowsOf(instanceId: string): Promise<number> {
      let deleted = 0
      for (const { name } of await tables('leaves')) {
        const table = `${SCHEMA}."${name.replaceAll('"', '""')}"`
        for (;;) {
          const { rowCount } = await driver.query(
            `delete from ${table} where ctid in (select ctid from ${table} where instance_id = $1 limit ${CHUNK})`,
            [instanceId],
          )
          deleted += rowCount ?? 0
          if ((rowCount ?? 0) < CHUNK) break
        }
      }
      return deleted
    },
  }
}

export type Sweep = ReturnType<typeof createSweep>
