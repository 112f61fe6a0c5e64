import type pg from 'pg'
import type { Body, StoredDocument } from '#ground/documents/contract'
import { missing } from '#ground/http/errors'
import type { Tenant } from '#ground/tenant'
import { queryHash, readBookmark, writeBookmark } from './bookmark.ts'
import { chooseIndex } from './choose-index.ts'
import { fieldPaths } from './definition.ts'
import { definitionsOf, definitionsSql } from './definition-store.ts'
import { type FieldPath, joinField, projectFields } from './field-path.ts'
import { invalidBookmark, parseFindRequest } from './find-request.ts'
import type { FindPlan } from './find-sql.ts'
import { findDocuments, keysOf, readForLimitedTime } from './find-store.ts'
import { keyColumns } from './key.ts'
import { parseSelector } from './selector.ts'

/** One page of a query. */
export interface Found {
  documents: StoredDocument[]
  /** Asked for; undefined: whole documents. */
  fields: FieldPath[] | undefined
  limit: number
  skip: number
  /** Whether there may be more. */
  next: boolean
  /** Of the next page; empty when there was nothing. */
  bookmark: string
  warning: string | undefined
  executionStats: Record<string, number> | undefined
}

/** After so long upstream gives a query up, too (`protocol/data.md` §5). */
export const FIND_TIMEOUT_MS = 10_000

/**
 * Answers a Mango query (`protocol/data.md` §5).
 * @param body of `_find`
 * @throws CouchError 400 for what cannot be asked, 404 without a database; StatementTimeout
 */
export async function find(
  { driver, timeoutMs }: { driver: pg.Pool; timeoutMs: number },
  tenant: Tenant,
  doctype: string,
  body: unknown,
): Promise<Found> {
  const started = performance.now()
  const request = parseFindRequest(body)
  const { given, limit, skip } = request
  const hash = queryHash([doctype, given])
  const after = request.bookmark === undefined ? undefined : readBookmark(request.bookmark, hash)

  return readForLimitedTime(driver, timeoutMs, definitionsSql(tenant.id, doctype), async ({ rows, run }) => {
    const definitions = definitionsOf(rows)
    if (!definitions) throw missing('Database does not exist.')
    const { index, warning } = chooseIndex(definitions, request, after?.fields)
    const paths = index ? fieldPaths(index) : []
    const fields = paths.map(joinField)
    // The index that made it is gone.
    if (after && after.fields.join('\n') !== fields.join('\n')) throw invalidBookmark(request.bookmark)

    const columns = keyColumns(paths)
    const partial = index && Object.keys(index.partialFilter).length > 0 ? index.partialFilter : undefined
    const plan: FindPlan = {
      tenantId: tenant.id,
      doctype,
      selector: request.selector,
      partialFilter: partial && parseSelector(partial),
      columns,
      descending: request.sort[0]?.direction === 'desc',
      after,
      limit,
      skip,
    }
    const documents = limit === 0 ? [] : await findDocuments(run, plan)
    const last = documents.at(-1)
    const bookmark = last
      ? writeBookmark({ fields, keys: await keysOf(run, last, columns), id: last.id }, hash)
      : (request.bookmark ?? '')
    const executionStats = request.executionStats
      ? statistics(documents.length, performance.now() - started)
      : undefined
    const next = documents.length >= limit
    return { documents, fields: request.fields, limit, skip, next, bookmark, warning, executionStats }
  })
}

/** The database filters by itself: examined are, as far as we know, the documents it handed over. */
const statistics = (count: number, ms: number) => ({
  total_keys_examined: count,
  total_docs_examined: count,
  total_quorum_docs_examined: 0,
  results_returned: count,
  execution_time_ms: Math.round(ms * 1000) / 1000,
})

/** A found document with `_id` and `_rev`, or the fields asked for. */
export function shownDocument({ id, rev, body }: StoredDocument, fields: FieldPath[] | undefined): Body {
  const whole = { _id: id, _rev: rev, ...body }
  return fields ? projectFields(whole, fields) : whole
}

/** Body of the answer to `_find` as JSON text; whole documents are not parsed on the way. */
export function foundJson({ documents, fields, limit, next, bookmark, executionStats, warning }: Found): string {
  const docs = documents.map(document =>
    fields ? JSON.stringify(shownDocument(document, fields)) : documentJson(document),
  )
  const rest = JSON.stringify({ limit, next, bookmark, execution_stats: executionStats, warning })
  return `{"docs":[${docs.join(',')}],${rest.slice(1)}`
}

function documentJson({ id, rev, text }: StoredDocument): string {
  const head = `{"_id":${JSON.stringify(id)},"_rev":${JSON.stringify(rev)}`
  return text === '{}' ? `${head}}` : `${head},${text.slice(1)}`
}
