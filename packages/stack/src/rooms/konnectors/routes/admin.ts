import { z } from 'zod'
import { json } from '#ground/http/answer'
import { type Route, route } from '#ground/http/route'
import type { UpdateAll } from '../update-all.ts'

/** Updating what is installed, for the operator (`protocol/konnectors-api.md` §8). */
export function updateRoutes(updateAll: UpdateAll): Route[] {
  return [
    route<Record<string, string>, { Domain?: string | undefined; Slugs?: string | undefined }>({
      method: 'POST',
      path: '/konnectors/updates',
      summary:
        'Updates the konnectors of all instances, or of one, as far as no agreement is needed; answers at the end',
      family: 'json-api',
      permission: { public: 'only on the administration listener, which asks for its secret' },
      query: z.object({ Domain: z.string().optional(), Slugs: z.string().optional() }),
      async handle({ query: { Domain: domain, Slugs: slugs }, signal }) {
        const wanted = slugs?.split(',').filter(slug => slug !== '')
        return json(await updateAll({ domain, slugs: wanted, signal }))
      },
    }),
  ]
}
