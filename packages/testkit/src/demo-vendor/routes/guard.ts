import { type Answer, redirect } from '../answer.ts'
import type { Customer } from '../data.ts'
import type { Handler } from '../router.ts'
import { KEY_COOKIE, REMEMBERED_SECONDS, SESSION_SECONDS, type Session } from '../sessions.ts'
import type { Visit } from '../visit.ts'

export interface Person {
  session: Session
  customer: Customer
}

/** The logged-in person of this visit, or undefined. `change` gives them the next key, as HTML pages do. */
export function personOf(visit: Visit, change: boolean): Person | undefined {
  const session = visit.session()
  const customer = session.email === undefined ? undefined : visit.state.customers.get(session.email)
  if (!customer || visit.has('session-lost')) return undefined
  if (!visit.state.sessions.acceptKey(session, visit.cookies[KEY_COOKIE], change)) {
    visit.state.sessions.end(session)
    return undefined
  }
  if (change) setKeyCookie(visit, session)
  return { session, customer }
}

export function setKeyCookie(visit: Visit, session: Session): void {
  visit.setCookie(KEY_COOKIE, session.key, {
    httpOnly: true,
    maxAge: session.remember ? REMEMBERED_SECONDS : SESSION_SECONDS,
  })
}

export function toLogin(visit: Visit): Answer {
  const query = visit.query.toString()
  return redirect(`/login?next=${encodeURIComponent(query ? `${visit.path}?${query}` : visit.path)}`)
}

/** A page for logged-in people only; others go to the login, and in mode `new-terms` to the terms first. */
export function page(handler: (visit: Visit, person: Person) => Answer): Handler {
  return visit => {
    const person = personOf(visit, true)
    if (!person) return toLogin(visit)
    const mustAccept = visit.has('new-terms') && !visit.state.acceptedTerms.has(person.customer.user.email)
    if (mustAccept && !visit.path.startsWith('/terms')) return redirect('/terms')
    return handler(visit, person)
  }
}

/** A document for logged-in people only. */
export function download(handler: (visit: Visit, person: Person) => Answer): Handler {
  return visit => {
    const person = personOf(visit, false)
    return person ? handler(visit, person) : toLogin(visit)
  }
}
