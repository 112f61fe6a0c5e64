import type { Database } from '#ground/database/index'
import { json, noContent } from '#ground/http/answer'
import { type Route, route } from '#ground/http/route'

/** What this server is; read once from its package. */
export interface Version {
  version: string
}

const EVERYBODY = { public: 'says how the server is, nothing of anybody' } as const

/** Routes about the server itself (`protocol/conventions.md` §2). They need no instance. */
export function healthRoutes({ database, version }: { database: Pick<Database, 'driver'>; version: string }): Route[] {
  const status = async () => {
    const started = performance.now()
    const error = await database.driver.query('select 1').then(
      () => undefined,
      (reason: Error) => reason,
    )
    const latency = `${(performance.now() - started).toFixed(1)}ms`
    const part = error ? 'the database does not answer' : 'healthy'
    const body = {
      cache: 'healthy',
      couchdb: part,
      fs: 'healthy',
      status: error ? 'KO' : 'OK',
      latency: { couchdb: latency },
      message: error ? 'KO' : 'OK',
    }
    return json(body, error ? 502 : 200)
  }
  return [
    route({
      method: 'GET',
      path: '/status',
      summary: 'Whether the parts of the server are well',
      family: 'plain',
      permission: EVERYBODY,
      anyHost: true,
      handle: status,
    }),
    route({
      method: 'GET',
      path: '/version',
      summary: 'Version of the server',
      family: 'plain',
      permission: EVERYBODY,
      anyHost: true,
      handle: () => json({ version, build_mode: 'production', build_time: '', runtime_version: process.version }),
    }),
    route({
      method: 'GET',
      path: '/connection_check',
      summary: 'Whether there is a connection',
      family: 'plain',
      permission: EVERYBODY,
      anyHost: true,
      handle: () => noContent(),
    }),
    route({
      method: 'GET',
      path: '/robots.txt',
      summary: 'Tells crawlers to stay away',
      family: 'plain',
      permission: EVERYBODY,
      anyHost: true,
      handle: () => ({ status: 200, headers: { 'content-type': 'text/plain' }, body: 'User-agent: *\nDisallow: /\n' }),
    }),
  ]
}
