import type pg from 'pg'
import { DatabaseError, typedError } from '#ground/database/errors'
import type { StoredDocument } from '#ground/documents/contract'
import type { RunSql } from '#ground/documents/sql'
import { type DocumentRow, storedDocument } from '#ground/documents/stored'
import { storableJson } from '#ground/documents/unstorable-text'
import { badArgument } from './errors.ts'
import { getField } from './field-path.ts'
import { type FindPlan, findSql } from './find-sql.ts'
import type { KeyColumn } from './key.ts'

/** Invalid regular expression, which our translation should have found. */
const BAD_REGEX = '2201B'

/**
 * Runs a query, for at most so long.
 * @throws StatementTimeout, which callers see as `context deadline exceeded`
 */
export async function findDocuments(driver: pg.Pool, plan: FindPlan, timeoutMs: number): Promise<StoredDocument[]> {
  const { text, values } = findSql(plan)
  const client = await driver.connect().catch(rethrow)
  let broken = false
  try {
    // One trip for both. A limit of the statement's own, for the connection's is for slower work, too.
    await client.query(`begin read only; set local statement_timeout = ${timeoutMs}`)
    const { rows } = await client.query<DocumentRow>(text, values)
    await client.query('commit')
    return rows.map(row => storedDocument(plan.doctype, row))
  } catch (error) {
    await client.query('rollback').catch(() => {
      broken = true
    })
    return rethrow(error)
  } finally {
    client.release(broken)
  }
}

function rethrow(error: unknown): never {
  const typed = typedError(error)
  if (typed instanceof DatabaseError && typed.code === BAD_REGEX) throw badArgument('$regex', typed.message)
  throw typed
}

/** The keys of a document in an index, as the database makes them. */
export async function keysOf(run: RunSql, document: StoredDocument, columns: KeyColumn[]): Promise<unknown[]> {
  const keyed = columns.filter(({ isId }) => !isId)
  const values = keyed.map(({ path }) => (path[0] === '_rev' ? document.rev : getField(document.body, path)))
  const made = values.map(value => scalarKey(value))
  if (made.every(key => key !== undefined)) return made
  const [row] = await run<Record<string, unknown>>(
    `select ${keyed.map(({ cap }, at) => `konnectory.mango_key($${at + 1}::jsonb, ${cap}) as k${at}`).join(', ')}`,
    values.map(value => storableJson(value)),
  )
  return keyed.map((_, at) => row?.[`k${at}`])
}

/** Without asking; texts, arrays and objects are cut by rules that only the database follows to the letter. */
function scalarKey(value: unknown): unknown {
  if (value === null) return [0, null]
  if (typeof value === 'boolean') return [1, value]
  if (typeof value === 'number') return [3, value]
  if (typeof value === 'string' && /^[\x20-\x7e]{0,40}$/.test(value)) return [4, value]
  return undefined
}
