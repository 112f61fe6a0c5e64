import type { IncomingHttpHeaders } from 'node:http'
import { z } from 'zod'
import { type Answer, json, noContent, redirect as redirectTo } from '#ground/http/answer'
import { HttpError } from '#ground/http/errors'
import { type Route, type RouteRequest, route } from '#ground/http/route'
import type { Instance } from '../instance.ts'
import { loginPage, sorryPage } from '../pages/login-page.ts'
import { wordsOf } from '../pages/words.ts'
import { LoginBlocked, type PassphraseService, TooManyAttempts } from '../passphrase/service.ts'
import type { Sessions } from '../sessions/service.ts'
import { csrfFor, isCsrfValid, isNotForged } from './csrf.ts'
import type { Redirects } from './redirect.ts'

export interface LoginDeps {
  passphrase: PassphraseService
  sessions: Sessions
  redirects: Redirects
}

const whereTo = z.object({ redirect: z.string().max(8192).optional() })

const loginForm = z.object({
  passphrase: z.string().max(4096).optional(),
  redirect: z.string().max(8192).optional(),
  'long-run-session': z.union([z.string(), z.boolean()]).optional(),
  csrf_token: z.string().max(200).optional(),
})
type LoginForm = z.infer<typeof loginForm>

const wantsJson = ({ accept }: IncomingHttpHeaders) => accept?.trim() === 'application/json'

/** Signing in and out (`protocol/auth.md` §2). */
export function loginRoutes({ passphrase, sessions, redirects }: LoginDeps): Route[] {
  /** @returns undefined when the parameter leads elsewhere */
  const target = async (instance: Instance, redirect: string | undefined): Promise<string | undefined> =>
    redirect ? redirects.allowed(instance, redirect) : await redirects.home(instance)

  const badRedirect = (instance: Instance, headers: IncomingHttpHeaders): Answer => {
    const words = wordsOf(instance.locale)
    if (wantsJson(headers)) return json({ error: words.badRedirect }, 400)
    return sorryPage({ instance, title: words.error, text: words.badRedirect, status: 400 })
  }

  async function signIn(request: RouteRequest<unknown, unknown, LoginForm>): Promise<Answer> {
    // Not by a rest pattern: reading `actor` of a request without a token throws.
    const { headers, body, address } = request
    const instance = request.tenant as Instance
    const words = wordsOf(instance.locale)
    const asJson = wantsJson(headers)
    const redirect = await target(instance, body.redirect)
    if (redirect === undefined) return badRedirect(instance, headers)
    const refuse = async (status: number, error: string, more: Record<string, string> = {}): Promise<Answer> => {
      if (asJson) return json({ error }, status, more)
      const derivation = await passphrase.params(instance)
      const csrf = csrfFor(headers, instance)
      return loginPage({ instance, redirect, csrf, error, status, headers: more, ...derivation })
    }
    if (!isCsrfValid(headers, body.csrf_token) && !(asJson && isNotForged(headers, instance)))
      return await refuse(403, words.expired)
    try {
      const right = await passphrase.verify(instance, body.passphrase ?? '', { address })
      if (!right) return await refuse(401, words.wrongPassphrase)
    } catch (error) {
      if (error instanceof TooManyAttempts) return await refuse(429, words.tooMany(error.retryAfter), error.headers)
      if (error instanceof LoginBlocked) return await refuse(503, words.loginBlocked)
      throw error
    }
    const long = ['true', 'on', '1', true].includes(body['long-run-session'] ?? '')
    const { setCookie } = await sessions.open(instance, { kind: long ? 'long' : 'default' })
    const more = { 'set-cookie': setCookie, 'cache-control': 'no-store' }
    return asJson ? json({ redirect }, 200, more) : redirectTo(redirect, 303, more)
  }

  /** Only an app's own token may: a page elsewhere must not sign anybody out. */
  const sessionOf = ({ actor }: RouteRequest<unknown, unknown, unknown>): string => {
    if (actor.kind !== 'app' || actor.sessionId === undefined)
      throw new HttpError(401, 'Only the token of an app, bound to a session, may end sessions')
    return actor.sessionId
  }

  return [
    route({
      method: 'GET',
      path: '/auth/login',
      summary: 'The page to sign in',
      family: 'page',
      permission: { public: 'who signs in has no token yet' },
      evenWhenBlocked: true,
      query: whereTo,
      async handle({ tenant, query, headers, session }) {
        const instance = tenant as Instance
        const redirect = await target(instance, query.redirect)
        if (redirect === undefined) return badRedirect(instance, headers)
        if (await session()) return redirectTo(redirect)
        const derivation = await passphrase.params(instance)
        return loginPage({ instance, redirect, csrf: csrfFor(headers, instance), ...derivation })
      },
    }),
    route({
      method: 'POST',
      path: '/auth/login',
      summary: 'Signs in: a session cookie for the right passphrase',
      family: 'page',
      permission: { public: 'the passphrase is what is checked' },
      evenWhenBlocked: true,
      body: { form: loginForm },
      bodyLimit: 32 * 1024,
      handle: signIn,
    }),
    route({
      method: 'DELETE',
      path: '/auth/login',
      summary: 'Signs out: ends the session of the app that asks',
      family: 'json-api',
      permission: { token: 'it ends the very session the token is bound to' },
      evenWhenBlocked: true,
      async handle(request) {
        const instance = request.tenant as Instance
        await sessions.close(instance, sessionOf(request))
        return noContent({ 'set-cookie': sessions.clearCookie(instance) })
      },
    }),
    route({
      method: 'DELETE',
      path: '/auth/login/others',
      summary: 'Ends all sessions but that of the app that asks',
      family: 'json-api',
      permission: { token: 'the person is signed in to all of them' },
      evenWhenBlocked: true,
      async handle(request) {
        await sessions.closeOthers(request.tenant as Instance, sessionOf(request))
        return noContent()
      },
    }),
    route({
      method: 'POST',
      path: '/auth/logout',
      summary: 'Signs out from the page at the root of the instance',
      family: 'page',
      permission: { session: 'it ends that session' },
      evenWhenBlocked: true,
      body: { form: z.object({ csrf_token: z.string().max(200).optional() }) },
      bodyLimit: 32 * 1024,
      async handle({ tenant, headers, body, session }) {
        const instance = tenant as Instance
        const words = wordsOf(instance.locale)
        const current = await session()
        if (!isCsrfValid(headers, body.csrf_token) || !current)
          return sorryPage({ instance, title: words.error, text: words.expired, status: 403 })
        await sessions.close(instance, current.id)
        return redirectTo('/auth/login', 303, { 'set-cookie': sessions.clearCookie(instance) })
      },
    }),
  ]
}
