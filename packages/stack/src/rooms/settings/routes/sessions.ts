import { jsonApi, noContent, redirect } from '#ground/http/answer'
import { HttpError, JsonApiError, notThere } from '#ground/http/errors'
import { type Route, route } from '#ground/http/route'
import type { Instance, Instances, Session } from '#rooms/instances'
import { SESSIONS } from '#rooms/instances'

export type SessionsDeps = Pick<Instances, 'sessions' | 'redirects' | 'update'>

/** Who is signed in, and the end of the onboarding (`protocol/settings.md` §7). */
export function sessionRoutes({ sessions, redirects, update }: SessionsDeps): Route[] {
  return [
    route({
      method: 'GET',
      path: '/settings/sessions',
      summary: 'Browsers that are signed in',
      family: 'json-api',
      permission: { whole: 'GET', of: SESSIONS },
      evenWhenBlocked: true,
      async handle({ tenant }) {
        const data = (await sessions.list(tenant as Instance)).map(asResource)
        return jsonApi({ data, meta: { count: data.length } })
      },
    }),
    route({
      method: 'GET',
      path: '/settings/sessions/current',
      summary: 'The session of this browser',
      family: 'json-api',
      permission: { public: 'tells a browser about its own cookie' },
      evenWhenBlocked: true,
      async handle({ tenant, headers }) {
        const session = await sessions.find(headers.cookie, tenant as Instance)
        if (!session) throw notThere('This browser is not signed in')
        return jsonApi({ data: asResource(session) })
      },
    }),
    route({
      method: 'GET',
      path: '/settings/onboarded',
      summary: 'Ends the onboarding and goes home',
      family: 'page',
      permission: { public: 'who is not signed in is sent to the login page' },
      evenWhenBlocked: true,
      async handle({ tenant, session }) {
        const instance = tenant as Instance
        if (!(await session())) return redirect(`${instance.url}auth/login`)
        if (!instance.onboardingFinished) await update(instance, { onboardingFinished: true })
        return redirect(await redirects.home(instance))
      },
    }),
    route({
      method: 'GET',
      path: '/settings/warnings',
      summary: 'What the owner must do before going on; 404 when nothing',
      family: 'json-api',
      permission: { token: 'every app shows them' },
      evenWhenBlocked: true,
      handle: () => jsonApi({ errors: [] }, 404),
    }),
    ...MAIL.map(({ method, path }) =>
      route({
        method,
        path,
        summary: 'Changes the mail address; this server sends no mail yet',
        family: 'json-api',
        permission: { whole: 'POST', of: 'io.cozy.settings' },
        evenWhenBlocked: true,
        handle() {
          throw new JsonApiError(
            501,
            'Not Implemented',
            'This server sends no mail yet: ask its administrator to change the address',
          )
        },
      }),
    ),
    route({
      method: 'PUT',
      path: '/settings/instance/sign_tos',
      summary: 'Accepts the terms of service',
      family: 'json-api',
      permission: { token: 'OAuth clients and the command line' },
      evenWhenBlocked: true,
      handle({ actor }) {
        if (actor.kind !== 'oauth' && actor.kind !== 'cli') throw new HttpError(403, 'Forbidden')
        return noContent()
      },
    }),
  ]
}

const MAIL = [
  { method: 'POST', path: '/settings/email' },
  { method: 'DELETE', path: '/settings/email' },
  { method: 'POST', path: '/settings/email/resend' },
] as const

function asResource({ id, createdAt, lastSeen, longRun, shortRun }: Session) {
  return {
    type: SESSIONS,
    id,
    attributes: { created_at: createdAt, last_seen: lastSeen, long_run: longRun, short_run: shortRun },
    meta: {},
    links: { self: `/settings/sessions/${id}` },
  }
}
