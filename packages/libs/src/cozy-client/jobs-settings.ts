import { fetchJSON } from './exchange.ts'

/** `cozyClient.jobs`. */
export const jobs = {
  /** Jobs waiting for a worker. */
  queued: (worker: string) => fetchJSON('GET', `/jobs/queue/${encodeURIComponent(worker)}`),
  count: async (worker: string): Promise<number> => (await jobs.queued(worker)).length,
  /** Puts a job in a worker's queue. */
  create: (worker: string, message: object = {}, options: object = {}) =>
    fetchJSON('POST', `/jobs/queue/${encodeURIComponent(worker)}`, {
      data: { type: 'io.cozy.jobs', attributes: { arguments: message, options } },
    }),
}

/** `cozyClient.settings`. */
export const settings = {
  diskUsage: () => fetchJSON('GET', '/settings/disk-usage'),
  getInstance: () => fetchJSON('GET', '/settings/instance'),
  getClients: () => fetchJSON('GET', '/settings/clients'),
}
