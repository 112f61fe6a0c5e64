import type { Grant, Verb } from '#ground/http/grant'
import { typeMatches } from './doctype-name.ts'
import { fieldTexts } from './field-texts.ts'
import { allVerbs, isMaximal, MAXIMAL, type PermissionSet, type Rule, wholeType } from './rules.ts'

const setsBehind = new WeakMap<Grant, PermissionSet>()

/** What a set allows, in the form routes ask it (`protocol/permissions.md` §3). */
export function grantOf(set: PermissionSet): Grant {
  const maximal = isMaximal(set)
  const rulesAbout = (verb: Verb, doctype: string) =>
    set.filter(rule => typeMatches(rule.type, doctype) && (allVerbs(rule) || rule.verbs.includes(verb)))

  const some = (verb: Verb, doctype: string, allowed: (rule: Rule) => boolean) =>
    maximal || rulesAbout(verb, doctype).some(rule => wholeType(rule) || allowed(rule))
  const namesId = (rule: Rule, id: string) => !rule.selector && rule.values.includes(id)
  const matchesField = (rule: Rule, object: Record<string, unknown>) =>
    rule.selector !== undefined && fieldTexts(object, rule.selector).some(text => rule.values.includes(text))

  const grant: Grant = Object.freeze<Grant>({
    maximal,
    allowsWholeType: (verb, doctype) => some(verb, doctype, () => false),
    allowsId: (verb, doctype, id) => some(verb, doctype, rule => namesId(rule, id)),
    allowsDocument: (verb, doctype, id, document) =>
      some(verb, doctype, rule => (id !== undefined && namesId(rule, id)) || matchesField(rule, document)),
    allowsOnFields: (verb, doctype, object, fields) =>
      some(verb, doctype, rule => fields.includes(rule.selector ?? '') && matchesField(rule, object)),
  })
  setsBehind.set(grant, set)
  return grant
}

/**
 * The rules behind a grant, for who has more to ask than a grant answers: the files room (folders hold what is below them),
 * coverage. A grant that was not made here shows no rules unless it is maximal.
 */
export function rulesOf(grant: Grant): PermissionSet {
  return setsBehind.get(grant) ?? (grant.maximal ? MAXIMAL : [])
}

/** The rules behind a grant that are about a doctype and a verb. */
export function rulesAbout(grant: Grant, verb: Verb, doctype: string): Rule[] {
  return rulesOf(grant).filter(rule => typeMatches(rule.type, doctype) && (allVerbs(rule) || rule.verbs.includes(verb)))
}
