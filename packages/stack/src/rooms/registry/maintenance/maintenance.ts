import { z } from 'zod'
import { isObject, type RegistryObject } from '../documents.ts'
import type { MaintenanceStore } from './maintenance-store.ts'

const message = z.looseObject({ long_message: z.string().optional(), short_message: z.string().optional() })

/** What is said of a konnector in maintenance (`protocol/konnector-runtime.md` §9). */
export const maintenanceOptionsSchema = z.looseObject({
  flag_infra_maintenance: z.boolean().default(false),
  flag_short_maintenance: z.boolean().default(false),
  flag_disallow_manual_exec: z.boolean().default(false),
  messages: z.record(z.string(), message).default({}),
})
export type MaintenanceOptions = z.infer<typeof maintenanceOptionsSchema>

/** A konnector in maintenance, and who says so: this server's operator, or a registry. */
export interface Maintenance {
  slug: string
  level: 'stack' | 'registry'
  options: MaintenanceOptions
}

/** What a registry says of an application; undefined when it is not in maintenance. */
export function maintenanceOf(application: RegistryObject): Maintenance | undefined {
  if (application.maintenance_activated !== true || typeof application.slug !== 'string') return undefined
  const given = application.maintenance_options
  const parsed = maintenanceOptionsSchema.safeParse(isObject(given) ? given : {})
  // What cannot be read says nothing more than that there is a maintenance.
  const options = parsed.success ? parsed.data : maintenanceOptionsSchema.parse({})
  return { slug: application.slug, level: 'registry', options }
}

/** As the lists of both sides show it. */
export const presentMaintenance = ({ slug, level, options }: Maintenance): object => ({
  slug,
  type: 'konnector',
  maintenance_activated: true,
  maintenance_options: options,
  level,
})

/** An application of a registry with what the operator says on top. */
export async function overlay(store: MaintenanceStore, applications: RegistryObject[]): Promise<RegistryObject[]> {
  const own = new Map((await store.list()).map(({ slug, options }) => [slug, options]))
  if (own.size === 0) return applications
  return applications.map(application => {
    const options = own.get(String(application.slug))
    return options ? { ...application, maintenance_activated: true, maintenance_options: options } : application
  })
}
