import { sql, type Transaction } from 'kysely'
import type { GroundTables, Query } from '#ground/database/index'

type Tables = {
  konnector_installations: { instance_id: string; slug: string; bundle: string; mark: string; manifest: string }
  konnector_operations: { instance_id: string; slug: string; holder: string; beat_at: Date }
}

export interface InstallationRow {
  slug: string
  bundle: string
  mark: string
  manifest: string
}

/** Who has bundles removed, and who begins to use one, exclude each other by this number. */
const BUNDLES_LOCK = 7_236_001

/** The tables of installed konnectors. */
export function createStore(query: Query) {
  const tables = (open: Query | Transaction<GroundTables> = query) => open.withTables<Tables>()

  return {
    async find(instanceId: string, slugs: string[]): Promise<Map<string, InstallationRow>> {
      if (slugs.length === 0) return new Map()
      const rows = await tables()
        .selectFrom('konnector_installations')
        .select(['slug', 'bundle', 'mark', 'manifest'])
        .where('instance_id', '=', instanceId)
        .where('slug', 'in', slugs)
        .execute()
      return new Map(rows.map(row => [row.slug, row]))
    },
    async put(open: Transaction<GroundTables>, instanceId: string, row: InstallationRow): Promise<void> {
      const { slug, ...values } = row
      await tables(open)
        .insertInto('konnector_installations')
        .values({ instance_id: instanceId, slug, ...values })
        .onConflict(conflict => conflict.columns(['instance_id', 'slug']).doUpdateSet(values))
        .execute()
    },
    async remove(open: Transaction<GroundTables>, instanceId: string, slug: string): Promise<void> {
      await tables(open)
        .deleteFrom('konnector_installations')
        .where('instance_id', '=', instanceId)
        .where('slug', '=', slug)
        .execute()
    },
    /** Which of these bundles an instance names. */
    async named(open: Transaction<GroundTables>, bundles: string[]): Promise<Set<string>> {
      if (bundles.length === 0) return new Set()
      const rows = await tables(open)
        .selectFrom('konnector_installations')
        .select('bundle')
        .distinct()
        .where('bundle', 'in', bundles)
        .execute()
      return new Set(rows.map(({ bundle }) => bundle))
    },
    /** Until the transaction ends no bundle is removed. */
    async keepBundles(open: Transaction<GroundTables>): Promise<void> {
      await sql`select pg_advisory_xact_lock_shared(${BUNDLES_LOCK})`.execute(open)
    },
    /** Until the transaction ends nobody begins to use a bundle. */
    async holdBundles(open: Transaction<GroundTables>): Promise<void> {
      await sql`select pg_advisory_xact_lock(${BUNDLES_LOCK})`.execute(open)
    },

    /** Takes the operation of a konnector. @returns whether nobody else has it; one who has not been heard of is nobody */
    async begin(instanceId: string, slug: string, holder: string, now: Date, silentSince: Date): Promise<boolean> {
      const row = await tables()
        .insertInto('konnector_operations')
        .values({ instance_id: instanceId, slug, holder, beat_at: now })
        .onConflict(conflict =>
          conflict
            .columns(['instance_id', 'slug'])
            .doUpdateSet({ holder, beat_at: now })
            .where('konnector_operations.beat_at', '<', silentSince),
        )
        .returning('holder')
        .executeTakeFirst()
      return row !== undefined
    },
    async beat(instanceId: string, slug: string, holder: string, now: Date): Promise<void> {
      await tables()
        .updateTable('konnector_operations')
        .set({ beat_at: now })
        .where('instance_id', '=', instanceId)
        .where('slug', '=', slug)
        .where('holder', '=', holder)
        .execute()
    },
    /** Ends the operation with a transaction. @returns whether it was still ours */
    async endWithin(
      open: Transaction<GroundTables>,
      instanceId: string,
      slug: string,
      holder: string,
    ): Promise<boolean> {
      const { numDeletedRows } = await tables(open)
        .deleteFrom('konnector_operations')
        .where('instance_id', '=', instanceId)
        .where('slug', '=', slug)
        .where('holder', '=', holder)
        .executeTakeFirst()
      return numDeletedRows > 0n
    },
    async end(instanceId: string, slug: string, holder: string): Promise<void> {
      await tables()
        .deleteFrom('konnector_operations')
        .where('instance_id', '=', instanceId)
        .where('slug', '=', slug)
        .where('holder', '=', holder)
        .execute()
    },
    /** Triggers that run a konnector, by their documents (`protocol/konnectors-api.md` §6). */
    async triggersOf(instanceId: string, slug: string): Promise<{ id: string; rev: string; account: string | null }[]> {
      const { rows } = await sql<{ id: string; rev: string; account: string | null }>`
        select id, rev, case when jsonb_typeof(doc -> 'message' -> 'account') = 'string' then doc -> 'message' ->> 'account' end as account
          from docs
         where instance_id = ${instanceId} and doctype = 'io.cozy.triggers' and not deleted
           and doc ->> 'worker' in ('konnector', 'client') and doc -> 'message' ->> 'konnector' = ${slug}
         order by id`.execute(query)
      return rows
    },
  }
}

export type Store = ReturnType<typeof createStore>
