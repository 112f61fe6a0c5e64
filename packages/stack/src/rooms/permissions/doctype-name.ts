/** Lower-case letters, digits, `.` and `_`; no leading, trailing or doubled dot (`protocol/data.md` §1). */
export const isDoctype = (text: string): boolean => /^[a-z0-9_]+(?:\.[a-z0-9_]+)*$/.test(text)

/** A doctype, or one with `.*` after at least three parts. `*` and `io.cozy.*` would be nearly everything: refused. */
export function isRuleType(text: string): boolean {
  if (!text.endsWith('.*')) return isDoctype(text)
  const covered = text.slice(0, -2)
  return isDoctype(covered) && covered.split('.').length >= 3
}

/** Whether a rule on `ruleType` is about `doctype`: `io.cozy.bank.*` is about `io.cozy.bank` and all below it. */
export function typeMatches(ruleType: string, doctype: string): boolean {
  if (ruleType === doctype || ruleType === '*') return true
  if (!ruleType.endsWith('.*')) return false
  const covered = ruleType.slice(0, -2)
  return doctype === covered || doctype.startsWith(`${covered}.`)
}

/** Whether all doctypes that a rule on `narrow` is about are those of a rule on `wide` too. */
export function typeCovers(wide: string, narrow: string): boolean {
  if (wide === narrow || wide === '*') return true
  if (narrow === '*' || !wide.endsWith('.*')) return false
  return typeMatches(wide, narrow.endsWith('.*') ? narrow.slice(0, -2) : narrow)
}
