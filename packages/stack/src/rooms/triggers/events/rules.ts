import { isDeepStrictEqual } from 'node:util'
import type { Body } from '#ground/documents/contract'
import { fieldTexts, isDoctype } from '#rooms/permissions'

/** One rule of an `@event` trigger (`protocol/jobs.md` §4). */
export interface EventRule {
  doctype: string
  /** Undefined: all. */
  verbs: string[] | undefined
  values: string[]
  /** Field that is compared; undefined: the id. */
  selector: string | undefined
}

/** What happened to a document, as a rule sees it. */
export interface DocumentEvent {
  doctype: string
  verb: 'CREATED' | 'UPDATED' | 'DELETED'
  id: string
  /** Before a deletion there was one, after it there is none. */
  now: Body | undefined
  before: Body | undefined
}

const LONGEST = 10_000
const VERBS = ['CREATED', 'UPDATED', 'DELETED']

/** `doctype[:verbs[:values[:selector]]] …`. @returns undefined when it cannot be read */
export function parseEventRules(text: string): EventRule[] | undefined {
  if (text.length > LONGEST) return undefined
  const words = text.split(/\s+/).filter(word => word !== '')
  const rules = words.map(parseEventRule)
  return rules.length === 0 || rules.some(rule => !rule) ? undefined : (rules as EventRule[])
}

export function parseEventRule(text: string): EventRule | undefined {
  const [doctype = '', verbs, values, selector, ...more] = text.split(':')
  if (more.length > 0 || !isDoctype(doctype)) return undefined
  if (verbs === '' || selector === '') return undefined
  const listed = verbs?.split(',')
  if (listed?.some(verb => verb !== 'ALL' && !VERBS.includes(verb))) return undefined
  const wanted = values?.split(',').filter(value => value !== '') ?? []
  if (selector !== undefined && wanted.length === 0) return undefined
  return { doctype, verbs: listed?.includes('ALL') ? undefined : listed, values: wanted, selector }
}

/** Whether a rule is about an event, as far as the two documents tell; `isBelow` answers for files. */
export async function matches(
  { doctype, verbs, values, selector }: EventRule,
  event: DocumentEvent,
  isBelow: (directories: string[]) => Promise<boolean>,
): Promise<boolean> {
  if (doctype !== event.doctype || (verbs && !verbs.includes(event.verb))) return false
  if (values.length === 0) return true
  if (selector === undefined) return values.includes(event.id) || (await isBelow(values))
  const [now, before] = [event.now ?? {}, event.before ?? {}]
  if (values.length === 1 && values[0] === '!=')
    return event.verb !== 'UPDATED' || !isDeepStrictEqual(now[selector], before[selector])
  return [now, before].some(document => fieldTexts(document, selector).some(text => values.includes(text)))
}
