import { isSlug } from '@konnectory/protocol'
import { z } from 'zod'
import { json, noContent } from '#ground/http/answer'
import { invalidParameter } from '#ground/http/errors'
import { type Route, route } from '#ground/http/route'
import type { RegistryClient } from '../client.ts'
import { type MaintenanceOptions, maintenanceOptionsSchema, presentMaintenance } from '../maintenance/maintenance.ts'
import type { MaintenanceStore } from '../maintenance/maintenance-store.ts'
import type { Registries } from '../registry.ts'

const OPERATOR = { public: 'only on the administration listener, which asks for its secret' }

/** JSON:API, or the attributes alone. */
const bodySchema = z.union([
  z.object({ data: z.object({ attributes: maintenanceOptionsSchema }) }).transform(({ data }) => data.attributes),
  maintenanceOptionsSchema,
])

export interface AdminDeps {
  store: MaintenanceStore
  now(): Date
  ofContext(context: string): { clients: RegistryClient[]; registries: Pick<Registries, 'inMaintenance'> }
}

/** Maintenance of konnectors, on the administration listener (`protocol/konnector-runtime.md` §9). */
export function maintenanceRoutes({ store, now, ofContext }: AdminDeps): Route[] {
  return [
    route<Record<string, string>, { Context?: string | undefined }>({
      method: 'GET',
      path: '/konnectors/maintenance',
      summary: 'Konnectors in maintenance; with `Context` also those that its registries name',
      family: 'json-api',
      permission: OPERATOR,
      query: z.object({ Context: z.string().optional() }),
      async handle({ query: { Context: context } }) {
        const own = (await store.list()).map(entry => ({ ...entry, level: 'stack' }) as const)
        const all = context === undefined ? own : await ofContext(context).registries.inMaintenance(undefined)
        return json(all.map(presentMaintenance))
      },
    }),
    route<{ slug: string }, Record<string, string>, MaintenanceOptions>({
      method: 'PUT',
      path: '/konnectors/maintenance/:slug',
      summary: 'Says that a konnector is in maintenance, and what for',
      family: 'json-api',
      permission: OPERATOR,
      body: { json: bodySchema as z.ZodType<MaintenanceOptions> },
      async handle({ params: { slug }, body }) {
        if (!isSlug(slug)) throw invalidParameter('slug', `${slug} is no slug`)
        await store.put(slug, body, now())
        return noContent()
      },
    }),
    route<{ slug: string }>({
      method: 'DELETE',
      path: '/konnectors/maintenance/:slug',
      summary: 'A konnector is no longer in maintenance',
      family: 'json-api',
      permission: OPERATOR,
      async handle({ params: { slug } }) {
        await store.remove(slug)
        return noContent()
      },
    }),
  ]
}
