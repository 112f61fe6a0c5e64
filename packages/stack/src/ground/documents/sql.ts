import { CompiledQuery, type Transaction } from 'kysely'
import type pg from 'pg'
import { type GroundTables, typedError } from '../database/index.ts'

/** Runs a statement and gives its rows. `name` keeps it prepared on the connection, where that is possible. */
export type RunSql = <Row>(text: string, values: unknown[], name?: string) => Promise<Row[]>

/** On any connection of the pool, each statement by itself. */
export const onPool =
  (driver: pg.Pool): RunSql =>
  async <Row>(text: string, values: unknown[], name?: string) => {
    try {
      return (await driver.query({ text, values, ...(name && { name }) })).rows as Row[]
    } catch (error) {
      throw typedError(error)
    }
  }

/** In a transaction. */
export const inTransaction =
  (query: Transaction<GroundTables>): RunSql =>
  async <Row>(text: string, values: unknown[]) =>
    (await query.executeQuery(CompiledQuery.raw(text, values))).rows as Row[]
