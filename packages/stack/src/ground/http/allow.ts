import { forbidden, HttpError } from './errors.ts'
import type { Actor } from './grant.ts'
import type { Allow } from './route.ts'

export interface TrackedAllow {
  allow: Allow
  asked(): boolean
}

/** The questions a handler may ask about its actor; remembers whether it asked any. */
export function createAllow(actorOf: () => Actor): TrackedAllow {
  let asked = false
  const grant = () => {
    asked = true
    return actorOf().grant
  }
  const check = (allowed: boolean) => {
    asked = true
    if (!allowed) throw forbidden()
  }
  return {
    asked: () => asked,
    allow: {
      whole: (verb, doctype) => check(grant().allowsWholeType(verb, doctype)),
      id: (verb, doctype, id) => check(grant().allowsId(verb, doctype, id)),
      document: (verb, doctype, id, document) => check(grant().allowsDocument(verb, doctype, id, document)),
      onFields: (verb, doctype, object, fields) => check(grant().allowsOnFields(verb, doctype, object, fields)),
      check,
      maybe: grant,
    },
  }
}

/** `protocol/conventions.md` §3. */
export const noToken = () => new HttpError(401, 'No token in request', { 'www-authenticate': 'Bearer' })
