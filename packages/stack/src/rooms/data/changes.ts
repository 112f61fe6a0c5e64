import type { FeedInfo, StoredDocument } from '#ground/documents/contract'
import { readLosers } from '#ground/documents/replicate-sql'
import type { RunSql } from '#ground/documents/sql'
import type { Actor } from '#ground/http/grant'
import type { Tenant } from '#ground/tenant'
import type { ChangesRequest, Since } from './changes-request.ts'
import { documentText } from './document-text.ts'
import { sequenceOf } from './listing.ts'
import { countChanges, pagesBySequence } from './listing-store.ts'

/** One answer of the feed, to be written as the rows come. */
export interface ChangesPage {
  /** Texts of rows, page by page. */
  rows: AsyncIterable<string[]>
  /** After the rows: `last_seq` and `pending` as JSON members. */
  tail(): Promise<string>
}

/** Where a reader of this feed stands. A sequence of another life of the database, or from its future, starts over. */
export function positionOf(since: Since, feed: FeedInfo): number {
  if (since === 'now') return feed.seq
  if (since.epoch !== undefined && since.epoch !== feed.epoch) return 0
  return since.seq > feed.seq ? 0 : since.seq
}

/** Counting further costs more than the number tells: beyond, it is an estimate that is too high rather than too low. */
const MOST_COUNTED = 10_000

/**
 * The changes after a position, up to where the feed stood when it was read: what is changed meanwhile comes with the next request.
 */
export function changesPage(
  run: RunSql,
  tenant: Tenant,
  actor: Actor,
  doctype: string,
  feed: FeedInfo,
  since: number,
  { limit, descending, includeDocs, allLeaves, condition }: ChangesRequest,
): ChangesPage {
  const hidden = unsynchronized(actor, doctype)
  let last: number | undefined
  let given = 0

  async function* rows(): AsyncGenerator<string[]> {
    const contents = includeDocs || hidden !== undefined
    const options = { descending, contents, condition, limit }
    for await (const page of pagesBySequence(run, tenant.id, doctype, since, feed.seq, options)) {
      const losers = allLeaves ? await readLosers(run, tenant.id, doctype, idsOf(page)) : undefined
      last = page.at(-1)!.seq
      given += page.length
      yield page.map(document => {
        const revs = [document.rev, ...(losers?.get(document.id) ?? []).map(({ rev }) => rev)]
        return rowText(hidden?.(document) ? asDeletion(document) : document, feed, revs, includeDocs)
      })
    }
  }

  return {
    rows: rows(),
    async tail() {
      const limited = limit !== undefined && given >= limit && last !== undefined
      if (!limited) return `"last_seq":${JSON.stringify(sequenceOf(feed, feed.seq))},"pending":0`
      const [low, high] = descending ? [since, last! - 1] : [last!, feed.seq]
      const counted = await countChanges(run, tenant.id, doctype, low, high, MOST_COUNTED)
      const pending = counted < MOST_COUNTED ? counted : Math.min(high - low, feed.documents + feed.tombstones)
      return `"last_seq":${JSON.stringify(sequenceOf(feed, last!))},"pending":${pending}`
    },
  }
}

const idsOf = (page: StoredDocument[]) => page.map(({ id }) => id)

function rowText(document: StoredDocument, feed: FeedInfo, revs: string[], includeDocs: boolean): string {
  const { id, seq, deleted } = document
  const members = [
    `"id":${JSON.stringify(id)}`,
    `"seq":${JSON.stringify(sequenceOf(feed, seq))}`,
    ...(deleted ? ['"deleted":true'] : []),
    `"changes":[${revs.map(rev => `{"rev":${JSON.stringify(rev)}}`).join(',')}]`,
    ...(includeDocs ? [`"doc":${documentText(document)}`] : []),
  ]
  return `{${members.join(',')}}`
}

/** Directories that an OAuth client does not synchronize are deletions to it (`protocol/data.md` §6). */
function unsynchronized(actor: Actor, doctype: string): ((document: StoredDocument) => boolean) | undefined {
  const client = actor.client?.id
  if (doctype !== 'io.cozy.files' || client === undefined) return undefined
  return ({ text, body }) => {
    if (!text.includes('"not_synchronized_on"')) return false
    const { not_synchronized_on: list } = body
    return Array.isArray(list) && list.some(item => item?.type === 'io.cozy.oauth.clients' && item?.id === client)
  }
}

const asDeletion = ({ doctype, id, rev, seq }: StoredDocument): StoredDocument => ({
  doctype,
  id,
  rev,
  seq,
  deleted: true,
  text: '{}',
  body: {},
})
