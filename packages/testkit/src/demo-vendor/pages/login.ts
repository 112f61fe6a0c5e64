import { escapeHtml } from '../format.ts'
import type { Session } from '../sessions.ts'
import type { Visit } from '../visit.ts'
import { hidden, layout } from './layout.ts'

/** Names of the login form's fields, which mode `changed-layout` replaces. */
export function loginFields(visit: Visit): { username: string; password: string; csrf: string } {
  return visit.has('changed-layout')
    ? { username: 'user_email', password: 'user_secret', csrf: 'token' }
    : { username: 'username', password: 'password', csrf: '_csrf' }
}

export interface LoginView {
  session: Session
  next: string
  /** What was typed before. */
  username?: string
  error?: string
}

export function loginPage(visit: Visit, view: LoginView): string {
  return layout(
    visit,
    visit.say('Connexion', 'Log in'),
    visit.has('changed-layout') ? newForm(visit, view) : usualForm(visit, view),
  )
}

function usualForm(visit: Visit, { session, next, username = '', error }: LoginView): string {
  const { say, language } = visit
  const option = (value: string, text: string) =>
    `<option value="${value}"${language === value ? ' selected' : ''}>${text}</option>`
  return `<h1>${say('Connexion', 'Log in')}</h1>
${error ? `<p id="login-error" class="alert alert-error">${error}</p>` : ''}
<form id="login-form" class="login" action="/login/check" method="post">
  ${hidden('_csrf', session.csrf)}
  ${hidden('next', next)}
  <label>${say('Adresse e-mail', 'E-mail address')} <input type="email" name="username" value="${escapeHtml(username)}" required></label>
  <label>${say('Mot de passe', 'Password')} <input type="password" name="password" autocomplete="current-password" required></label>
  <label><input type="checkbox" name="remember" value="1"> ${say('Se souvenir de moi', 'Remember me')}</label>
  <label>${say('Langue', 'Language')} <select name="lang">${option('fr', 'français')}${option('en', 'English')}</select></label>
  <button type="submit" name="submit" value="1">${say('Me connecter', 'Log in')}</button>
</form>`
}

function newForm(visit: Visit, { session, next, username = '', error }: LoginView): string {
  return `<section class="signin">
${error ? `<div class="notice notice--bad">${error}</div>` : ''}
<form id="signin-box" action="/login/check" method="post">
  ${hidden('token', session.csrf)}${hidden('next', next)}
  <input type="email" name="user_email" placeholder="E-mail" value="${escapeHtml(username)}">
  <input type="password" name="user_secret" placeholder="${visit.say('Mot de passe', 'Password')}">
  <button>${visit.say('Continuer', 'Continue')}</button>
</form></section>`
}

export function tooManyAttemptsPage(visit: Visit): string {
  const text = visit.say(
    'Trop de tentatives. Votre accès est bloqué pendant 15 minutes.',
    'Too many attempts. Your access is blocked for 15 minutes.',
  )
  return layout(
    visit,
    visit.say('Accès bloqué', 'Access blocked'),
    `<div class="alert too-many-attempts">${text}</div>`,
  )
}

export function twoFactorPage(visit: Visit, session: Session, phone: string, error?: string): string {
  const { say } = visit
  const ending = escapeHtml(phone.slice(-2))
  return layout(
    visit,
    say('Code de sécurité', 'Security code'),
    `<h1>${say('Code de sécurité', 'Security code')}</h1>
<p class="twofa-hint">${say(`Un code vous a été envoyé par SMS au numéro se terminant par ${ending}.`, `We sent a code by text message to the number ending in ${ending}.`)}</p>
${error ? `<p id="twofa-error" class="alert alert-error">${error}</p>` : ''}
<form id="twofa-form" action="/login/2fa" method="post">
  ${hidden('_csrf', session.csrf)}
  <label>Code <input name="code" inputmode="numeric" autocomplete="one-time-code" maxlength="6"></label>
  <label><input type="checkbox" name="trust" value="1"> ${say('Faire confiance à cet appareil', 'Trust this device')}</label>
  <button type="submit">${say('Valider', 'Confirm')}</button>
</form>
<form id="resend-form" action="/login/2fa/resend" method="post">${hidden('_csrf', session.csrf)}
  <button type="submit">${say('Renvoyer un code', 'Send another code')}</button></form>`,
  )
}
