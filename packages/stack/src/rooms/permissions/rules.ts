import { HttpError } from '#ground/http/errors'
import type { Verb } from '#ground/http/grant'

/** One thing a token may do (`protocol/permissions.md` §1). */
export interface Rule {
  /** Name of the rule in its set, what people see; rules of a scope have none. */
  readonly title?: string | undefined
  /** A doctype, or `io.cozy.bank.*`; `*` in sets of the server's own making only. */
  readonly type: string
  /** Empty: all. Scopes may hold words that are no verbs (`CREATED` of an `@event` trigger): they allow nothing. */
  readonly verbs: readonly string[]
  /** Empty: the whole doctype. */
  readonly values: readonly string[]
  /** The field that `values` are values of; absent: the id. */
  readonly selector?: string | undefined
  /** Why it is asked for, in English. */
  readonly description?: string | undefined
}

/** Rules in the order in which they are shown. A union: nothing denies. */
export type PermissionSet = readonly Rule[]

export const VERBS: readonly Verb[] = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']
/** How all verbs are written in scopes and manifests. */
export const ALL_VERBS = 'ALL'

/** Everything. Only the server gives it, to a flagship client; no manifest and no scope string is read as this. */
export const MAXIMAL: PermissionSet = Object.freeze([Object.freeze({ type: '*', verbs: [], values: [] })])

/** The 400 for rules that cannot be read. */
export const malformedScope = () => new HttpError(400, 'Permission scope is empty or malformed')

export const allVerbs = (rule: Rule) => rule.verbs.length === 0
export const wholeType = (rule: Rule) => rule.values.length === 0

export const isMaximal = (set: PermissionSet) =>
  set.some(rule => rule.type === '*' && allVerbs(rule) && wholeType(rule))
