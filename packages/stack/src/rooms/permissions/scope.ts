import { isRuleType } from './doctype-name.ts'
import { ALL_VERBS, malformedScope, type PermissionSet, type Rule } from './rules.ts'

/**
 * Reads a scope: rules `type[:verbs[:values[:selector]]]` with spaces between (`protocol/permissions.md` §1). Verbs are not
 * looked at: `@event` triggers write `io.cozy.files:CREATED` in the same grammar, and such a rule allows no request.
 * `*` and `@io.cozy.apps/…` are no rules; who accepts them asks before.
 *
 * A part that is there must say something: upstream reads `io.cozy.files:GET:` as one empty value, and a reader in a hurry
 * as "no values, so the whole type".
 * @throws HttpError 400
 */
export function parseScope(text: string): Rule[] {
  const rules = text.split(' ').filter(Boolean).map(parseRule)
  if (rules.length === 0) throw malformedScope()
  return rules
}

function parseRule(text: string): Rule {
  const parts = text.split(':')
  const [type, verbs, values, selector] = parts
  if (parts.length > 4 || !type || !isRuleType(type) || selector === '') throw malformedScope()
  const verbList = parseList(verbs)
  return {
    type,
    verbs: verbList.includes(ALL_VERBS) ? [] : verbList,
    values: parseList(values),
    ...(selector && { selector }),
  }
}

function parseList(text: string | undefined): string[] {
  if (text === undefined) return []
  const items = text.split(',')
  if (items.includes('')) throw malformedScope()
  return [...new Set(items)]
}

/**
 * Writes rules so that `parseScope` reads the same ones; titles and descriptions have no place in a scope.
 * @throws HttpError 400 for no rules at all, and for values that the grammar has no way to write
 */
export function serialiseScope(set: PermissionSet): string {
  if (set.length === 0) throw malformedScope()
  return set.map(serialiseRule).join(' ')
}

function serialiseRule({ type, verbs, values, selector }: Rule): string {
  const unwritable = [...verbs, ...values].some(item => item === '' || /[ ,:]/.test(item))
  if (!isRuleType(type) || unwritable || (selector && /[ :]/.test(selector))) throw malformedScope()
  const verbPart = verbs.length > 0 ? verbs.join(',') : ALL_VERBS
  // A selector without values narrows nothing.
  if (values.length === 0) return verbs.length === 0 ? type : `${type}:${verbPart}`
  return [type, verbPart, values.join(','), ...(selector ? [selector] : [])].join(':')
}
