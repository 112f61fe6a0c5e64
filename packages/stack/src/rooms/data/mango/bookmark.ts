import { createHash } from 'node:crypto'
import { invalidBookmark } from './find-request.ts'

/** Where a page ended: after the document with these keys. Opaque to clients, and safe in a URL without encoding. */
export interface Bookmark {
  /** Names of the index's fields; empty when in the order of ids. */
  fields: string[]
  /** Of the last document, as `mango_key` gives them: escaped as stored, and perhaps cut. */
  keys: unknown[]
  id: string
}

/** Keys are cut, so that nothing of ours comes near. */
const MAX_LENGTH = 16_384

/** What a bookmark belongs to: page size, fields shown and skip may change from page to page, the question may not. */
export function queryHash(question: unknown): string {
  return createHash('sha256').update(JSON.stringify(question)).digest('base64url').slice(0, 12)
}

export function writeBookmark({ fields, keys, id }: Bookmark, hash: string): string {
  return Buffer.from(JSON.stringify([hash, fields, keys, id])).toString('base64url')
}

/** @throws CouchError 400 when it is none, or another query's */
export function readBookmark(text: string, hash: string): Bookmark {
  const [made, fields, keys, id, ...more] = parse(text)
  const isOurs =
    made === hash &&
    Array.isArray(fields) &&
    fields.every(field => typeof field === 'string') &&
    Array.isArray(keys) &&
    keys.length === fields.filter(field => field !== '_id').length &&
    typeof id === 'string' &&
    isStorable([keys, id]) &&
    more.length === 0
  if (!isOurs) throw invalidBookmark(text)
  return { fields, keys, id }
}

function parse(text: string): unknown[] {
  if (text.length > MAX_LENGTH || !/^[\w-]+$/.test(text)) throw invalidBookmark(text)
  try {
    const value: unknown = JSON.parse(Buffer.from(text, 'base64url').toString())
    if (Array.isArray(value)) return value
  } catch {
    // Said below, as of any other foreign text.
  }
  throw invalidBookmark(text)
}

/** Whether the database can hold all texts of a value, names of members too, as they are. */
function isStorable(value: unknown): boolean {
  if (typeof value === 'string') return !/\0|\p{Surrogate}/u.test(value)
  if (typeof value !== 'object' || value === null) return true
  return Object.entries(value).every(([name, item]) => isStorable(name) && isStorable(item))
}
