import { z } from 'zod'
import { noContent } from '#ground/http/answer'
import { invalidAttribute } from '#ground/http/errors'
import { type Route, route } from '#ground/http/route'
import type { Log } from '#ground/log'

const LOGS = 'io.cozy.apps.logs'
const LEVELS: Record<string, 'debug' | 'info' | 'warn' | 'error'> = {
  trace: 'debug',
  debug: 'debug',
  info: 'info',
  warn: 'warn',
  warning: 'warn',
  error: 'error',
  fatal: 'error',
  panic: 'error',
}
/** Of one message, in characters; and of messages in one request. */
const LONGEST = 4_000
const MOST = 1_000

const bodySchema = z
  .array(z.object({ timestamp: z.string().optional(), level: z.string(), msg: z.string() }))
  .max(MOST, `must be at most ${MOST} lines`)

/** Lines that a konnector running elsewhere (on a phone) wants in the server's log (`protocol/konnectors-api.md` §2). */
export function logsRoute(log: Log): Route {
  return route<
    { slug: string },
    { job_id?: string | undefined; version?: string | undefined },
    z.infer<typeof bodySchema>
  >({
    method: 'POST',
    path: '/konnectors/:slug/logs',
    summary: 'Lines for the server’s log, of a konnector that runs elsewhere',
    family: 'json-api',
    permission: { inside: `everything, or POST on ${LOGS} with the token of a konnector` },
    evenWhenBlocked: true,
    query: z.object({ job_id: z.string().max(200).optional(), version: z.string().max(200).optional() }),
    body: { json: bodySchema },
    async handle({ actor, allow, tenant, params, query, body }) {
      const { grant, kind } = actor
      allow.check(grant.maximal || (kind === 'konnector' && grant.allowsWholeType('POST', LOGS)))
      const slug = kind === 'konnector' ? actor.subject : params.slug
      const lines = body.map(({ level, msg, timestamp }) => {
        const known = Object.hasOwn(LEVELS, level) ? LEVELS[level] : undefined
        if (known === undefined) throw invalidAttribute('level', `${level.slice(0, 50)} is no level`)
        return { known, msg, timestamp }
      })
      const { job_id: job, version } = query
      for (const { known, msg, timestamp } of lines)
        log[known]('a konnector says', {
          domain: tenant.domain,
          slug,
          job,
          version,
          at: timestamp,
          line: msg.slice(0, LONGEST),
        })
      return noContent()
    },
  })
}
