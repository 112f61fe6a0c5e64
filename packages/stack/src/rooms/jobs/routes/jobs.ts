import { z } from 'zod'
import type { StoredDocument } from '#ground/documents/contract'
import { forbidden, invalidAttribute, notThere } from '#ground/http/errors'
import { type Route, type RouteRequest, route } from '#ground/http/route'
import type { Tenant } from '#ground/tenant'
import { JOBS, type JobOptions, jobRecord } from '../job.ts'
import { jobAnswer, jobsAnswer } from '../present.ts'
import { asRequestError, type NewJob } from '../push.ts'
import { CLIENT } from '../worker.ts'

export interface JobService {
  push(tenant: Tenant, job: NewJob): Promise<StoredDocument>
  find(tenant: Tenant, id: string): Promise<StoredDocument | undefined>
  listOpen(tenant: Tenant, worker: string): Promise<StoredDocument[]>
  endClientJob(
    tenant: Tenant,
    id: string,
    outcome: { state: 'done' | 'errored'; error?: string | undefined },
  ): Promise<StoredDocument | undefined>
  kindOf(worker: string): 'open' | 'reserved' | 'client' | 'unknown'
}

const NO_WORKER = (worker: string) => notThere(`There is no worker ${worker} here`)
const NO_JOB = () => notThere('Job with specified ID does not exist')
/** Least and most seconds an option may say; a worker's own limit is lower anyway. */
const seconds = z.number().positive().max(86_400)

const newJobBody = z.looseObject({
  data: z.looseObject({
    attributes: z.looseObject({
      arguments: z.unknown().optional(),
      manual: z.boolean().nullish(),
      forward_logs: z.boolean().nullish(),
      options: z
        .looseObject({ max_exec_count: z.number().int().min(0).max(1000).nullish(), timeout: seconds.nullish() })
        .nullish(),
    }),
  }),
})

const endBody = z.looseObject({
  data: z.looseObject({ attributes: z.looseObject({ state: z.unknown().optional(), error: z.string().nullish() }) }),
})

/** Jobs, one by one (`protocol/jobs.md` §2). */
export function jobRoutes(jobs: JobService): Route[] {
  return [
    route({
      method: 'GET',
      path: '/jobs/queue/:worker',
      summary: 'Jobs of a worker that have not ended, at most 200',
      family: 'json-api',
      permission: { inside: 'GET on io.cozy.jobs, of this worker or all' },
      async handle({ tenant, params, allow }) {
        allow.onFields('GET', JOBS, { worker: params.worker }, ['worker'])
        return jobsAnswer(await jobs.listOpen(tenant, params.worker!))
      },
    }),
    route({
      method: 'POST',
      path: '/jobs/queue/:worker',
      summary: 'Queues a job',
      family: 'json-api',
      permission: { inside: 'POST on io.cozy.jobs, of this worker or all' },
      params: z.object({ worker: z.string().min(1).max(100) }),
      body: { json: newJobBody },
      async handle({ tenant, params: { worker }, body, allow, actor }) {
        allow.onFields('POST', JOBS, { worker }, ['worker'])
        const { arguments: message, manual, forward_logs: forwardLogs, options } = body.data.attributes
        assertPushable(jobs, worker, actor.kind)
        if (forwardLogs && actor.kind !== 'cli') throw forbidden()
        const job = await jobs
          .push(tenant, {
            worker,
            message,
            manual: manual === true,
            forwardLogs: forwardLogs === true,
            options: asStored(options),
          })
          .catch(error => {
            throw asRequestError(error)
          })
        return jobAnswer(job, 202)
      },
    }),
    route({
      method: 'GET',
      path: '/jobs/:id',
      summary: 'A job',
      family: 'json-api',
      permission: { inside: 'GET on io.cozy.jobs: this one, of its worker or state, or all' },
      async handle(request) {
        return jobAnswer(await allowedJob(jobs, request, 'GET'))
      },
    }),
    route({
      method: 'PATCH',
      path: '/jobs/:id',
      summary: 'Ends a job that a device does',
      family: 'json-api',
      permission: { inside: 'PATCH on io.cozy.jobs: this one, of its worker or state, or all' },
      body: { json: endBody },
      async handle(request) {
        const { tenant, body } = request
        const job = await allowedJob(jobs, request, 'PATCH')
        if (jobRecord(job).worker !== CLIENT) throw forbidden()
        const { state, error } = body.data.attributes
        if (state !== 'done' && state !== 'errored') throw invalidAttribute('State', 'A job ends as done or errored')
        const ended = await jobs.endClientJob(tenant, job.id, { state, error: error ?? undefined })
        if (!ended || ended.deleted) throw NO_JOB()
        return jobAnswer(ended)
      },
    }),
  ]
}

/** @throws 404 for an unknown worker, 403 for one of the server */
function assertPushable(jobs: JobService, worker: string, actor: string): void {
  const kind = jobs.kindOf(worker)
  const byOperator = actor === 'cli'
  if (kind === 'unknown' || (kind === 'client' && !byOperator)) throw NO_WORKER(worker)
  if (kind === 'reserved' && !byOperator) throw forbidden()
}

/** Documents have nanoseconds where requests have seconds. */
function asStored(options: z.infer<typeof newJobBody>['data']['attributes']['options']): JobOptions {
  const { max_exec_count, timeout } = options ?? {}
  return { ...(max_exec_count && { max_exec_count }), ...(timeout && { timeout: Math.round(timeout * 1e9) }) }
}

async function allowedJob(
  jobs: JobService,
  {
    tenant,
    params,
    allow,
  }: Pick<RouteRequest<Record<string, string>, unknown, unknown>, 'tenant' | 'params' | 'allow'>,
  verb: 'GET' | 'PATCH',
): Promise<StoredDocument> {
  const id = params.id!
  const job = await jobs.find(tenant, id)
  const { worker, state } = job ? jobRecord(job) : {}
  allow.document(verb, JOBS, id, job ? { worker, state } : {})
  if (!job) throw NO_JOB()
  return job
}
