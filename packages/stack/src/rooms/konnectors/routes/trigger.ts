import { z } from 'zod'
import { jsonApi } from '#ground/http/answer'
import type { Actor } from '#ground/http/grant'
import { type Route, route } from '#ground/http/route'
import type { Tenant } from '#ground/tenant'
import type { Konnector } from '../konnector.ts'
import { type TriggerWish, triggerFor } from '../schedule.ts'

/** What the route needs of triggers. */
export interface TriggerMaker {
  /**
   * Makes a trigger, and with `execNow` a manual job of it.
   * @returns the trigger as the triggers' own routes show it, a JSON:API object
   */
  make(tenant: Tenant, actor: Actor, wish: TriggerWish, options: { execNow: boolean }): Promise<object>
}

const querySchema = z.object({ AccountID: z.string().max(200).optional(), ExecNow: z.string().optional() })

/** The trigger of a new account (`protocol/konnectors-api.md` §5). */
export function triggerRoute({
  get,
  triggers,
}: {
  get(tenant: Tenant, slug: string): Promise<Konnector>
  triggers: TriggerMaker
}): Route {
  return route<{ slug: string }, z.infer<typeof querySchema>>({
    method: 'POST',
    path: '/konnectors/:slug/trigger',
    summary: 'Makes the trigger of an account, as often and when the manifest says',
    family: 'json-api',
    permission: { inside: 'POST on triggers of the worker' },
    query: querySchema,
    async handle({ tenant, actor, allow, params: { slug }, query: { AccountID: given, ExecNow: now } }) {
      allow.onFields('POST', 'io.cozy.triggers', { worker: 'konnector' }, ['worker'])
      const konnector = await get(tenant, slug)
      const wish = triggerFor(konnector.manifest, { domain: tenant.domain, slug, account: given || undefined })
      return jsonApi({ data: await triggers.make(tenant, actor, wish, { execNow: now === 'true' }) }, 201)
    },
  })
}
