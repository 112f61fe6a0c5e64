import { forbidden } from '#ground/http/errors'
import type { Actor, Grant, Verb } from '#ground/http/grant'
import type { Access, AccessRequest, Ancestor, Target } from '../access.ts'
import { FILES } from '../record.ts'

/** On whose behalf the tree is changed. */
export interface Caller {
  /** Undefined for the server itself. */
  actor: Actor | undefined
  grant: Grant | undefined
  /**
   * Throws the 403 unless one of the verbs is allowed on the target.
   * @param above reads all directories above it; inside a transaction in that transaction, so that no second connection is
   *   waited for while this one holds the tree
   */
  assertMay(verb: Verb | Verb[], target: Target, above: () => Promise<Ancestor[]>): Promise<void>
}

/** The server itself: default folders, destinations of konnectors. */
export const SERVER: Caller = { actor: undefined, grant: undefined, assertMay: async () => {} }

/** The actor of a request. */
export function callerOf(access: Access, request: AccessRequest): Caller {
  return {
    actor: request.actor,
    get grant() {
      return request.allow.maybe()
    },
    async assertMay(verbs, target, above) {
      const grant = request.allow.maybe()
      const wanted = Array.isArray(verbs) ? verbs : [verbs]
      // The usual case, without reading what is above.
      if (wanted.some(verb => grant.allowsWholeType(verb, FILES))) return
      const ancestors = await above()
      for (const verb of wanted) if (await access.may(request.tenant, request.actor, verb, target, ancestors)) return
      throw forbidden()
    },
  }
}
