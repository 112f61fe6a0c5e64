import type { Stored } from '@konnectory/protocol'
import { getField, MISSING, splitField } from './field-path.ts'

/** A definition accepted by `POST /data/:doctype/_index`: remembered for the order of results and partial filters, not needed to answer. */
export interface MangoIndex {
  id: string
  rev: string
  name: string
  fields: { name: string; direction: 'asc' | 'desc' }[]
  partialFilter: Record<string, unknown>
}

/** Enough for every konnector seen; a selector on more fields than this still answers, from a scan. */
const MAX_VALUE_INDEXES = 12
/** Below this a scan costs less than keeping an index. */
const SCAN_BELOW = 32

/**
 * The documents of one doctype, in the order they were made. A stored document is never mutated: a write replaces the object, so
 * whoever holds the old one (an event, an answer under way) keeps a true picture.
 */
export class Collection {
  readonly doctype: string
  /** Revision of each deletion: writing such an id again continues its generation. */
  readonly tombstones = new Map<string, string>()
  readonly indexes = new Map<string, MangoIndex>()
  /** True while everything comes from the fixture: nothing of it is kept until the first write. */
  seeded = false
  readonly #docs = new Map<string, Stored>()
  /** Number of the last change of each id, in the order of these numbers. */
  readonly #changes = new Map<string, number>()
  #sequence = 0
  readonly #byValue = new Map<string, Map<string, Set<string>>>()

  constructor(doctype: string) {
    this.doctype = doctype
  }

  get size(): number {
    return this.#docs.size
  }

  get(id: string): Stored | undefined {
    return this.#docs.get(id)
  }

  values(): IterableIterator<Stored> {
    return this.#docs.values()
  }

  /** Number of the last change of all. */
  get sequence(): number {
    return this.#sequence
  }

  /** Ids written or removed since the start of the stack (loaded ones included) with the number of their last change, in order. */
  changes(): [id: string, sequence: number][] {
    return [...this.#changes]
  }

  #changed(id: string): void {
    this.#changes.delete(id)
    this.#changes.set(id, ++this.#sequence)
  }

  set(doc: Stored): void {
    this.#changed(doc._id)
    const before = this.#docs.get(doc._id)
    this.#docs.set(doc._id, doc)
    this.tombstones.delete(doc._id)
    for (const [field, ids] of this.#byValue) {
      if (before) unlist(ids, field, before)
      enlist(ids, field, doc)
    }
  }

  remove(id: string): void {
    const before = this.#docs.get(id)
    if (!before) return
    this.#changed(id)
    this.#docs.delete(id)
    for (const [field, ids] of this.#byValue) unlist(ids, field, before)
  }

  /** A superset of the documents that have these values: what a query must look at. Makes a query by key independent of the collection's size. */
  candidates(equal: ReadonlyMap<string, unknown>): Iterable<Stored> {
    if (this.#docs.size < SCAN_BELOW) return this.values()
    let best: Set<string> | undefined
    for (const [field, value] of equal) {
      if (typeof value === 'object' && value !== null) continue
      const ids = this.#valueIndex(field)
      if (!ids) continue
      const found = ids.get(JSON.stringify(value)) ?? new Set<string>()
      if (!best || found.size < best.size) best = found
    }
    return best ? Array.from(best, id => this.#docs.get(id)!) : this.values()
  }

  #valueIndex(field: string): Map<string, Set<string>> | undefined {
    let ids = this.#byValue.get(field)
    if (!ids && this.#byValue.size < MAX_VALUE_INDEXES) {
      ids = new Map()
      for (const doc of this.#docs.values()) enlist(ids, field, doc)
      this.#byValue.set(field, ids)
    }
    return ids
  }
}

function enlist(ids: Map<string, Set<string>>, field: string, doc: Stored): void {
  const key = valueKey(field, doc)
  if (key === undefined) return
  const set = ids.get(key)
  if (set) set.add(doc._id)
  else ids.set(key, new Set([doc._id]))
}

function unlist(ids: Map<string, Set<string>>, field: string, doc: Stored): void {
  const key = valueKey(field, doc)
  const set = key === undefined ? undefined : ids.get(key)
  set?.delete(doc._id)
  if (set?.size === 0) ids.delete(key!)
}

/** Undefined when the document has no such field; objects and arrays are never looked up by value. */
function valueKey(field: string, doc: Stored): string | undefined {
  const value = getField(doc, splitField(field))
  return value === MISSING || (typeof value === 'object' && value !== null) ? undefined : JSON.stringify(value)
}
