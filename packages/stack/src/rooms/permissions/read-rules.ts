import { forbidden } from '#ground/http/errors'
import { isRuleType } from './doctype-name.ts'
import { ALL_VERBS, malformedScope, type PermissionSet, type Rule, VERBS } from './rules.ts'

/** How a rule looks in JSON. */
export interface RuleJson {
  type: string
  verbs?: string[]
  values?: string[]
  selector?: string
  description?: string
}

/**
 * Reads a set as manifests, requests and permission documents write it: an object, title → rule. Nothing at all is the
 * empty set.
 * @throws HttpError 400 when it has another shape or an unknown verb; 403 for what cannot be a doctype
 */
export function readRules(json: unknown): Rule[] {
  if (json === undefined || json === null) return []
  if (!isObject(json)) throw malformedScope()
  return Object.entries(json).map(([title, rule]) => readRule(title, rule))
}

/** Reads one rule; throws as `readRules`. */
export function readRule(title: string, json: unknown): Rule {
  if (!isObject(json)) throw malformedScope()
  const { type } = json
  if (typeof type !== 'string' || type === '') throw malformedScope()
  if (!isRuleType(type)) throw forbidden(`\`${type}\` is not a valid doctype name`)
  const selector = readText(json.selector)
  const description = readText(json.description)
  return {
    title,
    type,
    verbs: readVerbs(json.verbs),
    values: readTexts(json.values),
    ...(selector && { selector }),
    ...(description && { description }),
  }
}

/** A set as JSON, in its order; a rule without title is called by its place, `rule0`. */
export function presentRules(set: PermissionSet): Record<string, RuleJson> {
  const taken = new Set(set.map(rule => rule.title))
  const titleAt = (place: number) => {
    let number = place
    while (taken.has(`rule${number}`)) number += set.length
    return `rule${number}`
  }
  // Not by assignment: a title may be `__proto__`.
  return Object.fromEntries(set.map((rule, place) => [rule.title ?? titleAt(place), presentRule(rule)]))
}

function presentRule({ type, verbs, values, selector, description }: Rule): RuleJson {
  return {
    type,
    ...(verbs.length > 0 && { verbs: [...verbs] }),
    ...(selector && { selector }),
    ...(values.length > 0 && { values: [...values] }),
    ...(description && { description }),
  }
}

/** The five written out stay written out: only a set that said `ALL`, or nothing, comes back without verbs. */
function readVerbs(json: unknown): string[] {
  const verbs = readTexts(json).map(verb => verb.toUpperCase())
  if (verbs.some(verb => verb !== ALL_VERBS && !(VERBS as readonly string[]).includes(verb))) throw malformedScope()
  return verbs.includes(ALL_VERBS) ? [] : [...new Set(verbs)]
}

function readTexts(json: unknown): string[] {
  if (json === undefined || json === null) return []
  if (!Array.isArray(json) || !json.every(item => typeof item === 'string')) throw malformedScope()
  return [...new Set<string>(json)]
}

function readText(json: unknown): string | undefined {
  if (json === undefined || json === null) return undefined
  if (typeof json !== 'string') throw malformedScope()
  return json
}

const isObject = (json: unknown): json is Record<string, unknown> =>
  typeof json === 'object' && json !== null && !Array.isArray(json)
