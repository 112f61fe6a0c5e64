/**
 * PostgreSQL's jsonb refuses two things that JSON may hold: the character NUL and half a surrogate pair (storage.md §7).
 * Vendors' pages have both. They are stored as U+E000 (private use) and four hex digits; U+E000 itself likewise.
 */
const ESCAPE = '\uE000'
/** What may be unstorable in JSON text as `JSON.stringify` writes it: lone surrogates come out as `\udXXX`. */
const SUSPECT = /\\u0000|\\u[dD]|\uE000/
const UNSTORABLE = /[\0\uE000]|[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/g
const ESCAPED = /\uE000([0-9a-f]{4})/g

/** A text as it is written in the database, names of members too. */
export function escapeText(text: string): string {
  return text.replace(UNSTORABLE, char => ESCAPE + char.charCodeAt(0).toString(16).padStart(4, '0'))
}

export function unescapeText(text: string): string {
  return text.replace(ESCAPED, (_, code: string) => String.fromCharCode(Number.parseInt(code, 16)))
}

/** JSON text of a value that jsonb takes, whatever its strings hold. @param text its ordinary JSON text, when there is one */
export function storableJson(value: unknown, text: string = JSON.stringify(value)): string {
  return SUSPECT.test(text) ? JSON.stringify(mapTexts(value, escapeText)) : text
}

/** The JSON text that a stored one stands for. */
export function restoredJson(stored: string): string {
  return stored.includes(ESCAPE) ? JSON.stringify(mapTexts(JSON.parse(stored), unescapeText)) : stored
}

function mapTexts(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === 'string') return change(value)
  if (Array.isArray(value)) return value.map(item => mapTexts(item, change))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [change(name), mapTexts(item, change)]))
}
