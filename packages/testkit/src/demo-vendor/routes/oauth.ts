import { type Answer, html, json, redirect } from '../answer.ts'
import { CLIENT_ID, CLIENT_SECRET, OAuthError, SCOPES, type TokenSet } from '../oauth.ts'
import { badClientPage, consentPage } from '../pages/consent.ts'
import { csrfPage } from '../pages/trouble.ts'
import type { Routes } from '../router.ts'
import type { Visit } from '../visit.ts'
import { type Person, page } from './guard.ts'

/** Only to machines nobody else can own: a real vendor would list exact URLs. */
function isAllowedRedirect(uri: string): boolean {
  if (!URL.canParse(uri)) return false
  const { protocol, hostname } = new URL(uri)
  return /^https?:$/.test(protocol) && /(^|\.)localhost$|^127\.0\.0\.1$|\.test$/.test(hostname)
}

interface AuthorizeRequest {
  redirectUri: string
  scopes: string[]
  state: string | null
  challenge: string | null
}

/** Reads the query of the authorize page; an Answer when it may not go on (never redirecting to an unchecked URI). */
function readAuthorize(visit: Visit): AuthorizeRequest | Answer {
  const { query } = visit
  const refuse = (reason: string) => html(badClientPage(visit, reason), 400)
  if (query.get('client_id') !== CLIENT_ID) return refuse('unknown client_id')
  const redirectUri = query.get('redirect_uri') ?? ''
  if (!isAllowedRedirect(redirectUri)) return refuse('redirect_uri not allowed')
  const state = query.get('state')
  if (query.get('response_type') !== 'code') return comeBack(redirectUri, { error: 'unsupported_response_type', state })
  const scopes = (query.get('scope') ?? SCOPES.join(' ')).split(/[ +]+/).filter(Boolean)
  if (scopes.some(scope => !SCOPES.includes(scope))) return comeBack(redirectUri, { error: 'invalid_scope', state })
  const challenge = query.get('code_challenge')
  if (challenge !== null && query.get('code_challenge_method') !== 'S256') {
    return comeBack(redirectUri, { error: 'invalid_request', state })
  }
  return { redirectUri, scopes, state, challenge }
}

function comeBack(redirectUri: string, parameters: Record<string, string | null>): Answer {
  const url = new URL(redirectUri)
  for (const [name, value] of Object.entries(parameters)) if (value !== null) url.searchParams.set(name, value)
  return redirect(url.href)
}

function authorize(answer: (visit: Visit, person: Person, request: AuthorizeRequest) => Answer) {
  return page((visit, person) => {
    const request = readAuthorize(visit)
    return 'status' in request ? request : answer(visit, person, request)
  })
}

function readClient(visit: Visit): { id: string | null; secret: string | null } {
  const basic = /^Basic (.+)$/i.exec(visit.headers.authorization ?? '')
  if (!basic) return { id: visit.form.get('client_id'), secret: visit.form.get('client_secret') }
  const [id = '', secret = ''] = Buffer.from(basic[1]!, 'base64').toString().split(':').map(decodeURIComponent)
  return { id, secret }
}

function checkClient(visit: Visit): void {
  const { id, secret } = readClient(visit)
  if (id !== CLIENT_ID || secret !== CLIENT_SECRET)
    throw new OAuthError('invalid_client', 'Unknown client or wrong secret', 401)
}

function exchange(visit: Visit): TokenSet {
  const { form, state } = visit
  checkClient(visit)
  const grantType = form.get('grant_type')
  if (grantType === 'authorization_code') {
    return state.oauth.redeemCode(form.get('code') ?? '', form.get('redirect_uri') ?? '', form.get('code_verifier'))
  }
  if (grantType === 'refresh_token') return state.oauth.refresh(form.get('refresh_token') ?? '')
  throw new OAuthError('unsupported_grant_type', 'grant_type must be authorization_code or refresh_token')
}

/** Runs what may refuse with an OAuthError. */
function orRefusal(run: () => unknown): Answer {
  const headers = { 'cache-control': 'no-store' }
  try {
    return json(run(), 200, headers)
  } catch (error) {
    if (!(error instanceof OAuthError)) throw error
    return json({ error: error.code, error_description: error.message }, error.status, headers)
  }
}

export const oauthRoutes: Routes = {
  'GET /oauth/authorize': authorize((visit, { customer, session }, { scopes }) =>
    html(consentPage(visit, customer, session, scopes)),
  ),
  'POST /oauth/authorize': authorize((visit, { customer, session }, { redirectUri, scopes, state, challenge }) => {
    if (visit.form.get('_csrf') !== session.csrf) return html(csrfPage(visit), 403)
    if (visit.form.get('decision') !== 'allow') return comeBack(redirectUri, { error: 'access_denied', state })
    const grant = { email: customer.user.email, scope: scopes.join(' '), redirectUri }
    const code = visit.state.oauth.issueCode(challenge === null ? grant : { ...grant, challenge })
    return comeBack(redirectUri, { code, state })
  }),
  'POST /oauth/token': visit => orRefusal(() => exchange(visit)),
  'POST /oauth/revoke': visit =>
    orRefusal(() => {
      checkClient(visit)
      visit.state.oauth.revoke(visit.form.get('token') ?? '')
      return {}
    }),
}
