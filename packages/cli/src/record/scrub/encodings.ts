import { createHash } from 'node:crypto'

/** One way a value may be written down. Applied to secret and placeholder alike, so that replayed pages still add up. */
type Encoding = (value: string) => string

const NAMED_ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

const percent = (value: string): string =>
  encodeURIComponent(value).replace(/[!'()*]/g, c => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)
const percentEverything = (value: string): string =>
  [...Buffer.from(value)].map(byte => `%${byte.toString(16).padStart(2, '0').toUpperCase()}`).join('')
const lowerPercent = (value: string): string => value.replace(/%[0-9A-F]{2}/g, found => found.toLowerCase())
const json = (value: string): string => JSON.stringify(value).slice(1, -1)
const escapedUnicode = (value: string): string =>
  value.replace(/[^\x20-\x7e]/g, c => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
const html = (value: string): string => value.replace(/[&<>"']/g, c => NAMED_ENTITIES[c]!)
const numericEntities = (value: string, radix: 10 | 16): string =>
  [...value]
    .map(c => (/[a-z0-9 ]/i.test(c) ? c : `&#${radix === 16 ? 'x' : ''}${c.codePointAt(0)!.toString(radix)};`))
    .join('')
const base64 = (value: string): string => Buffer.from(value).toString('base64')

const ENCODINGS: Encoding[] = [
  value => value,
  encodeURIComponent,
  encodeURI,
  percent,
  value => lowerPercent(percent(value)),
  value => percent(value).replaceAll('%20', '+'),
  value => encodeURIComponent(encodeURIComponent(value)),
  percentEverything,
  json,
  value => json(value).replaceAll('/', '\\/'),
  value => escapedUnicode(json(value)),
  value => escapedUnicode(json(value)).replaceAll('/', '\\/'),
  value => json(json(value)),
  html,
  value => html(value).replaceAll('&#39;', '&#x27;'),
  value => html(value).replaceAll('&#39;', '&#039;'),
  value => html(value).replaceAll('&#39;', '&apos;'),
  value => html(value).replaceAll('&#39;', "'"),
  value => numericEntities(value, 10),
  value => numericEntities(value, 16),
  value => numericEntities(value, 16).replace(/x[0-9a-f]+;/g, found => found.toUpperCase().replace('X', 'x')),
  base64,
  value => base64(value).replace(/=+$/, ''),
  value => Buffer.from(value).toString('base64url'),
  value => encodeURIComponent(base64(value)),
  // A body without a declared charset is read byte by byte.
  value => Buffer.from(value).toString('latin1'),
  value => Buffer.from(value).toString('hex'),
]

/** Some vendors have the browser hash the password before sending it: the hash is as good as the password. */
const HASHES: Encoding[] = ['md5', 'sha1', 'sha256', 'sha512'].flatMap(algorithm => {
  const hash = (value: string): string => createHash(algorithm).update(value).digest('hex')
  const hash64 = (value: string): string => createHash(algorithm).update(value).digest('base64')
  return [hash, value => hash(value).toUpperCase(), hash64]
})

const CASES: Encoding[] = [value => value.toLowerCase(), value => value.toUpperCase()]

/**
 * @param typed a value that a person typed: vendors also show it in another case, or hash it
 * @returns every writing of `value` worth looking for, each with the same writing of `placeholder`
 */
export function writings(value: string, placeholder: string, typed: boolean): Map<string, string> {
  const found = new Map<string, string>()
  const add = (encode: Encoding, from: string, to: string): void => {
    const written = encode(from)
    if (!found.has(written)) found.set(written, encode(to))
  }
  for (const encode of ENCODINGS) add(encode, value, placeholder)
  if (typed) {
    for (const encode of HASHES) add(encode, value, placeholder)
    for (const change of CASES) for (const encode of ENCODINGS) add(encode, change(value), placeholder)
  }
  return found
}
