import type pg from 'pg'

/** Anything that runs statements: a pool, or a connection in a transaction. */
export type Runner = Pick<pg.Pool, 'query'>

export interface MasterKeyRow {
  id: string
  key_check: string
  /** Whether it wraps any data key. */
  used: boolean
}

export interface TenantKeyRow {
  instance_id: string
  id: string
  master_key: string
  wrapped: string
  retired: boolean
}

/** Makes whoever works on master keys go one after the other, across processes. */
const LOCK = 7_340_211_906
/** How many data keys are wrapped again in one transaction. */
const BATCH = 500

const TENANT_KEY = 'instance_id, id, master_key, wrapped, retired_at is not null as retired'

export const lockMasterKeys = (run: Runner) => run.query('select pg_advisory_xact_lock($1)', [LOCK])

export async function hasTables(run: Runner): Promise<boolean> {
  const { rows } = await run.query<{ there: boolean }>(
    `select to_regclass('konnectory.master_keys') is not null as there`,
  )
  return rows[0]?.there === true
}

export async function readMasterKeyRows(run: Runner): Promise<MasterKeyRow[]> {
  const { rows } = await run.query<MasterKeyRow>(
    `select id, key_check, exists (select from konnectory.tenant_keys t where t.master_key = m.id) as used
       from konnectory.master_keys m order by created_at, id`,
  )
  return rows
}

export async function insertMasterKey(run: Runner, id: string, keyCheck: string, now: Date): Promise<void> {
  await run.query(
    'insert into konnectory.master_keys (id, key_check, created_at) values ($1, $2, $3) on conflict (id) do nothing',
    [id, keyCheck, now],
  )
}

export async function readTenantKeys(run: Runner, tenantId: string): Promise<TenantKeyRow[]> {
  const { rows } = await run.query<TenantKeyRow>(
    `select ${TENANT_KEY} from konnectory.tenant_keys where instance_id = $1`,
    [tenantId],
  )
  return rows
}

/** Adds a key that seals, unless there is one: who comes second at the same moment waits, and finds the first one's. */
export async function insertTenantKey(run: Runner, row: Omit<TenantKeyRow, 'retired'>, now: Date): Promise<void> {
  await run.query(
    `insert into konnectory.tenant_keys (instance_id, id, master_key, wrapped, created_at) values ($1, $2, $3, $4, $5)
       on conflict (instance_id) where retired_at is null do nothing`,
    [row.instance_id, row.id, row.master_key, row.wrapped, now],
  )
}

export async function retireTenantKey(run: Runner, tenantId: string, now: Date): Promise<void> {
  await run.query('update konnectory.tenant_keys set retired_at = $2 where instance_id = $1 and retired_at is null', [
    tenantId,
    now,
  ])
}

/** Locks and returns some data keys that another master key wraps. */
export async function takeWrappedByOthers(run: Runner, masterKeyId: string): Promise<TenantKeyRow[]> {
  const { rows } = await run.query<TenantKeyRow>(
    `select ${TENANT_KEY} from konnectory.tenant_keys where master_key <> $1 order by instance_id, id limit ${BATCH} for update`,
    [masterKeyId],
  )
  return rows
}

export async function updateWrapped(run: Runner, masterKeyId: string, rows: TenantKeyRow[]): Promise<void> {
  await run.query(
    `update konnectory.tenant_keys t set master_key = $1, wrapped = n.wrapped
       from unnest($2::uuid[], $3::text[], $4::text[]) as n (instance_id, id, wrapped)
      where t.instance_id = n.instance_id and t.id = n.id`,
    [masterKeyId, rows.map(row => row.instance_id), rows.map(row => row.id), rows.map(row => row.wrapped)],
  )
}
