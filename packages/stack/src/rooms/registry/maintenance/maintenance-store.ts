import type { Query } from '#ground/database/index'
import type { MaintenanceOptions } from './maintenance.ts'

type Tables = { konnector_maintenance: { slug: string; options: string | MaintenanceOptions; updated_at: Date } }

/** The table of konnectors in maintenance. */
export function createMaintenanceStore(query: Query) {
  const tables = query.withTables<Tables>()
  return {
    async list(): Promise<{ slug: string; options: MaintenanceOptions }[]> {
      const rows = await tables
        .selectFrom('konnector_maintenance')
        .select(['slug', 'options'])
        .orderBy('slug')
        .execute()
      return rows.map(({ slug, options }) => ({ slug, options: options as MaintenanceOptions }))
    },
    async put(slug: string, options: MaintenanceOptions, now: Date): Promise<void> {
      const values = { options: JSON.stringify(options), updated_at: now }
      await tables
        .insertInto('konnector_maintenance')
        .values({ slug, ...values })
        .onConflict(conflict => conflict.column('slug').doUpdateSet(values))
        .execute()
    },
    async remove(slug: string): Promise<void> {
      await tables.deleteFrom('konnector_maintenance').where('slug', '=', slug).execute()
    },
  }
}

export type MaintenanceStore = ReturnType<typeof createMaintenanceStore>
