import { type Rule, readRules, VERBS } from '#rooms/permissions'
import { isObject } from '#rooms/registry'

/** What comes with functions of the server rather than with data: added without asking (`protocol/konnectors-api.md` §4). */
const SILENT = new Set(['io.cozy.certified.carbon_copy', 'io.cozy.certified.electronic_safe'])

/**
 * Whether an update needs the owner's agreement: it asks for other permissions, or comes with other terms. Titles and
 * descriptions say nothing of what may be done.
 */
export function needsAgreement(installed: Record<string, unknown>, offered: Record<string, unknown>): boolean {
  return otherPermissions(installed.permissions, offered.permissions) || otherTerms(installed.terms, offered.terms)
}

function otherPermissions(installed: unknown, offered: unknown): boolean {
  const before = new Set(readRules(installed).map(meaning))
  const rules = readRules(offered)
  const after = new Set(rules.map(meaning))
  const added = rules.filter(rule => !before.has(meaning(rule)))
  const gone = [...before].some(one => !after.has(one))
  return gone || added.some(({ type }) => !SILENT.has(type))
}

/** A rule without what is only said about it. All five verbs are all verbs. */
function meaning({ type, verbs, values, selector }: Rule): string {
  const all = verbs.length === 0 || VERBS.every(verb => verbs.includes(verb))
  return JSON.stringify([
    type,
    all ? [] : verbs.toSorted(),
    values.toSorted(),
    values.length > 0 ? (selector ?? '') : '',
  ])
}

function otherTerms(installed: unknown, offered: unknown): boolean {
  const version = (terms: unknown) =>
    isObject(terms) && terms.version !== undefined ? String(terms.version) : undefined
  const next = version(offered)
  return next !== undefined && next !== version(installed)
}
