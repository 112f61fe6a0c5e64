import type { Visit } from '../visit.ts'
import { layout } from './layout.ts'

export function maintenancePage(visit: Visit): string {
  const text = visit.say(
    'Le site est en maintenance. Revenez dans une heure.',
    'The site is under maintenance. Come back in an hour.',
  )
  return layout(visit, 'Maintenance', `<div class="maintenance"><h1>Maintenance</h1><p>${text}</p></div>`)
}

export function errorPage(visit: Visit): string {
  const title = visit.say('Une erreur est survenue', 'Something went wrong')
  return layout(visit, title, `<div class="server-error"><h1>${title}</h1><p>Ref. 7f3a-0b</p></div>`)
}

export function notFoundPage(visit: Visit): string {
  const title = visit.say('Page introuvable', 'Page not found')
  return layout(visit, title, `<h1 class="not-found">${title}</h1>`)
}

/** Comes with status 200 where a PDF was asked for. */
export function sorryInsteadOfPdf(visit: Visit): string {
  const text = visit.say(
    'Votre document est momentanément indisponible. Veuillez réessayer plus tard.',
    'Your document is not available for the moment. Please try again later.',
  )
  return layout(visit, 'Document', `<div class="document-unavailable"><p>${text}</p></div>`)
}

export function csrfPage(visit: Visit): string {
  const text = visit.say('Votre session a expiré, rechargez la page.', 'Your session has expired, reload the page.')
  return layout(visit, 'Session', `<p class="alert csrf-error">${text}</p>`)
}
