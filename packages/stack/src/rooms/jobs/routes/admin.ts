import { json } from '#ground/http/answer'
import { type Route, route } from '#ground/http/route'
import type { Queue } from '../queue/queue.ts'

/** For the operator. */
export function adminJobRoutes(queue: Pick<Queue, 'depth'>): Route[] {
  return [
    route({
      method: 'GET',
      path: '/jobs/queues',
      summary: 'How many jobs wait and run, by worker, of all instances',
      family: 'plain',
      permission: { public: 'only on the administration’s listener, behind its secret' },
      anyHost: true,
      handle: async () => json({ queues: await queue.depth() }),
    }),
  ]
}
