import { VENDOR_NAME } from '../data.ts'
import { escapeHtml } from '../format.ts'
import type { Visit } from '../visit.ts'

const STYLE = `body{font:16px/1.5 system-ui,sans-serif;margin:0;color:#123}header,main,footer{max-width:60rem;margin:auto;padding:1rem}
header{display:flex;gap:1rem;align-items:baseline;border-bottom:3px solid #08c}header a{color:#06a}table{border-collapse:collapse;width:100%}
td,th{padding:.4rem .6rem;text-align:left;border-bottom:1px solid #dde}.alert{background:#fee;border-left:4px solid #c00;padding:.6rem}
label{display:block;margin:.6rem 0}footer{color:#678;font-size:.85rem}`

/** A whole page of the site around `main` (HTML). `person` decides what the header offers. */
export function layout(visit: Visit, title: string, main: string, person?: { firstName: string }): string {
  const { say } = visit
  const menu = person
    ? `<nav class="main-menu"><a href="/account">${say('Mon compte', 'My account')}</a>
      <a href="/invoices">${say('Mes factures', 'My invoices')}</a>
      <a href="/account/profile">${say('Mes informations', 'My details')}</a>
      <a class="logout" href="/logout">${say('Se déconnecter', 'Log out')} (${escapeHtml(person.firstName)})</a></nav>`
    : `<nav class="main-menu"><a href="/login">${say('Espace client', 'Customer area')}</a></nav>`
  return `<!DOCTYPE html>
<html lang="${visit.language}">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width">
  <title>${escapeHtml(title)} | ${VENDOR_NAME}</title>
  <style>${STYLE}</style>
  <script>window.dataLayer = window.dataLayer || [];</script>
</head>
<body>
<header><a class="logo" href="/"><strong>${VENDOR_NAME}</strong></a>
      ${menu}</header>
<main>
${main}
</main>
<footer>${VENDOR_NAME}, ${say(
    'eau, électricité et entretien. Ce fournisseur n’existe pas : site de démonstration.',
    'water, electricity and care. This vendor does not exist: demonstration site.',
  )}</footer>
</body>
</html>
`
}

/** A hidden field. */
export function hidden(name: string, value: string): string {
  return `<input type="hidden" name="${name}" value="${escapeHtml(value)}">`
}
