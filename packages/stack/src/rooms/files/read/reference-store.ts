import type { Reference } from '@konnectory/protocol'
import type { Change, DocumentTransaction } from '#ground/documents/contract'
import { inTransaction, type RunSql } from '#ground/documents/sql'
import { escapeText, unescapeText } from '#ground/documents/unstorable-text'
import type { DirectoryRecord, FileRecord } from '../record.ts'
import { FILES } from '../record.ts'

/** Which list of references of a file or directory. */
export type Relation = 'referenced_by' | 'not_synchronized_on'

export type ReferenceSort = 'id' | '-id' | 'datetime' | '-datetime'

/** The last file of the page before: what it was sorted by, and its id. */
export type ReferenceCursor = [key: string, id: string]

export interface ReferencePage {
  ids: string[]
  /** Where the next page starts; undefined on the last one. */
  next: ReferenceCursor | undefined
  total: number
}

export interface ReferenceStore {
  /** Files and directories that refer to a document, those in the trash too, page by page. */
  page(
    tenantId: string,
    relation: Relation,
    reference: Reference,
    options: { sort: ReferenceSort; limit: number; after?: ReferenceCursor | undefined },
  ): Promise<ReferencePage>
  /** Keeps the table true to the documents; a listener of `Documents.onChange`, in the transaction of the change. */
  follow(changes: Change[], writer: DocumentTransaction): Promise<void>
}

/** The table `file_references`: the reverse of what stands in the documents. */
export function createReferenceStore(run: RunSql): ReferenceStore {
  return {
    async page(tenantId, relation, { type, id }, { sort, limit, after }) {
      const [column, key] = sort.endsWith('datetime') ? ['moment, file_id', 'moment'] : ['file_id', 'file_id']
      const isDescending = sort.startsWith('-')
      const values: unknown[] = [tenantId, relation, escapeText(type), escapeText(id), limit + 1]
      if (after) values.push(...(key === 'moment' ? after : [after[1]]))
      const compared = key === 'moment' ? '(moment, file_id) # ($6, $7)' : 'file_id # $6'
      const of = 'instance_id = $1 and relation = $2 and type = $3 and target = $4'
      const direction = isDescending ? ' desc' : ''
      const [rows, counted] = await Promise.all([
        run<{ file_id: string; key: string }>(
          `select file_id, ${key} as key from file_references where ${of}
             ${after ? `and ${compared.replace('#', isDescending ? '<' : '>')}` : ''}
           order by ${column.replaceAll(',', `${direction},`)}${direction} limit $5`,
          values,
        ),
        run<{ count: string }>(`select count(*) from file_references where ${of}`, values.slice(0, 4)),
      ])
      const shown = rows.slice(0, limit)
      const last = shown.at(-1)
      return {
        ids: shown.map(({ file_id }) => file_id),
        next: rows.length > limit && last ? [unescapeText(last.key), last.file_id] : undefined,
        total: Number(counted[0]?.count ?? 0),
      }
    },

    async follow(changes, writer) {
      const files = changes.filter(({ document }) => document.doctype === FILES)
      if (files.length === 0) return
      const { gone, there } = difference(files)
      const transaction = inTransaction(writer.query)
      if (gone.length > 0) {
        await transaction(
          `delete from file_references f using unnest($2::text[], $3::text[], $4::text[], $5::text[]) as u(relation, type, target, file_id)
            where f.instance_id = $1 and f.relation = u.relation and f.type = u.type and f.target = u.target
              and f.file_id = u.file_id`,
          [writer.tenant.id, ...columns(gone)],
        )
      }
      if (there.length > 0) {
        await transaction(
          `insert into file_references (instance_id, relation, type, target, file_id, moment)
           select $1, u.relation, u.type, u.target, u.file_id, u.moment
             from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[]) as u(relation, type, target, file_id, moment)
           on conflict (instance_id, relation, type, target, file_id) do update set moment = excluded.moment`,
          [writer.tenant.id, ...columns(there), there.map(({ moment }) => escapeText(moment))],
        )
      }
    },
  }
}

interface Row {
  relation: Relation
  type: string
  target: string
  file: string
  moment: string
}

const columns = (rows: Row[]) => [
  rows.map(({ relation }) => relation),
  rows.map(({ type }) => escapeText(type)),
  rows.map(({ target }) => escapeText(target)),
  rows.map(({ file }) => file),
]

/** What changed rows are; a document may change several times in one call, and only its first and last state count. */
function difference(changes: Change[]): { gone: Row[]; there: Row[] } {
  const states = new Map<string, { before: Map<string, Row>; after: Map<string, Row> }>()
  for (const { document, before } of changes) {
    const first = states.get(document.id)?.before ?? rowsOf(document.id, before?.body)
    states.set(document.id, {
      before: first,
      after: rowsOf(document.id, document.deleted ? undefined : document.body),
    })
  }
  const all = [...states.values()]
  return {
    gone: all.flatMap(({ before, after }) => [...before].filter(([key]) => !after.has(key)).map(([, row]) => row)),
    there: all.flatMap(({ before, after }) =>
      [...after].filter(([key, row]) => before.get(key)?.moment !== row.moment).map(([, row]) => row),
    ),
  }
}

type Referring = Partial<Pick<DirectoryRecord, Relation>> & Partial<Pick<FileRecord, 'metadata' | 'created_at'>>

function rowsOf(file: string, body: Referring | undefined): Map<string, Row> {
  if (!body?.referenced_by?.length && !body?.not_synchronized_on?.length) return new Map()
  const moment = momentOf(body)
  const rows = (['referenced_by', 'not_synchronized_on'] as const).flatMap(relation =>
    (body[relation] ?? []).map(({ type, id }): [string, Row] => [
      JSON.stringify([relation, type, id]),
      { relation, type, target: id, file, moment },
    ]),
  )
  return new Map(rows)
}

/** Dates come with any offset; in UTC they sort as texts. What is no date is kept as it is, cut to fit an index. */
function momentOf({ metadata, created_at }: Referring): string {
  const datetime = metadata?.datetime
  const text = typeof datetime === 'string' && datetime !== '' ? datetime : (created_at ?? '')
  const time = Date.parse(text)
  return Number.isNaN(time) ? text.slice(0, 64) : new Date(time).toISOString()
}
