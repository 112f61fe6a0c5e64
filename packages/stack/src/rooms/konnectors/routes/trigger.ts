import { z } from 'zod'
import type { Documents } from '#ground/documents/contract'
import { type Route, route } from '#ground/http/route'
import type { Tenant } from '#ground/tenant'
import { asRequestError } from '#rooms/jobs'
import { type Triggers, triggerAnswer } from '#rooms/triggers'
import type { Konnector } from '../konnector.ts'
import { triggerFor } from '../schedule.ts'

export interface TriggerRouteDeps {
  documents: Documents
  /** @throws JsonApiError 404 */
  get(tenant: Tenant, slug: string): Promise<Konnector>
  triggers: Pick<Triggers, 'create' | 'launch'>
}

const querySchema = z.object({ AccountID: z.string().max(200).optional(), ExecNow: z.string().optional() })

/** The trigger of a new account (`protocol/konnectors-api.md` §5); with `ExecNow` its first run, in the same transaction. */
export function triggerRoute({ documents, get, triggers }: TriggerRouteDeps): Route {
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
      try {
        const trigger = await documents.transaction(tenant, async writer => {
          const made = await triggers.create(writer, { ...wish, createdByApp: actor.slug ?? actor.subject })
          if (now === 'true') await triggers.launch(writer, made.id)
          return made
        })
        return triggerAnswer(tenant, trigger, undefined, 201)
      } catch (error) {
        throw asRequestError(error)
      }
    },
  })
}
