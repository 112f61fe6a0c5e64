import { collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { Database } from '#ground/database/index'
import { type Route, route } from '#ground/http/route'

/** Bounds in seconds: a cached read takes half a millisecond, an upload minutes. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60]

/** The server's measurements for Prometheus, on the administration's listener: routes by pattern, never by path or instance. */
export function createMetrics({ database }: { database: Pick<Database, 'driver'> }) {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry, prefix: 'konnectory_' })
  const requests = new Histogram({
    name: 'konnectory_http_request_seconds',
    help: 'Duration of requests',
    labelNames: ['method', 'route', 'status'],
    buckets: BUCKETS,
    registers: [registry],
  })
  new Gauge({
    name: 'konnectory_database_connections',
    help: 'Connections to the database',
    labelNames: ['state'],
    registers: [registry],
    collect() {
      const { totalCount, idleCount, waitingCount } = database.driver
      this.set({ state: 'busy' }, totalCount - idleCount)
      this.set({ state: 'idle' }, idleCount)
      this.set({ state: 'waited_for' }, waitingCount)
    },
  })
  const routes: Route[] = [
    route({
      method: 'GET',
      path: '/metrics',
      summary: 'Measurements in the format of Prometheus',
      family: 'plain',
      permission: { public: 'only on the administration’s listener, behind its secret' },
      handle: async () => ({
        status: 200,
        headers: { 'content-type': registry.contentType },
        body: await registry.metrics(),
      }),
    }),
  ]
  return {
    routes,
    observe: ({
      method,
      route: pattern,
      status,
      seconds,
    }: {
      method: string
      route: string
      status: number
      seconds: number
    }) => requests.observe({ method, route: pattern, status: `${Math.floor(status / 100)}xx` }, seconds),
    [Symbol.dispose]() {
      registry.clear()
    },
  }
}
