import { type Rule, VERBS } from '#rooms/permissions'
import type { ConsentWords } from './words.ts'

/** A rule as a person reads it. */
export interface Sentence {
  /** `Read and add your files and folders`. */
  text: string
  /** Which documents only, when it is not all of them. */
  restriction?: string
}

/** Says in words what a rule would allow. A doctype we have no words for is shown as it is. */
export function describeRule({ type, verbs, values, selector }: Rule, words: ConsentWords): Sentence {
  const object = objectOf(type, words)
  const allowed = VERBS.filter(verb => verbs.length === 0 || verbs.includes(verb))
  const said = new Set(allowed.map(verb => words.verbs[verb === 'PUT' ? 'PATCH' : verb]))
  const text = said.size === 0 ? words.nothing(object) : words.allow([...said], object)
  if (values.length === 0) return { text }
  const shown = values.join(', ')
  return { text, restriction: selector ? words.onlyWhere(selector, shown) : words.onlyThese(shown) }
}

function objectOf(type: string, words: ConsentWords): string {
  if (type.endsWith('.*')) return words.family(type.slice(0, -2))
  return Object.hasOwn(words.doctypes, type) ? words.doctypes[type]! : words.unknown(type)
}
