import { type Customer, VENDOR_NAME } from '../data.ts'
import { escapeHtml } from '../format.ts'
import type { Session } from '../sessions.ts'
import type { Visit } from '../visit.ts'
import { hidden, layout } from './layout.ts'

export function homePage(visit: Visit): string {
  const { say } = visit
  return layout(
    visit,
    say('Accueil', 'Home'),
    `<h1>${say('L’eau et l’énergie, simplement', 'Water and energy, simply')}</h1>
<p><a class="login-link" href="/login">${say('Espace client', 'Customer area')}</a> · <a href="/?lang=${say('en', 'fr')}">${say('English', 'français')}</a></p>
<p>${say('Démonstration', 'Demonstration')} : <a href="/_phone">${say('le téléphone', 'the phone')}</a>, <a href="/_modes">${say('les pannes', 'the troubles')}</a></p>`,
  )
}

export function accountPage(visit: Visit, { user, customerNumber, contracts }: Customer): string {
  const { say } = visit
  const items = contracts
    .map(
      ({ id, kind, label }) => `  <li class="contract contract-${kind}" data-contract="${id}">
    <span class="contract-label">${escapeHtml(label)}</span>
    <a href="/invoices?contract=${id}">${say('Factures', 'Invoices')}</a></li>`,
    )
    .join('\n')
  const name = escapeHtml(`${user.firstName} ${user.lastName}`)
  return layout(
    visit,
    say('Mon compte', 'My account'),
    `<h1 class="account-name">${name}</h1>
<p>${say('Numéro client', 'Customer number')} : <span class="customer-number">${customerNumber}</span></p>
<h2>${say('Mes contrats', 'My contracts')}</h2>
<ul class="contracts">
${items}
</ul>`,
    user,
  )
}

export function profilePage(visit: Visit, { user, phone, address }: Customer): string {
  const { say } = visit
  const rows: [string, string, string][] = [
    ['firstname', say('Prénom', 'First name'), user.firstName],
    ['lastname', say('Nom', 'Last name'), user.lastName],
    ['email', 'E-mail', user.email],
    ['phone', say('Téléphone', 'Phone'), phone],
    ['street', say('Adresse', 'Address'), address.street],
    ['postcode', say('Code postal', 'Postcode'), address.postcode],
    ['city', say('Ville', 'City'), address.city],
    ['country', say('Pays', 'Country'), address.country],
  ]
  const list = rows
    .map(([key, label, value]) => `  <dt>${label}</dt><dd class="profile-${key}">${escapeHtml(value)}</dd>`)
    .join('\n')
  return layout(
    visit,
    say('Mes informations', 'My details'),
    `<h1>${say('Mes informations', 'My details')}</h1>\n<dl class="profile">\n${list}\n</dl>`,
    user,
  )
}

export function termsPage(visit: Visit, { user }: Customer, session: Session): string {
  const { say } = visit
  return layout(
    visit,
    say('Nouvelles conditions', 'New terms'),
    `<h1 class="new-terms">${say('Nos conditions générales changent', 'Our terms are changing')}</h1>
<form id="terms-form" action="/terms/accept" method="post">
  ${hidden('_csrf', session.csrf)}
  <label><input type="checkbox" name="accept" value="1"> ${say(`J’accepte les conditions de ${VENDOR_NAME}`, `I accept the terms of ${VENDOR_NAME}`)}</label>
  <button type="submit">${say('Continuer', 'Continue')}</button>
</form>`,
    user,
  )
}
