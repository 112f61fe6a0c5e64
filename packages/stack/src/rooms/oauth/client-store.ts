import { sql } from 'kysely'
import type { Query } from '#ground/database/index'
import type { Tenant } from '#ground/tenant'
import { CLIENTS } from './client-record.ts'

/** Queries on what stands beside the clients' documents. `query` may be a transaction's. */
export const clientStore = {
  async insert(query: Query, tenant: Tenant, id: string, sealedSecret: string, expiresAt: Date | undefined) {
    await sql`insert into oauth_clients (instance_id, client_id, secret, expires_at)
      values (${tenant.id}, ${id}, ${sealedSecret}, ${expiresAt ?? null})`.execute(query)
  },

  async secret(query: Query, tenant: Tenant, id: string): Promise<string | undefined> {
    const { rows } = await sql<{ secret: string }>`select secret from oauth_clients
      where instance_id = ${tenant.id} and client_id = ${id}`.execute(query)
    return rows[0]?.secret
  },

  async setSecret(query: Query, tenant: Tenant, id: string, sealedSecret: string) {
    await sql`update oauth_clients set secret = ${sealedSecret}
      where instance_id = ${tenant.id} and client_id = ${id}`.execute(query)
  },

  async keep(query: Query, tenant: Tenant, id: string) {
    await sql`update oauth_clients set expires_at = null
      where instance_id = ${tenant.id} and client_id = ${id} and expires_at is not null`.execute(query)
  },

  async remove(query: Query, tenant: Tenant, ids: string[]) {
    await sql`delete from oauth_clients where instance_id = ${tenant.id} and client_id = any(${ids})`.execute(query)
    await sql`delete from oauth_codes where instance_id = ${tenant.id} and client_id = any(${ids})`.execute(query)
  },

  /** Of all instances: clients that nobody has given a code in time. */
  async expired(query: Query, now: Date, limit: number) {
    const { rows } = await sql<{ instance_id: string; client_id: string }>`
      select instance_id, client_id from oauth_clients where expires_at <= ${now} order by expires_at limit ${limit}
    `.execute(query)
    return rows.map(row => ({ instanceId: row.instance_id, clientId: row.client_id }))
  },

  /** Names in use that are `name` or begin with it and a hyphen, without the client's own. One caller at a time until the commit. */
  async namesLike(query: Query, tenant: Tenant, name: string, except: string | undefined): Promise<Set<string>> {
    await sql`select pg_advisory_xact_lock(hashtextextended(${`oauth-client-names:${tenant.id}`}, 0))`.execute(query)
    const { rows } = await sql<{ name: string }>`select doc ->> 'client_name' as name from docs
      where instance_id = ${tenant.id} and doctype = ${sql.lit(CLIENTS)} and not deleted
        and id is distinct from ${except ?? null}::text
        and (doc ->> 'client_name' = ${name}::text or starts_with(doc ->> 'client_name', ${`${name}-`}::text))`.execute(
      query,
    )
    return new Set(rows.map(row => row.name))
  },

  async count(query: Query, tenant: Tenant): Promise<number> {
    const { rows } = await sql<{ count: number }>`select count(*)::integer as count from docs
      where instance_id = ${tenant.id} and doctype = ${sql.lit(CLIENTS)} and not deleted
        and not coalesce((doc -> 'pending')::text = 'true', false)`.execute(query)
    return rows[0]?.count ?? 0
  },
}
