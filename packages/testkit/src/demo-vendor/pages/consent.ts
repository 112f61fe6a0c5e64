import type { Customer } from '../data.ts'
import { escapeHtml } from '../format.ts'
import type { Session } from '../sessions.ts'
import type { Visit } from '../visit.ts'
import { hidden, layout } from './layout.ts'

/** Asks whether an application may read this customer's data; posts back to the same URL. */
export function consentPage(visit: Visit, { user }: Customer, session: Session, scopes: string[]): string {
  const { say } = visit
  const names: Record<string, string> = {
    invoices: say('vos factures', 'your invoices'),
    profile: say('vos informations', 'your details'),
  }
  const items = scopes.map(scope => `<li class="scope" data-scope="${scope}">${names[scope]}</li>`).join('')
  const title = say('Autoriser une application', 'Allow an application')
  return layout(
    visit,
    title,
    `<h1>${title}</h1>
<p class="consent-question">${say('Konnectory (démonstration) demande à lire :', 'Konnectory (demonstration) asks to read:')}</p><ul>${items}</ul>
<form id="consent-form" action="${escapeHtml(`${visit.path}?${visit.query}`)}" method="post">
  ${hidden('_csrf', session.csrf)}
  <button type="submit" name="decision" value="allow">${say('Autoriser', 'Allow')}</button>
  <button type="submit" name="decision" value="deny">${say('Refuser', 'Deny')}</button>
</form>`,
    user,
  )
}

export function badClientPage(visit: Visit, reason: string): string {
  return layout(visit, 'OAuth', `<p class="alert oauth-error">${escapeHtml(reason)}</p>`)
}
