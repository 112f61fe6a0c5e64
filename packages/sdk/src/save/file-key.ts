import { getPath } from './get-path.ts'

/** Separates the values of a key (`manifest.md` 8.2). */
export const KEY_SEPARATOR = '####'

/**
 * The identity of a file: values of the named attributes, in the alphabetical order of the names.
 * Dates are written in ISO form. Earlier libraries wrote them in the local time of the server, so a key changed with the
 * time zone; `upstreamFileKey` gives that form, and `canonicalKey` makes both equal.
 */
export function fileKey(entry: object, attributes: readonly string[]): string {
  return joinKey(entry, attributes, date => (Number.isNaN(date.getTime()) ? String(date) : date.toISOString()))
}

/** The key as earlier libraries wrote it. */
export function upstreamFileKey(entry: object, attributes: readonly string[]): string {
  return joinKey(entry, attributes, String)
}

function joinKey(entry: object, attributes: readonly string[], dateText: (date: Date) => string): string {
  return [...attributes]
    .sort()
    .map(name => {
      const value = getPath(entry, name)
      return isDate(value) ? dateText(value) : value
    })
    .join(KEY_SEPARATOR)
}

/** Weekday, month, day, year, time, offset: what `String(date)` gives, in any time zone. */
const DATE_TEXT = /^[A-Z][a-z]{2} [A-Z][a-z]{2} \d{2} \d{4,6} \d{2}:\d{2}:\d{2} GMT[+-]\d{4}/
const ISO_TEXT = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z$/

/** A form of the key in which dates are equal whatever form, zone or fraction of a second they were written with. */
export function canonicalKey(key: string): string {
  if (!key.includes(' GMT') && !/T\d\d:/.test(key)) return key
  return key
    .split(KEY_SEPARATOR)
    .map(part => {
      if (!DATE_TEXT.test(part) && !ISO_TEXT.test(part)) return part
      const time = Date.parse(part.replace(/ \(.*\)$/, ''))
      return Number.isNaN(time) ? part : String(Math.floor(time / 1000))
    })
    .join(KEY_SEPARATOR)
}

export function isDate(value: unknown): value is Date {
  return Object.prototype.toString.call(value) === '[object Date]'
}
