import { typeCovers } from './doctype-name.ts'
import { allVerbs, type PermissionSet, type Rule, VERBS, wholeType } from './rules.ts'

/**
 * Whether a set allows all that a rule would allow, so that its holder may pass the rule on.
 *
 * An empty list of verbs or values means everything, and so is covered by everything only: upstream walks the lists of the
 * asked rule, which are empty there, and lets such a rule through under any limit (`protocol/permissions.md` §6).
 * Several rules of the set may cover one rule together: each verb with each value is looked at by itself. That is exact:
 * ids and doctypes are endless, so no finite list of values makes a whole type, and no other field says anything of an id.
 */
export function covers(set: PermissionSet, rule: Rule): boolean {
  const rules = set.filter(held => typeCovers(held.type, rule.type))
  const verbs = allVerbs(rule) ? VERBS : rule.verbs
  return verbs.every(verb => {
    const held = rules.filter(candidate => allVerbs(candidate) || candidate.verbs.includes(verb))
    if (held.some(wholeType)) return true
    const named = held.filter(candidate => (candidate.selector ?? '') === (rule.selector ?? ''))
    return !wholeType(rule) && rule.values.every(value => named.some(candidate => candidate.values.includes(value)))
  })
}

/** Whether a set covers every rule of another. No rules at all are covered by nobody: it would say nothing about whose they are. */
export function coversAll(set: PermissionSet, rules: PermissionSet): boolean {
  return rules.length > 0 && rules.every(rule => covers(set, rule))
}
