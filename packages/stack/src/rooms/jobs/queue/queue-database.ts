import { CompiledQuery, type Transaction } from 'kysely'
import type pg from 'pg'
import type { Db } from 'pg-boss'
import type { GroundTables } from '#ground/database/index'

/** The pool as pg-boss wants a database, so that it opens none of its own. */
export const poolAsQueueDatabase = (driver: pg.Pool): Db => ({
  executeSql: (text, values) => driver.query(text, values),
})

/** One connection, in whatever transaction it is. */
export const clientAsQueueDatabase = (client: pg.PoolClient): Db => ({
  executeSql: (text, values) => client.query(text, values),
})

/** The caller's transaction: what is queued in it is there if and only if all else in it is. */
export const transactionAsQueueDatabase = (query: Transaction<GroundTables>): Db => ({
  async executeSql(text, values = []) {
    const { rows, numAffectedRows } = await query.executeQuery(CompiledQuery.raw(text, values))
    return { rows, rowCount: numAffectedRows === undefined ? rows.length : Number(numAffectedRows) }
  },
})
