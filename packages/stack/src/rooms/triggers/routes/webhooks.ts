import { z } from 'zod'
import { noContent } from '#ground/http/answer'
import { invalidAttribute } from '#ground/http/errors'
import { readBytes } from '#ground/http/read-body'
import { type Route, route } from '#ground/http/route'
import type { Instances, Rate } from '#rooms/instances'
import { NO_TRIGGER, type TriggerService } from '../service.ts'
import { triggerRecord } from '../trigger.ts'

export interface WebhookDeps {
  triggers: Pick<TriggerService, 'find' | 'call'>
  instances: Pick<Instances, 'rates'>
}

/** `protocol/conventions.md` §7. */
const CALLS: Rate = { name: 'webhooks', limit: 30, windowMs: 3_600_000 }
/** What vendors send is a few kilobytes; a stranger may send anything. */
const LARGEST_BYTES = 1024 * 1024

/** What vendors call (`protocol/jobs.md` §4). */
export function webhookRoutes({ triggers, instances }: WebhookDeps): Route[] {
  return [
    route({
      method: 'POST',
      path: '/jobs/webhooks/:id',
      summary: 'Starts a trigger from outside',
      family: 'json-api',
      permission: { public: 'who knows the trigger’s id was given it; nothing is answered but that it was heard' },
      query: z.object({ Manual: z.string().optional() }),
      body: { stream: true },
      async handle({ tenant, params, query, stream, headers }) {
        const id = params.id!
        const trigger = await triggers.find(tenant, id)
        if (!trigger) throw NO_TRIGGER()
        if (triggerRecord(trigger).type !== '@webhook') throw invalidAttribute('Type', 'The trigger is no webhook')
        // Only calls of what is there count: nobody can use them up who does not know an id.
        if ((await instances.rates.hit(tenant.id, CALLS)).exceeded) throw NO_TRIGGER()
        const payload = await readBytes(stream, LARGEST_BYTES, headers['content-length'])
        await triggers.call(tenant, id, { payload, manual: query.Manual === 'true' })
        return noContent()
      },
    }),
  ]
}
