import { badRequest, CouchError } from '#ground/http/errors'
import { conditionSql } from './mango/condition-sql.ts'
import { parseSelector } from './mango/selector.ts'
import type { Statement } from './mango/statement.ts'
import { count, flag, type Query, text } from './parameters.ts'

/** What `_changes` is asked for. */
export interface ChangesRequest {
  /** Answers at once, or waits for the first change. */
  feed: 'normal' | 'longpoll'
  since: Since
  limit: number | undefined
  descending: boolean
  includeDocs: boolean
  /** Names all ends of a tree, not only the winner: what replicators ask for. */
  allLeaves: boolean
  /** Milliseconds. */
  timeout: number | undefined
  /** Which documents; undefined for all. */
  condition: ((statement: Statement) => string) | undefined
}

/** A place in the feed; without an epoch one that the client made itself. */
export type Since = 'now' | { seq: number; epoch: string | undefined }

const PARAMETERS = new Set(
  'feed style since limit timeout include_docs heartbeat _nonce seq_interval descending'.split(' '),
)
/** Ids in a filter at most. */
const MOST_IDS = 100_000

/**
 * Parameters of `_changes` (`protocol/data.md` §6). `feed=longpoll` is taken besides `normal`: PouchDB's `live` asks for it.
 * @param body undefined on GET
 * @throws WireError 400
 */
export function readChangesRequest(query: Query, body: Record<string, unknown> | undefined): ChangesRequest {
  for (const name of Object.keys(query)) {
    if (!PARAMETERS.has(name) && !(name === 'filter' && body)) throw badRequest(`Unsupported query parameter '${name}'`)
  }
  const feed = text(query, 'feed') || 'normal'
  if (feed !== 'normal' && feed !== 'longpoll') throw badRequest(`Unsupported feed value '${feed}'`)
  const style = text(query, 'style') || 'main_only'
  if (style !== 'main_only' && style !== 'all_docs') throw badRequest(`Unsupported style value '${style}'`)
  // Taken, and needed by nobody: no answer takes long enough, and every change has a sequence.
  if (!/^(true|false)?$/.test(text(query, 'heartbeat') ?? '')) count(query, 'heartbeat')
  count(query, 'seq_interval')
  return {
    feed,
    since: readSince(text(query, 'since')),
    limit: count(query, 'limit') || undefined,
    descending: flag(query, 'descending') ?? false,
    includeDocs: flag(query, 'include_docs') ?? false,
    allLeaves: style === 'all_docs',
    timeout: count(query, 'timeout'),
    condition: body && conditionOf(text(query, 'filter'), body),
  }
}

function readSince(since: string | undefined): Since {
  if (!since) return { seq: 0, epoch: undefined }
  if (since === 'now') return 'now'
  const match = /^(\d{1,15})(?:-([\w-]{0,64}))?$/.exec(since)
  if (!match) throw badRequest('since is no sequence of this feed')
  return { seq: Number(match[1]), epoch: match[2] }
}

function conditionOf(filter: string | undefined, body: Record<string, unknown>): ChangesRequest['condition'] {
  if (!filter) return undefined
  // Design documents are kept apart and in no feed.
  if (filter === '_design') return () => 'false'
  if (filter === '_doc_ids') {
    const ids = body.doc_ids
    if (!Array.isArray(ids) || !ids.every(id => typeof id === 'string'))
      throw new CouchError(400, 'bad_request', '`doc_ids` filter parameter is not a list of texts.')
    if (ids.length > MOST_IDS) throw new CouchError(400, 'bad_request', `at most ${MOST_IDS} doc_ids at a time`)
    const storable = ids.filter(id => !id.includes('\0'))
    return statement => `id = any(${statement.at(storable, 'text[]')})`
  }
  if (filter === '_selector') {
    const node = parseSelector(body.selector)
    return statement => conditionSql(node, statement)
  }
  throw badRequest(`Unsupported filter '${filter}'`)
}
