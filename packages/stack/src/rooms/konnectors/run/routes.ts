import { z } from 'zod'
import type { Ground } from '#ground/ground'
import { jsonApi } from '#ground/http/answer'
import { notThere } from '#ground/http/errors'
import { type Route, type RouteRequest, route } from '#ground/http/route'
import { JOBS } from '#rooms/jobs'
import type { LineStore } from './line-store.ts'
import { RUNS } from './record.ts'

const params = z.object({ job: z.string().min(1).max(200) })

/** What happened in a run: its record and its log. Ours; upstream has only the error of the job. */
export function runRoutes({ documents }: Pick<Ground, 'documents'>, lines: LineStore): Route[] {
  /** Who may read the job may read how it went. */
  const runOf = async ({ tenant, allow, params: { job } }: RouteRequest<z.infer<typeof params>, unknown, unknown>) => {
    const stored = await documents.of(tenant).get(JOBS, job)
    allow.document('GET', JOBS, job, stored && !stored.deleted ? stored.body : {})
    const record = await documents.of(tenant).get(RUNS, job)
    if (!record || record.deleted) throw notThere('there is no run of this job')
    return record
  }
  return [
    route({
      method: 'GET',
      path: '/runs/:job',
      summary: 'How the run of a job goes, or went',
      family: 'json-api',
      permission: { inside: 'GET on the job' },
      params,
      async handle(request) {
        const { id, rev, body } = await runOf(request)
        return jsonApi({
          data: {
            type: RUNS,
            id,
            attributes: body,
            meta: { rev },
            links: { self: `/runs/${id}`, related: `/jobs/${id}` },
          },
        })
      },
    }),
    route({
      method: 'GET',
      path: '/runs/:job/log',
      summary: 'Lines of the log of a run, after a number',
      family: 'json-api',
      permission: { inside: 'GET on the job' },
      params,
      query: z.looseObject({
        after: z.coerce.number().int().min(0).default(0),
        limit: z.coerce.number().int().min(1).max(5000).default(1000),
      }),
      async handle(request) {
        const { id } = await runOf(request)
        const { after, limit } = request.query
        const found = await lines.read(request.tenant.id, id, { after, limit })
        const last = found.at(-1)?.number ?? after
        return jsonApi({
          data: found.map(({ number, ...attributes }) => ({
            type: `${RUNS}.lines`,
            id: `${id}/${number}`,
            attributes: { number, ...attributes },
            meta: {},
          })),
          meta: { count: found.length, last },
          ...(found.length === limit && { links: { next: `/runs/${id}/log?after=${last}&limit=${limit}` } }),
        })
      },
    }),
  ]
}
