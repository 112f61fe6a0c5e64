import { sql, type Transaction } from 'kysely'
import type { GroundTables, Query } from '#ground/database/index'
import type { StoredDocument } from '#ground/documents/contract'
import { type DocumentRow, storedDocument } from '#ground/documents/index'
import { TRIGGERS } from './trigger.ts'

type Reader = Query | Transaction<GroundTables>

/** What is due, and held by this process for a while. */
export interface Due {
  instanceId: string
  triggerId: string
  kind: 'slot' | 'debounce'
  due: Date
}

/** Why and when the last slot of a trigger was passed over, and its next. */
export interface ScheduleRow {
  triggerId: string
  due: Date | null
  skippedAt: Date | null
  skipReason: string | null
}

/** What a debounce gathers. */
export interface Held {
  /** Base64 of what webhooks were sent. */
  payloads?: string[]
  manual?: boolean
}

/** Most payloads one debounce gathers; a vendor that sends more has said it often enough. */
export const MOST_PAYLOADS = 1000

/** Takes what is due for this process, until `until`: if it dies, another takes it then. What is not due is not read. */
export async function takeDue(query: Reader, now: Date, until: Date, limit: number): Promise<Due[]> {
  const { rows } = await sql<{ instance_id: string; trigger_id: string; kind: Due['kind']; due: Date }>`
    with taken as (
      select instance_id, trigger_id, kind from konnectory.trigger_schedule
       where due <= ${now} and (claimed_until is null or claimed_until <= ${now})
       order by due limit ${limit} for update skip locked
    )
    update konnectory.trigger_schedule s set claimed_until = ${until} from taken t
     where s.instance_id = t.instance_id and s.trigger_id = t.trigger_id and s.kind = t.kind
    returning s.instance_id, s.trigger_id, s.kind, s.due`.execute(query)
  return rows
    .map(row => ({ instanceId: row.instance_id, triggerId: row.trigger_id, kind: row.kind, due: row.due }))
    .sort((one, other) => one.due.getTime() - other.due.getTime())
}

/** When there is something to take next; undefined: never. */
export async function earliestDue(query: Reader): Promise<Date | undefined> {
  // Those that other processes are at stand first, and are few.
  const { rows } = await sql<{ at: Date | null }>`
    select min(greatest(due, coalesce(claimed_until, due))) as at
      from (select due, claimed_until from konnectory.trigger_schedule where due is not null order by due limit 500) first`.execute(
    query,
  )
  return rows[0]?.at ?? undefined
}

/** Locks a row for the transaction. @returns when it is due, undefined when there is no such row, or nothing due */
export async function lockDue(query: Reader, { instanceId, triggerId, kind }: Omit<Due, 'due'>) {
  const { rows } = await sql<{ due: Date | null; held: Held | null }>`
    select due, held from konnectory.trigger_schedule
     where instance_id = ${instanceId} and trigger_id = ${triggerId} and kind = ${kind} for update`.execute(query)
  const [row] = rows
  return row?.due ? { due: row.due, held: row.held ?? {} } : undefined
}

/** Says when a trigger is due next. @param skipped why this slot is passed over; null takes an older reason away */
export async function writeSlot(
  query: Reader,
  instanceId: string,
  triggerId: string,
  due: Date | null,
  skipped: { at: Date; reason: string } | null = null,
): Promise<void> {
  await sql`
    insert into konnectory.trigger_schedule (instance_id, trigger_id, kind, due, skipped_at, skip_reason)
    values (${instanceId}, ${triggerId}, 'slot', ${due}, ${skipped?.at ?? null}, ${skipped?.reason ?? null})
    on conflict (instance_id, trigger_id, kind) do update
      set due = excluded.due, claimed_until = null, skipped_at = excluded.skipped_at, skip_reason = excluded.skip_reason`.execute(
    query,
  )
}

/** Remembers why a trigger that time does not start was passed over. */
export async function writeSkip(
  query: Reader,
  instanceId: string,
  triggerId: string,
  skipped: { at: Date; reason: string },
) {
  await sql`
    insert into konnectory.trigger_schedule (instance_id, trigger_id, kind, skipped_at, skip_reason)
    values (${instanceId}, ${triggerId}, 'slot', ${skipped.at}, ${skipped.reason})
    on conflict (instance_id, trigger_id, kind) do update
      set skipped_at = excluded.skipped_at, skip_reason = excluded.skip_reason`.execute(query)
}

/** Adds a request to a debounce, or begins one. @returns whether it began */
export async function holdRequest(
  query: Reader,
  instanceId: string,
  triggerId: string,
  { due, payload, manual }: { due: Date; payload: string | undefined; manual: boolean },
): Promise<boolean> {
  const payloads = payload === undefined ? [] : [payload]
  const held = JSON.stringify({ payloads, ...(manual && { manual }) })
  const { rows } = await sql<{ began: boolean }>`
    insert into konnectory.trigger_schedule as s (instance_id, trigger_id, kind, due, held)
    values (${instanceId}, ${triggerId}, 'debounce', ${due}, ${held}::jsonb)
    on conflict (instance_id, trigger_id, kind) do update
      set held = s.held || jsonb_build_object('payloads',
            case when jsonb_array_length(s.held -> 'payloads') < ${MOST_PAYLOADS}
                 then (s.held -> 'payloads') || (excluded.held -> 'payloads') else s.held -> 'payloads' end)
          || (excluded.held - 'payloads')
    returning xmax = 0 as began`.execute(query)
  return rows[0]?.began === true
}

export async function dropSchedule(
  query: Reader,
  instanceId: string,
  triggerId: string,
  kind?: Due['kind'],
): Promise<void> {
  await sql`
    delete from konnectory.trigger_schedule
     where instance_id = ${instanceId} and trigger_id = ${triggerId}
       and (${kind ?? null}::text is null or kind = ${kind ?? null})`.execute(query)
}

export async function readSchedules(
  query: Reader,
  instanceId: string,
  triggerIds: string[],
): Promise<Map<string, ScheduleRow>> {
  if (triggerIds.length === 0) return new Map()
  const { rows } = await sql<{
    trigger_id: string
    due: Date | null
    skipped_at: Date | null
    skip_reason: string | null
  }>`
    select trigger_id, due, skipped_at, skip_reason from konnectory.trigger_schedule
     where instance_id = ${instanceId} and kind = 'slot' and trigger_id = any(${triggerIds}::text[])`.execute(query)
  return new Map(
    rows.map(row => [
      row.trigger_id,
      { triggerId: row.trigger_id, due: row.due, skippedAt: row.skipped_at, skipReason: row.skip_reason },
    ]),
  )
}

/** What a trigger listens to; replaces what was there. */
export async function writeEventRules(
  query: Reader,
  instanceId: string,
  triggerId: string,
  rules: Map<string, string[]>,
): Promise<void> {
  await sql`delete from konnectory.trigger_events where instance_id = ${instanceId} and trigger_id = ${triggerId}`.execute(
    query,
  )
  for (const [doctype, texts] of rules)
    await sql`
      insert into konnectory.trigger_events (instance_id, trigger_id, doctype, rules)
      values (${instanceId}, ${triggerId}, ${doctype}, ${texts}::text[])`.execute(query)
}

export async function readEventRules(query: Reader, instanceId: string) {
  const { rows } = await sql<{ trigger_id: string; doctype: string; rules: string[] }>`
    select trigger_id, doctype, rules from konnectory.trigger_events
     where instance_id = ${instanceId} order by trigger_id`.execute(query)
  return rows.map(({ trigger_id, doctype, rules }) => ({ triggerId: trigger_id, doctype, rules }))
}

/** All triggers of an instance, by id. */
export async function allTriggers(query: Reader, instanceId: string): Promise<StoredDocument[]> {
  const { rows } = await sql<DocumentRow>`
    select id, rev, deleted, seq, doc::text as text from konnectory.docs
     where instance_id = ${instanceId} and doctype = ${TRIGGERS} and not deleted order by id`.execute(query)
  return rows.map(row => storedDocument(TRIGGERS, row))
}

/** When a trigger was last done, as a moment of the database: for its next. */
export async function countSchedules(query: Reader): Promise<{ scheduled: number }> {
  const { rows } = await sql<{ scheduled: number }>`
    select count(*)::int as scheduled from konnectory.trigger_schedule where due is not null`.execute(query)
  return rows[0] ?? { scheduled: 0 }
}
