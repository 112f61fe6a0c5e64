import { z } from 'zod'
import { JSON_API_TYPE, jsonText } from '#ground/http/answer'
import { invalidParameter } from '#ground/http/errors'
import { type Route, route } from '#ground/http/route'
import type { Tenant } from '#ground/tenant'
import { JOBS } from '../job.ts'
import { parseLongDuration } from '../purge.ts'

export interface MaintenanceService {
  clean(tenant: Tenant): Promise<number>
  purge(tenant: Tenant, options: { olderThanMs?: number; workers?: string[] }): Promise<number>
}

const deletedAnswer = (deleted: number) => jsonText(JSON.stringify({ deleted }), 200, JSON_API_TYPE)

/** Jobs, many at a time (`protocol/jobs.md` §2). */
export function maintenanceRoutes(jobs: MaintenanceService): Route[] {
  return [
    route({
      method: 'POST',
      path: '/jobs/clean',
      summary: 'Ends jobs that have been under way for more than an hour',
      family: 'json-api',
      permission: { whole: 'POST', of: JOBS },
      handle: async ({ tenant }) => deletedAnswer(await jobs.clean(tenant)),
    }),
    route({
      method: 'DELETE',
      path: '/jobs/purge',
      summary: 'Removes old jobs',
      family: 'json-api',
      permission: { whole: 'DELETE', of: JOBS },
      query: z.object({ duration: z.string().optional(), workers: z.string().optional() }),
      async handle({ tenant, query: { duration, workers } }) {
        const olderThanMs = duration ? parseLongDuration(duration) : undefined
        if (duration && olderThanMs === undefined)
          throw invalidParameter('duration', 'A duration is written as 2W, 1M or 10D12h')
        const names = workers?.split(',').filter(name => name !== '')
        return deletedAnswer(
          await jobs.purge(tenant, {
            ...(olderThanMs !== undefined && { olderThanMs }),
            ...(names?.length && { workers: names }),
          }),
        )
      },
    }),
  ]
}
