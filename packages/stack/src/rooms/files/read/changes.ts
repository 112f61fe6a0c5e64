import type { FeedInfo, StoredDocument } from '#ground/documents/contract'
import type { RunSql } from '#ground/documents/sql'
import { badRequest } from '#ground/http/errors'
import { projectFields, splitField } from '#rooms/data'
import { entryAttributes } from '../present.ts'
import { type DirectoryEntry, type Entry, FILES, TRASH_PATH } from '../record.ts'
import { parameter, type Query, wholeNumber } from './page-query.ts'
import { toEntry } from './tree-store.ts'

/** What `GET /files/_changes` was asked for. */
export interface ChangesRequest {
  since: string
  limit: number
  includeDocs: boolean
  fields: string[] | undefined
  includeFilePath: boolean
  skipDeleted: boolean
  skipTrashed: boolean
}

export interface ChangeRow {
  id: string
  seq: string
  changes: [{ rev: string }]
  deleted?: true
  doc?: Record<string, unknown>
}

const MOST = 10_000
const KNOWN = ['since', 'limit', 'include_docs', 'fields', 'include_file_path', 'skip_deleted', 'skip_trashed']
/** Of authentication, not of the feed. */
const ALSO = ['bearer_token']

/** Reads the parameters (`protocol/files.md` §4). @throws JsonApiError 400 for others, and for what needs `include_docs` */
export function changesRequest(query: Query): ChangesRequest {
  const unknown = Object.keys(query).find(name => !KNOWN.includes(name) && !ALSO.includes(name))
  if (unknown !== undefined) throw badRequest(`Unsupported query parameter '${unknown}'`)
  const flag = (name: string) => parameter(query, name) === 'true'
  const includeDocs = flag('include_docs')
  const fields = parameter(query, 'fields')?.split(',')
  const request = {
    since: parameter(query, 'since') ?? '0',
    limit: wholeNumber(query, 'limit') || MOST,
    includeDocs,
    fields,
    includeFilePath: flag('include_file_path'),
    skipDeleted: flag('skip_deleted'),
    skipTrashed: flag('skip_trashed'),
  }
  if (!includeDocs && (fields || request.includeFilePath || request.skipTrashed)) {
    throw badRequest('fields, include_file_path and skip_trashed need include_docs=true')
  }
  return { ...request, limit: Math.min(request.limit, MOST) }
}

/** A position as clients get it; opaque to them, with the life of the feed it belongs to. */
export const sequenceText = (seq: number, { epoch }: FeedInfo) => `${seq}-${epoch}`

/**
 * The position a client has, as `/data/io.cozy.files/_changes` reads it. One of a feed that was dropped since, or from its
 * future, starts over: nothing of this one was seen.
 * @throws JsonApiError 400 for what is no position
 */
export function positionOf(since: string, feed: FeedInfo): number {
  if (since === 'now') return feed.seq
  const [, digits, epoch] = /^(\d{1,15})(?:-([\w-]{0,64}))?$/.exec(since) ?? []
  if (digits === undefined) throw badRequest('since is no sequence of this feed')
  const isOfThisLife = epoch === undefined || epoch === feed.epoch
  return isOfThisLife && Number(digits) <= feed.seq ? Number(digits) : 0
}

/**
 * How a change is shown; undefined for one that was asked to be left out.
 * @param clientId OAuth client that asks: directories it does not synchronise look deleted to it
 */
export function changeRow(
  document: StoredDocument,
  feed: FeedInfo,
  request: ChangesRequest,
  { clientId, pathOf }: { clientId: string | undefined; pathOf(entry: Entry): string | undefined },
): ChangeRow | undefined {
  const { id, rev, seq } = document
  const row: ChangeRow = { id, seq: sequenceText(seq, feed), changes: [{ rev }] }
  const entry = document.deleted ? undefined : toEntry(document)
  if (!entry || isLeftOut(entry, clientId)) {
    if (request.skipDeleted) return undefined
    return { ...row, deleted: true, ...(request.includeDocs && { doc: { _id: id, _rev: rev, _deleted: true } }) }
  }
  if (request.skipTrashed && isTrashed(entry)) return undefined
  if (!request.includeDocs) return row
  const path = request.includeFilePath ? pathOf(entry) : undefined
  const whole = { ...referencesOf(entry), ...entryAttributes(entry, path) }
  const asked = request.fields && [...request.fields, ...(request.includeFilePath ? ['path'] : [])]
  return { ...row, doc: { _id: id, _rev: rev, ...(asked ? projectFields(whole, asked.map(splitField)) : whole) } }
}

/** This feed shows documents, where a file's references are a member like others. */
const referencesOf = ({ referenced_by }: Entry) => (referenced_by ? { referenced_by } : {})

const isTrashed = (entry: Entry) => (entry.type === 'file' ? entry.trashed : entry.path.startsWith(`${TRASH_PATH}/`))

function isLeftOut(entry: Entry, clientId: string | undefined): boolean {
  if (clientId === undefined || entry.type !== 'directory') return false
  return ((entry as DirectoryEntry).not_synchronized_on ?? []).some(
    ({ type, id }) => type === 'io.cozy.oauth.clients' && id === clientId,
  )
}

/** How many changes come after a position. */
export async function countChangesAfter(run: RunSql, tenantId: string, seq: number): Promise<number> {
  const rows = await run<{ count: string }>(
    `select count(*) from docs where instance_id::text = $1 and doctype = '${FILES}' and seq > $2`,
    [tenantId, seq],
  )
  return Number(rows[0]?.count ?? 0)
}
