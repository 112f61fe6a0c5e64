import { log } from './log.ts'

// biome-ignore lint/suspicious/noExplicitAny: cheerio selections of the konnector's own cheerio version
type Selection = any

/** Where a value is and what to make of it. */
export interface ScrapeSpec {
  /** CSS selector inside the node; omitted: the node itself. */
  sel?: string
  /** Position among the matches, not 0; `fn` then receives the bare DOM node. */
  index?: number
  /** Attribute to read instead of the text. */
  attr?: string
  /** Makes the value from the matched selection; replaces `attr` and the text. */
  fn?: (node: Selection) => unknown
  /** Applied to the value. */
  parse?: (value: Selection) => unknown
}

export type ScrapeSpecs = Record<string, string | ScrapeSpec>

/**
 * Reads values out of a page (exports.md section 7).
 *
 * ```js
 * const bills = scrape($, { amount: { sel: '.price', parse: parseAmount }, label: '.label' }, '.bill')
 * ```
 *
 * @param $ a cheerio selection; for a list, the root `$` too
 * @param specs one selector or spec for one value, or an object of them by property name
 * @param childSelector gives a list: one object per node that matches, inside the selection when `$` is one (FIX-22)
 * @returns the value, the object, or the array of objects; a property that threw is logged at warn and left out
 */
export function scrape($: Selection, specs: string | ScrapeSpec, childSelector?: undefined): Selection
export function scrape($: Selection, specs: ScrapeSpecs, childSelector?: undefined): Record<string, Selection>
export function scrape(
  $: Selection,
  specs: string | ScrapeSpec | ScrapeSpecs,
  childSelector: string,
): Record<string, Selection>[]
export function scrape(
  $: Selection,
  specs: string | ScrapeSpec | ScrapeSpecs,
  childSelector?: string,
): Selection | Record<string, Selection> | Record<string, Selection>[] {
  if (isOneValue(specs)) return readProperties($, { value: specs }).value
  if (childSelector === undefined) return readProperties($, specs)
  const nodes = typeof $.find === 'function' ? $.find(childSelector) : $(childSelector)
  return nodes.toArray().map((_node: unknown, position: number) => readProperties(nodes.eq(position), specs))
}

export default scrape

function isOneValue(specs: string | ScrapeSpec | ScrapeSpecs): specs is string | ScrapeSpec {
  return typeof specs === 'string' || typeof specs.sel === 'string'
}

function readProperties($: Selection, specs: ScrapeSpecs): Record<string, unknown> {
  const item: Record<string, unknown> = {}
  for (const [name, spec] of Object.entries(specs)) {
    try {
      item[name] = readValue($, typeof spec === 'string' ? { sel: spec } : spec)
    } catch (error) {
      log('warn', 'Could not parse for', name, 'scrape')
      log('warn', error, undefined, 'scrape')
    }
  }
  return item
}

function readValue($: Selection, { sel, index, attr, fn, parse }: ScrapeSpec): unknown {
  let node = sel ? $.find(sel) : $
  if (index) node = node.get(index)
  const value = fn ? fn(node) : attr ? node.attr(attr) : node?.text()?.trim()
  return parse ? parse(value) : value
}
