import type pg from 'pg'
import { DatabaseError, typedError } from '#ground/database/errors'
import type { StoredDocument } from '#ground/documents/contract'
import type { RunSql } from '#ground/documents/sql'
import { type DocumentRow, storedDocument } from '#ground/documents/stored'
import { storableJson } from '#ground/documents/unstorable-text'
import { badArgument, mangoError } from './errors.ts'
import { getField } from './field-path.ts'
import { type FindPlan, findSql } from './find-sql.ts'
import type { KeyColumn } from './key.ts'

/** Invalid regular expression, which our translation should have found. */
const BAD_REGEX = '2201B'

/** A read transaction whose statements end after a time. */
export interface LimitedRead {
  /** Rows of the statement it began with. */
  rows: unknown[]
  run: RunSql
}

/**
 * Does some reading in as few trips as can be: the first statement goes along with the beginning, and nobody waits for the end.
 * The limit is one of each statement; the connection's own is for slower work, too.
 *
 * @param first a statement without places
 * @throws StatementTimeout, which callers see as `context deadline exceeded`
 */
export async function readForLimitedTime<T>(
  driver: pg.Pool,
  timeoutMs: number,
  first: string,
  work: (read: LimitedRead) => Promise<T>,
): Promise<T> {
  const client = await driver.connect().catch(rethrow)
  const end = (how: 'commit' | 'rollback') => {
    client.query(how).then(
      () => client.release(),
      () => client.release(true),
    )
  }
  const run: RunSql = async <Row>(text: string, values: unknown[]) => {
    try {
      return (await client.query(text, values)).rows as Row[]
    } catch (error) {
      return rethrow(error)
    }
  }
  try {
    const begun = `begin read only; set local statement_timeout = ${timeoutMs}; ${first}`
    // Several statements answer with several results, which the driver's types do not know.
    const results = (await client.query(begun).catch(rethrow)) as unknown as pg.QueryResult[]
    const result = await work({ rows: results.at(-1)!.rows, run })
    end('commit')
    return result
  } catch (error) {
    end('rollback')
    throw error
  }
}

export async function findDocuments(run: RunSql, plan: FindPlan): Promise<StoredDocument[]> {
  const { text, values } = findSql(plan)
  const rows = await run<DocumentRow>(text, values)
  return rows.map(row => storedDocument(plan.doctype, row))
}

function rethrow(error: unknown): never {
  const typed = typedError(error)
  if (typed instanceof DatabaseError && typed.code === BAD_REGEX) throw badArgument('$regex', typed.message)
  // Program limits of PostgreSQL: the statement was too much for its stack or its lists.
  if (typed instanceof DatabaseError && typed.code.startsWith('54')) {
    throw mangoError('invalid_selector', 'The selector is too complex')
  }
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
