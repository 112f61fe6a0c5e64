import { z } from 'zod'
import { noContent } from '#ground/http/answer'
import { badRequest, forbidden, notThere } from '#ground/http/errors'
import { type Route, type RouteRequest, route } from '#ground/http/route'
import { asRequestError, CLIENT, type Jobs, jobAnswer, jobsAnswer } from '#rooms/jobs'
import { selectable, stateAnswer, triggerAnswer, triggersAnswer } from '../present.ts'
import { NO_TRIGGER, type TriggerService } from '../service.ts'
import { JOBS_OF_STATE } from '../state.ts'
import { TRIGGERS, triggerRecord } from '../trigger.ts'
import { isOwn, keepsOwn } from './own.ts'

export interface RouteDeps {
  triggers: TriggerService
  jobs: Pick<Jobs, 'kindOf' | 'ofTriggers'>
}

/** In nanoseconds, unlike those of `/jobs/queue`. */
const options = z.looseObject({
  max_exec_count: z.number().int().min(0).max(1000).optional(),
  timeout: z.number().min(0).max(Number.MAX_SAFE_INTEGER).optional(),
})

const newTriggerBody = z.looseObject({
  data: z.looseObject({
    attributes: z.looseObject({
      type: z.string(),
      worker: z.string().min(1).max(100),
      arguments: z.string().nullish(),
      message: z.unknown().optional(),
      worker_arguments: z.unknown().optional(),
      debounce: z.string().max(100).nullish(),
      options: options.nullish(),
    }),
  }),
})

const patchBody = z.looseObject({
  data: z.looseObject({
    attributes: z.looseObject({ message: z.unknown().optional(), arguments: z.string().optional() }),
  }),
})

const listOf = (text: string | undefined) => text?.split(',').filter(item => item !== '') ?? []

/** `protocol/jobs.md` §3. */
export function triggerRoutes({ triggers, jobs }: RouteDeps): Route[] {
  type Asked = Pick<RouteRequest<Record<string, string>, unknown, unknown>, 'tenant' | 'params' | 'allow' | 'actor'>

  /** @param own whether a konnector may without a rule, of its own triggers */
  async function allowed(
    { tenant, params, allow, actor }: Asked,
    verb: 'GET' | 'POST' | 'PATCH' | 'DELETE',
    own: boolean,
  ) {
    const id = params.id!
    const trigger = await triggers.find(tenant, id)
    const grant = allow.maybe()
    const mine = own && trigger !== undefined && isOwn(actor, triggerRecord(trigger))
    // What is not there is not told from what one may not see, except to who may see all or is a konnector looking for its own.
    allow.check(
      mine ||
        (!trigger && own && actor.kind === 'konnector') ||
        grant.allowsDocument(verb, TRIGGERS, id, trigger ? selectable(trigger) : {}),
    )
    if (!trigger) throw NO_TRIGGER()
    return trigger
  }

  return [
    route({
      method: 'POST',
      path: '/jobs/triggers',
      summary: 'Makes a trigger',
      family: 'json-api',
      permission: { inside: 'POST on io.cozy.triggers, of this worker or all' },
      body: { json: newTriggerBody },
      async handle({ tenant, body, allow, actor }) {
        const given = body.data.attributes
        const { type, worker } = given
        allow.onFields('POST', TRIGGERS, { worker }, ['worker'])
        assertWorker(jobs, type, worker, actor.kind)
        const trigger = await triggers.create(tenant, {
          type,
          worker,
          arguments: given.arguments ?? undefined,
          message: given.message ?? given.worker_arguments ?? null,
          debounce: given.debounce ?? undefined,
          options: given.options as Record<string, number> | undefined,
          createdByApp: actor.slug ?? actor.subject,
        })
        return triggerAnswer(tenant, trigger, undefined, 201)
      },
    }),
    route({
      method: 'GET',
      path: '/jobs/triggers',
      summary: 'Triggers with their states',
      family: 'json-api',
      permission: { inside: 'GET on io.cozy.triggers; of one worker with a rule on it' },
      query: z.object({ Worker: z.string().optional(), Type: z.string().optional() }),
      async handle({ tenant, query, allow }) {
        const [workers, types] = [listOf(query.Worker), listOf(query.Type)]
        const [only] = workers
        if (only !== undefined && workers.length === 1) allow.onFields('GET', TRIGGERS, { worker: only }, ['worker'])
        else allow.whole('GET', TRIGGERS)
        const found = (await triggers.list(tenant)).filter(trigger => {
          const { worker, type } = triggerRecord(trigger)
          return (workers.length === 0 || workers.includes(worker)) && (types.length === 0 || types.includes(type))
        })
        return triggersAnswer(
          tenant,
          found,
          await triggers.statesOf(
            tenant,
            found.map(({ id }) => id),
          ),
        )
      },
    }),
    route({
      method: 'GET',
      path: '/jobs/triggers/:id',
      summary: 'A trigger with its state',
      family: 'json-api',
      permission: { inside: 'GET on io.cozy.triggers, of this worker or all; konnectors: their own' },
      async handle(request) {
        const trigger = await allowed(request, 'GET', true)
        return triggerAnswer(request.tenant, trigger, await triggers.stateOf(request.tenant, trigger.id))
      },
    }),
    route({
      method: 'GET',
      path: '/jobs/triggers/:id/state',
      summary: 'What became of the last jobs of a trigger, and when the next is',
      family: 'json-api',
      permission: { inside: 'GET on io.cozy.triggers, of this worker or all; konnectors: their own' },
      async handle(request) {
        const trigger = await allowed(request, 'GET', true)
        const state = await triggers.stateOf(request.tenant, trigger.id)
        if (!state) throw NO_TRIGGER()
        return stateAnswer(trigger, state)
      },
    }),
    route({
      method: 'GET',
      path: '/jobs/triggers/:id/jobs',
      summary: 'The newest jobs of a trigger',
      family: 'json-api',
      permission: { inside: 'GET on io.cozy.triggers, of this worker or all' },
      query: z.object({ Limit: z.coerce.number().int().min(0).catch(JOBS_OF_STATE).optional() }),
      async handle(request) {
        const trigger = await allowed(request, 'GET', false)
        const limit = Math.min(request.query.Limit || JOBS_OF_STATE, JOBS_OF_STATE)
        const found = await jobs.ofTriggers(request.tenant, [trigger.id], limit)
        return jobsAnswer(found.get(trigger.id) ?? [])
      },
    }),
    route({
      method: 'PATCH',
      path: '/jobs/triggers/:id',
      summary: 'Changes the message of a trigger, or when a @cron is due',
      family: 'json-api',
      permission: { inside: 'PATCH on io.cozy.triggers, of this worker or all; konnectors: their own' },
      body: { json: patchBody },
      async handle(request) {
        const { tenant, body, allow } = request
        const trigger = await allowed(request, 'PATCH', true)
        const { id } = trigger
        const { arguments: text, ...rest } = body.data.attributes
        // Its own stays its own: a konnector does not make it start another, nor with another account.
        const byRule = allow.maybe().allowsDocument('PATCH', TRIGGERS, id, selectable(trigger))
        if (!byRule && rest.message !== undefined) allow.check(keepsOwn(triggerRecord(trigger), rest.message))
        if (text === undefined && rest.message === undefined)
          throw badRequest('Only message and arguments can be changed')
        const changed = await triggers.patch(tenant, id, {
          ...(text !== undefined && { arguments: text }),
          ...(rest.message !== undefined && { message: rest.message }),
        })
        return triggerAnswer(tenant, changed, await triggers.stateOf(tenant, id))
      },
    }),
    route({
      method: 'POST',
      path: '/jobs/triggers/:id/launch',
      summary: 'Starts a trigger now',
      family: 'json-api',
      permission: { inside: 'POST on io.cozy.triggers, of this worker or all' },
      async handle(request) {
        const { id } = await allowed(request, 'POST', false)
        const job = await triggers.launch(request.tenant, id).catch(error => {
          throw asRequestError(error)
        })
        return jobAnswer(job, 201)
      },
    }),
    route({
      method: 'DELETE',
      path: '/jobs/triggers/:id',
      summary: 'Deletes a trigger',
      family: 'json-api',
      permission: { inside: 'DELETE on io.cozy.triggers, of this worker or all; konnectors: their own' },
      async handle(request) {
        const { id } = await allowed(request, 'DELETE', true)
        await triggers.remove(request.tenant, id)
        return noContent()
      },
    }),
  ]
}

/** @throws 404 for an unknown worker, 403 for one of the server */
function assertWorker(jobs: RouteDeps['jobs'], type: string, worker: string, actor: string): void {
  const kind = jobs.kindOf(worker)
  const byOperator = actor === 'cli'
  if (kind === 'unknown' || (worker === CLIENT && type !== '@client' && !byOperator))
    throw notThere(`There is no worker ${worker} here`)
  if (kind === 'reserved' && !byOperator) throw forbidden()
}
