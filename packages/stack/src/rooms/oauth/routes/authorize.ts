import type { IncomingHttpHeaders } from 'node:http'
import { z } from 'zod'
import { type Answer, json, redirect } from '#ground/http/answer'
import { type Route, route } from '#ground/http/route'
import type { Tenant } from '#ground/tenant'
import { csrfFor, html, type Instance, isCsrfValid, pageAnswer } from '#rooms/instances'
import { AuthorisationError, type AuthorisationRequest, readAuthorisation } from '../authorisation.ts'
import type { Clients } from '../clients.ts'
import type { Codes } from '../codes.ts'
import { consentBody } from '../consent/consent-page.ts'
import { consentWords } from '../consent/words.ts'
import { formActionSource, withParameters } from '../redirect-uri.ts'
import { LOGIN_SCOPE } from '../token-scope.ts'

export interface AuthorizeDependencies {
  clients: Clients
  codes: Codes
  /** Most connected devices of an instance; undefined: any number. */
  clientsLimit(tenant: Tenant): Promise<number | undefined>
}

const anything = z.record(z.string(), z.unknown())

/** The authorisation page (`protocol/auth.md` §4). */
export function authorizeRoutes({ clients, codes, clientsLimit }: AuthorizeDependencies): Route[] {
  /** Gives the code and says where it goes: both names carry it, and the empty fragment keeps the browser's own from going along. */
  const grant = async (tenant: Tenant, request: AuthorisationRequest): Promise<string> => {
    const { client, redirectUri, scope, challenge, state } = request
    const code = await codes.issue(tenant, { clientId: client.id, redirectUri, scope, challenge })
    await clients.accepted(tenant, client.id)
    return `${withParameters(redirectUri, { access_code: code, code, state })}#`
  }

  const overLimit = async (tenant: Tenant, { client }: AuthorisationRequest): Promise<number | undefined> => {
    if (!client.pending) return undefined
    const limit = await clientsLimit(tenant)
    return limit !== undefined && (await clients.count(tenant)) >= limit ? limit : undefined
  }

  const consent = async (
    tenant: Tenant,
    request: AuthorisationRequest,
    headers: IncomingHttpHeaders,
  ): Promise<Answer> => {
    const words = consentWords(tenant.locale)
    const limit = await overLimit(tenant, request)
    if (limit !== undefined) return tooMany(tenant, limit)
    const { client, redirectUri, state, scope, rules, challenge } = request
    const { token, headers: cookie } = csrfFor(headers, tenant as Instance)
    const fields = {
      client_id: client.id,
      redirect_uri: redirectUri,
      state,
      response_type: 'code',
      scope,
      ...(challenge !== undefined && { code_challenge: challenge, code_challenge_method: 'S256' }),
      csrf_token: token,
    }
    const refusalUrl = `${withParameters(redirectUri, { error: 'access_denied', state })}#`
    return pageAnswer({
      title: words.title(client.client_name),
      body: consentBody({ client, domain: tenant.domain, rules, redirectUri, refusalUrl, fields }, words),
      locale: tenant.locale,
      domain: tenant.domain,
      formTargets: [formActionSource(redirectUri)],
      headers: cookie,
    })
  }

  return [
    route({
      method: 'GET',
      path: '/auth/authorize',
      summary: 'Page on which the person gives a client access, or does not',
      family: 'page',
      permission: { public: 'who is not signed in is sent to the login page, and comes back' },
      query: anything,
      handle: ({ tenant, query, url, headers, session }) =>
        orErrorPage(tenant, async () => {
          const request = await readAuthorisation(clients, tenant, query)
          const here = new URL(url.replace(/^\/+/, ''), tenant.url)
          // Session codes are for certified applications only, and none is: without it, the person signs in as usual.
          if (here.searchParams.has('session_code')) {
            here.searchParams.delete('session_code')
            return redirect(here.href)
          }
          if (!(await session())) {
            const login = new URL('auth/login', tenant.url)
            login.searchParams.set('redirect', here.href)
            return redirect(login.href)
          }
          if (request.scope === LOGIN_SCOPE) return redirect(await grant(tenant, request), 302)
          return consent(tenant, request, headers)
        }),
    }),
    route({
      method: 'POST',
      path: '/auth/authorize',
      summary: 'The person has accepted: sends the client its access code',
      family: 'page',
      permission: { session: 'it is the person who gives access' },
      body: { form: anything },
      bodyLimit: 64 * 1024,
      handle: ({ tenant, body, headers }) =>
        orErrorPage(tenant, async () => {
          const { csrf_token: token } = body
          if (!comesFromHere(headers) || !isCsrfValid(headers, typeof token === 'string' ? token : undefined)) {
            throw new AuthorisationError(
              'This form did not come from the page it belongs to, or was open for too long.',
              403,
            )
          }
          const request = await readAuthorisation(clients, tenant, body)
          const limit = await overLimit(tenant, request)
          if (limit !== undefined) return tooMany(tenant, limit)
          const target = await grant(tenant, request)
          return headers.accept === 'application/json' ? json({ deeplink: target }) : redirect(target, 302)
        }),
    }),
  ]
}

/**
 * Whether a browser says that the form was on a page of this very host. An application on a subdomain is the same site: it gets
 * the session's cookie sent along, and can set the other one, so the token of the form is not enough.
 */
function comesFromHere({ origin, host }: IncomingHttpHeaders): boolean {
  return origin === undefined || URL.parse(origin)?.host === host
}

async function orErrorPage(tenant: Tenant, work: () => Promise<Answer>): Promise<Answer> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof AuthorisationError)) throw error
    const { locale, domain } = tenant
    const body = html`<p class="wrong">${error.message}</p>`
    return pageAnswer({ status: error.status, title: consentWords(locale).error, body, locale, domain })
  }
}

function tooMany({ locale, domain }: Tenant, limit: number): Answer {
  const words = consentWords(locale)
  return pageAnswer({ title: words.tooManyTitle, body: html`<p>${words.tooMany(limit)}</p>`, locale, domain })
}
