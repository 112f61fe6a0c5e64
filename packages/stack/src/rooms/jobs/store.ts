import { type RawBuilder, sql, type Transaction } from 'kysely'
import type { GroundTables, Query } from '#ground/database/index'
import type { StoredDocument } from '#ground/documents/contract'
import { type DocumentRow, storedDocument } from '#ground/documents/index'
import { JOBS, type JobState } from './job.ts'

type Reader = Query | Transaction<GroundTables>

const columns = sql`d.id, d.rev, d.deleted, d.seq, d.doc::text as text`

async function documents(query: Reader, statement: RawBuilder<DocumentRow>): Promise<StoredDocument[]> {
  return (await statement.execute(query)).rows.map(row => storedDocument(JOBS, row))
}

/** Jobs of a worker that have not ended, oldest first. */
export function openJobs(query: Reader, instanceId: string, worker: string, limit: number) {
  return documents(
    query,
    sql<DocumentRow>`
      select ${columns} from konnectory.docs d
       where instance_id = ${instanceId} and doctype = ${JOBS} and not deleted
         and doc ->> 'state' in ('queued', 'running') and doc ->> 'worker' = ${worker}
       order by doc ->> 'queued_at', id limit ${limit}`,
  )
}

/** Jobs of any worker that have not ended. */
export function allOpenJobs(query: Reader, instanceId: string) {
  return documents(
    query,
    sql<DocumentRow>`
      select ${columns} from konnectory.docs d
       where instance_id = ${instanceId} and doctype = ${JOBS} and not deleted
         and doc ->> 'state' in ('queued', 'running')
       order by doc ->> 'queued_at', id`,
  )
}

/** The newest jobs of each of some triggers, newest first. */
export async function jobsOfTriggers(
  query: Reader,
  instanceId: string,
  triggerIds: string[],
  limit: number,
): Promise<Map<string, StoredDocument[]>> {
  if (triggerIds.length === 0) return new Map()
  const { rows } = await sql<DocumentRow & { trigger_id: string }>`
    select wanted.trigger_id, ${columns} from unnest(${triggerIds}::text[]) as wanted(trigger_id)
     cross join lateral (
       select id, rev, deleted, seq, doc from konnectory.docs
        where instance_id = ${instanceId} and doctype = ${JOBS} and not deleted and doc ? 'trigger_id'
          and doc ->> 'trigger_id' = wanted.trigger_id
        order by doc ->> 'queued_at' desc, id desc limit ${limit}) d`.execute(query)
  const found = Map.groupBy(rows, row => row.trigger_id)
  return new Map([...found].map(([id, group]) => [id, group.map(row => storedDocument(JOBS, row))]))
}

/** A job among others, for who decides which go. */
export interface JobEntry {
  id: string
  rev: string
}

/**
 * Jobs that have ended and were queued before a moment, without the newest `keep` of each worker and state.
 * @param workers undefined: of all
 */
export async function oldJobs(
  query: Reader,
  instanceId: string,
  { before, keep, workers, limit }: { before: Date; keep: number; workers: string[] | undefined; limit: number },
): Promise<JobEntry[]> {
  const ended: JobState[] = ['done', 'errored']
  const { rows } = await sql<JobEntry>`
    select id, rev from (
      select id, rev, doc ->> 'queued_at' as queued_at,
             row_number() over (partition by doc ->> 'worker', doc ->> 'state' order by doc ->> 'queued_at' desc, id desc) as place
        from konnectory.docs
       where instance_id = ${instanceId} and doctype = ${JOBS} and not deleted
         and doc ->> 'state' = any(${ended}::text[])
         and (${workers ?? null}::text[] is null or doc ->> 'worker' = any(${workers ?? null}::text[]))) ranked
     where place > ${keep} and queued_at < ${before.toISOString()}
     order by queued_at limit ${limit}`.execute(query)
  return rows
}
