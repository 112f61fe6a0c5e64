import { html, redirect } from '../answer.ts'
import { accountPage, homePage, profilePage, termsPage } from '../pages/account.ts'
import { csrfPage } from '../pages/trouble.ts'
import type { Routes } from '../router.ts'
import { page } from './guard.ts'

export const accountRoutes: Routes = {
  'GET /': visit => {
    if (!visit.cookies.visitor) visit.setCookie('visitor', `v${visit.state.clock().getTime()}`, { expiresInDays: 365 })
    if (visit.cookies.lang !== visit.language) visit.setCookie('lang', visit.language, { expiresInDays: 365 })
    return html(homePage(visit))
  },
  'GET /account': page((visit, { customer }) => html(accountPage(visit, customer))),
  'GET /account/profile': page((visit, { customer }) => html(profilePage(visit, customer))),
  'GET /terms': page((visit, { customer, session }) => html(termsPage(visit, customer, session))),
  'POST /terms/accept': page((visit, { customer, session }) => {
    if (visit.form.get('_csrf') !== session.csrf) return html(csrfPage(visit), 403)
    if (visit.form.get('accept') !== '1') return redirect('/terms')
    visit.state.acceptedTerms.add(customer.user.email)
    return redirect('/account')
  }),
}
