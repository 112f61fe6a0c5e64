import type { DoctypeBehaviour } from './behaviour.ts'

/** What doctypes do besides being stored. */
export interface Behaviours {
  /** @throws Error when the doctype has one: two would have to agree about the content */
  behave(doctype: string, behaviour: DoctypeBehaviour): void
  of(doctype: string): DoctypeBehaviour | undefined
}

export function createBehaviours(): Behaviours {
  const known = new Map<string, DoctypeBehaviour>()
  return {
    behave(doctype, behaviour) {
      if (known.has(doctype)) throw new Error(`${doctype} has a behaviour already`)
      known.set(doctype, behaviour)
    },
    of: doctype => known.get(doctype),
  }
}
