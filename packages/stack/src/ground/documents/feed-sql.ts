import type { FeedInfo } from './contract.ts'
import type { RunSql } from './sql.ts'

interface FeedRow {
  seq: string
  documents: string
  tombstones: string
  epoch: string
}

const COLUMNS = 'seq, documents, tombstones, epoch'

export async function readFeed(run: RunSql, tenantId: string, doctype: string): Promise<FeedInfo | undefined> {
  const rows = await run<FeedRow>(
    `select ${COLUMNS} from feeds where instance_id = $1 and doctype = $2`,
    [tenantId, doctype],
    'feed_read',
  )
  return rows[0] && feedInfo(rows[0])
}

/**
 * Takes the feed's row for this transaction: whoever writes documents of this doctype of this instance waits for its end. It
 * is the one lock of the document store; under it reads are current and sequences have no gaps (storage.md §7).
 */
export async function lockFeed(run: RunSql, tenantId: string, doctype: string): Promise<FeedInfo> {
  const feed = await lockExistingFeed(run, tenantId, doctype)
  if (feed) return feed
  await createFeed(run, tenantId, doctype)
  return lockFeed(run, tenantId, doctype)
}

/** As `lockFeed`, without making one: undefined when the database does not exist. */
export async function lockExistingFeed(run: RunSql, tenantId: string, doctype: string): Promise<FeedInfo | undefined> {
  const select = `select ${COLUMNS} from feeds where instance_id = $1 and doctype = $2 for update`
  const [row] = await run<FeedRow>(select, [tenantId, doctype])
  return row && feedInfo(row)
}

/**
 * Taken by every transaction that may write more than one doctype, before its first write: two such transactions of an
 * instance that meet in the feeds in different orders would wait for each other until the database kills one.
 */
export async function lockTenant(run: RunSql, tenantId: string): Promise<void> {
  await run('select pg_advisory_xact_lock(hashtextextended($1, 7340211906))', [tenantId])
}

/** @returns whether it was not there */
export async function createFeed(run: RunSql, tenantId: string, doctype: string): Promise<boolean> {
  const rows = await run(
    'insert into feeds (instance_id, doctype) values ($1, $2) on conflict do nothing returning 1',
    [tenantId, doctype],
  )
  return rows.length > 0
}

/** Drops a feed with all its documents. @returns whether there was one */
export async function dropFeed(run: RunSql, tenantId: string, doctype: string): Promise<boolean> {
  // The feed first: its row is the lock.
  const gone = await run('delete from feeds where instance_id = $1 and doctype = $2 returning 1', [tenantId, doctype])
  for (const table of ['docs', 'leaves', 'local_docs'])
    await run(`delete from ${table} where instance_id = $1 and doctype = $2`, [tenantId, doctype])
  return gone.length > 0
}

export async function readDoctypes(run: RunSql, tenantId: string): Promise<string[]> {
  const rows = await run<{ doctype: string }>('select doctype from feeds where instance_id = $1 order by doctype', [
    tenantId,
  ])
  return rows.map(({ doctype }) => doctype)
}

function feedInfo({ seq, documents, tombstones, epoch }: FeedRow): FeedInfo {
  return { seq: Number(seq), documents: Number(documents), tombstones: Number(tombstones), epoch }
}
