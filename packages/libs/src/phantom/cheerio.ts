import heavy from '../heavy.cjs'

// biome-ignore lint/suspicious/noExplicitAny: cheerio's own types describe `$`; this is the callable module of old
type Any = any

let base: Any

/** The query function of an empty document, on which cheerio's former static functions stand. */
function empty(): Any {
  base ??= heavy.cheerio().load([])
  return base
}

/**
 * `require('cheerio')` as konnectors know it, over cheerio 1.2, which has neither a default export nor a callable module:
 * `cheerio.load(html)`, `import cheerio from 'cheerio'`, `cheerio('<b>x</b>')`, `cheerio(selector, html)`,
 * `cheerio.html(selection)` … Nothing loads before the first call.
 */
export const cheerio: Any = (...args: unknown[]) => empty()(...args)

for (const name of ['load', 'contains', 'merge', 'loadBuffer', 'stringStream', 'decodeStream', 'fromURL']) {
  define(name, () => (heavy.cheerio() as Any)[name])
}
for (const name of ['html', 'xml', 'text', 'root', 'parseHTML']) {
  // Bound: called as `const { html } = cheerio`, they still mean the empty document.
  define(name, () => empty()[name].bind(empty()))
}
define('fn', () => empty().fn)
Object.defineProperties(cheerio, {
  prototype: { get: () => empty().prototype },
  default: { value: cheerio, enumerable: true },
  __esModule: { value: true },
})

function define(name: string, get: () => unknown): void {
  Object.defineProperty(cheerio, name, { get, enumerable: true, configurable: true })
}
