import { mkdir, mkdtemp, open, readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type pg from 'pg'
import { SCHEMA } from '#ground/database/index'
import type { InstanceTable } from '../sweep-store.ts'
import { piece, ROWS_PIECE } from './format.ts'
import { BLOB_IN_JSON, WITH_BLOBS } from './portable.ts'

/** Rows fetched at a time. */
const FETCH = 500

/** Rows of all tables as of one moment, in files of our own, so that no transaction is open while an archive travels. */
export interface Spool extends AsyncDisposable {
  rows: Record<string, number>
  /** Pieces of rows in their order: names in the archive, and their contents. */
  pieces(): AsyncGenerator<{ name: string; content: Buffer }>
  /** Keys of the blobs that the rows name, each once. */
  blobs: Set<string>
}

export interface SpoolOptions {
  driver: pg.Pool
  instanceId: string
  tables: InstanceTable[]
  /** Parent of the folder; it is made when it is not there. */
  folder: string
  /** The line as it is to be written; undefined leaves the row out. */
  change(table: string, row: { doctype: string | null; line: string }): Promise<string | undefined>
}

/** Copies the rows of an instance, in one snapshot. */
export async function spoolRows({ driver, instanceId, tables, folder, change }: SpoolOptions): Promise<Spool> {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const place = await mkdtemp(join(folder, 'export-'))
  await using cleanup = new AsyncDisposableStack()
  cleanup.defer(() => rm(place, { recursive: true, force: true }))
  const rows: Record<string, number> = {}
  const blobs = new Set<string>()
  const client = await driver.connect()
  try {
    await client.query('begin isolation level repeatable read read only')
    for (const table of tables) rows[table.name] = await copyTable(table)
    await client.query('commit')
  } catch (error) {
    await client.query('rollback').catch(() => {})
    throw error
  } finally {
    client.release()
  }

  async function copyTable({ name, columns }: InstanceTable): Promise<number> {
    const carried = columns.filter(column => column !== 'instance_id')
    const list = carried.map(quoted).join(', ')
    const doctype = columns.includes('doctype') ? 'doctype' : 'null::text'
    await client.query(
      `declare spool no scroll cursor for select ${doctype} as doctype,
         row_to_json((select r from (select ${list}) r))::text as line
       from ${SCHEMA}.${quoted(name)} where instance_id = $1`,
      [instanceId],
    )
    let count = 0
    let number = 0
    let lines: string[] = []
    let bytes = 0
    const flush = async () => {
      if (lines.length === 0) return
      const file = await open(join(place, `${name}#${piece(++number)}`), 'wx', 0o600)
      await file.writeFile(lines.join('\n')).finally(() => file.close())
      lines = []
      bytes = 0
    }
    for (;;) {
      const { rows: found } = await client.query<{ doctype: string | null; line: string }>(`fetch ${FETCH} from spool`)
      for (const row of found) {
        if (row.doctype !== null && WITH_BLOBS.has(row.doctype))
          for (const [, key = ''] of row.line.matchAll(BLOB_IN_JSON)) blobs.add(key)
        const line = await change(name, row)
        if (line === undefined) continue
        count++
        lines.push(line)
        bytes += line.length
        if (bytes > ROWS_PIECE) await flush()
      }
      if (found.length < FETCH) break
    }
    await flush()
    await client.query('close spool')
    return count
  }

  const done = cleanup.move()
  return {
    rows,
    blobs,
    async *pieces() {
      for (const name of (await readdir(place)).sort())
        yield { name: `rows/${name.replace('#', '/')}.jsonl`, content: await readFile(join(place, name)) }
    },
    [Symbol.asyncDispose]: () => done.disposeAsync(),
  }
}

const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`
