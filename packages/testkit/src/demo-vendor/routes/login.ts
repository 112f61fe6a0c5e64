import { type Answer, html, redirect } from '../answer.ts'
import { loginFields, loginPage, tooManyAttemptsPage, twoFactorPage } from '../pages/login.ts'
import { csrfPage } from '../pages/trouble.ts'
import type { Routes } from '../router.ts'
import { SESSION_COOKIE, type Session, TRUST_COOKIE, trustToken } from '../sessions.ts'
import type { Visit } from '../visit.ts'
import { setKeyCookie } from './guard.ts'

const MAX_WRONG_CODES = 3

/** A path of this site, never another site (open redirect). */
function localPath(next: string | null): string {
  return next && /^\/(?![/\\])/.test(next) ? next : '/account'
}

export const loginRoutes: Routes = {
  'GET /login': visit => {
    const error = visit.query.has('expired')
      ? { error: visit.say('Trop de codes erronés, recommencez.', 'Too many wrong codes, start again.') }
      : {}
    return html(loginPage(visit, { session: visit.session(), next: localPath(visit.query.get('next')), ...error }))
  },

  'POST /login/check': visit => {
    const fields = loginFields(visit)
    const session = visit.session()
    if (visit.form.get(fields.csrf) !== session.csrf) return html(csrfPage(visit), 403)
    const email = (visit.form.get(fields.username) ?? '').trim().toLowerCase()
    const { lockout, customers } = visit.state
    if (lockout.isLocked(email)) return html(tooManyAttemptsPage(visit))
    const next = localPath(visit.form.get('next'))
    const user = customers.get(email)?.user
    if (!user || user.password !== visit.form.get(fields.password)) {
      lockout.fail(email)
      if (lockout.isLocked(email)) return html(tooManyAttemptsPage(visit))
      const error = visit.say('Identifiant ou mot de passe incorrect.', 'Wrong e-mail address or password.')
      return html(loginPage(visit, { session, next, username: email, error }))
    }
    lockout.forget(email)
    const language = visit.form.get('lang')
    if (language === 'fr' || language === 'en') {
      session.language = language
      visit.setCookie('lang', language, { expiresInDays: 365 })
    }
    session.remember = visit.form.get('remember') === '1'
    if (user.twoFactor && visit.cookies[TRUST_COOKIE] !== trustToken(visit.state.seed, email)) {
      session.pending = { email, next, code: visit.state.phone.sendCode(email), wrongCodes: 0 }
      return redirect('/login/2fa')
    }
    return enter(visit, session, email, next)
  },

  'GET /login/2fa': visit => askCode(visit),

  'POST /login/2fa': visit => {
    const session = visit.session()
    const { pending } = session
    if (!pending) return redirect('/login')
    if (visit.form.get('_csrf') !== session.csrf) return html(csrfPage(visit), 403)
    if (visit.form.get('code')?.trim() !== pending.code) {
      if (++pending.wrongCodes >= MAX_WRONG_CODES) {
        delete session.pending
        return redirect('/login?expired=1')
      }
      return askCode(visit, visit.say('Code incorrect.', 'Wrong code.'))
    }
    if (visit.form.get('trust') === '1') {
      const token = trustToken(visit.state.seed, pending.email)
      visit.setCookie(TRUST_COOKIE, token, { path: '/login', httpOnly: true, expiresInDays: 90 })
    }
    return enter(visit, session, pending.email, pending.next)
  },

  'POST /login/2fa/resend': visit => {
    const session = visit.session()
    if (!session.pending) return redirect('/login')
    if (visit.form.get('_csrf') !== session.csrf) return html(csrfPage(visit), 403)
    session.pending.code = visit.state.phone.sendCode(session.pending.email)
    return redirect('/login/2fa')
  },

  'GET /logout': visit => {
    visit.state.sessions.end(visit.session())
    visit.setCookie(SESSION_COOKIE, '', { maxAge: 0 })
    return redirect('/')
  },
}

function askCode(visit: Visit, error?: string): Answer {
  const session = visit.session()
  const customer = session.pending && visit.state.customers.get(session.pending.email)
  return customer ? html(twoFactorPage(visit, session, customer.phone, error)) : redirect('/login')
}

/** Logged in: new session id, first key. */
function enter(visit: Visit, session: Session, email: string, next: string): Answer {
  visit.state.sessions.renew(session)
  session.email = email
  delete session.pending
  visit.setCookie(SESSION_COOKIE, session.id, { httpOnly: true, ...(session.remember ? { maxAge: 30 * 86_400 } : {}) })
  setKeyCookie(visit, session)
  return redirect(next)
}
