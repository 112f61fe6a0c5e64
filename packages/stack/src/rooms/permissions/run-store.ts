import { sql, type Transaction } from 'kysely'
import type { GroundTables, Query } from '#ground/database/index'
import type { Tenant } from '#ground/tenant'

type Connection = Query | Transaction<GroundTables>

/** A run of a konnector whose token is good. */
export interface LiveRun {
  slug: string
  accountId: string | undefined
  expiresAt: Date
}

export async function insertRun(query: Connection, tenant: Tenant, run: string, live: LiveRun): Promise<void> {
  const { slug, accountId = null, expiresAt } = live
  await sql`
    insert into konnector_runs (instance_id, run, slug, account_id, expires_at)
    values (${tenant.id}, ${run}, ${slug}, ${accountId}, ${expiresAt})`.execute(query)
}

export async function findRun(query: Connection, tenant: Tenant, run: string): Promise<LiveRun | undefined> {
  const { rows } = await sql<{ slug: string; account_id: string | null; expires_at: Date }>`
    select slug, account_id, expires_at from konnector_runs where instance_id = ${tenant.id} and run = ${run}`.execute(
    query,
  )
  const row = rows[0]
  return row && { slug: row.slug, accountId: row.account_id ?? undefined, expiresAt: row.expires_at }
}

/** @returns whether it was there */
export async function deleteRun(query: Connection, tenant: Tenant, run: string): Promise<boolean> {
  const { numAffectedRows } = await sql`
    delete from konnector_runs where instance_id = ${tenant.id} and run = ${run}`.execute(query)
  return Number(numAffectedRows ?? 0) === 1
}

/** Of all instances. @returns how many there were */
export async function deleteRunsBefore(query: Connection, time: Date): Promise<number> {
  const { numAffectedRows } = await sql`delete from konnector_runs where expires_at <= ${time}`.execute(query)
  return Number(numAffectedRows ?? 0)
}
