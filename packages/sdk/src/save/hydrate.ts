import type { StackClient } from '@konnectory/client'
import type { Document, Stored } from '@konnectory/protocol'
import { KEY_SEPARATOR } from './file-key.ts'
import { findDocuments } from './find-with-index.ts'
import { getPath } from './get-path.ts'

/**
 * A decision about one document. Declared with fewer parameters than it is given arguments, it is called as a method of
 * the new document: `shouldUpdate(existing)` and `shouldSave()` with `this` (`sdk/exports.md` section 10).
 */
// biome-ignore lint/suspicious/noExplicitAny: konnectors write these in either of two forms
export type Decision = (this: any, ...args: any[]) => unknown

export interface HydrateOptions {
  /** Attributes that tell one document from another, default `['_id']`. `date` is compared as a date, to the second. */
  keys?: readonly string[] | undefined
  /** Only the stored documents that match are looked at; default all of the doctype. */
  selector?: Record<string, unknown> | undefined
  /** An index made before, for `selector`. */
  index?: { id?: string } | undefined
  /** `(document)`: is a new document to be saved? Default true. */
  shouldSave?: Decision | undefined
  /** `(document, existing)`: is a known document to be written again? Default false. */
  shouldUpdate?: Decision | undefined
}

/** What the documents are, compared with what is stored. */
export interface Hydrated<T extends object> {
  /** Those to write, each once, in order. */
  toWrite: T[]
  /** The stored document of each one that has one. */
  existing: Map<T, Stored>
}

/**
 * Gives `_id`, `_rev` and, unless they have one, `cozyMetadata` to the documents that are stored already, and keeps
 * those that are to be written. One query, whatever the number of documents.
 * @param documents mutated
 */
export async function hydrate<T extends object>(
  client: StackClient,
  documents: readonly T[],
  doctype: string,
  options: HydrateOptions = {},
): Promise<Hydrated<T>> {
  const keys = options.keys ?? ['_id']
  const stored = documents.length === 0 ? [] : await findStored(client, doctype, options)
  const byHash = new Map<string, Stored>()
  // Of several stored doubles the last one counts, as in the lookup table of earlier libraries.
  for (const doc of stored) byHash.set(hashOf(doc, keys), doc)

  const existing = new Map<T, Stored>()
  for (const document of documents as readonly (T & Document)[]) {
    const found = byHash.get(hashOf(document, keys))
    if (!found) continue
    existing.set(document, found)
    document._id = found._id
    document._rev = found._rev
    if (!document.cozyMetadata && found.cozyMetadata) document.cozyMetadata = found.cozyMetadata
  }

  const toWrite: T[] = []
  const ids = new Set<unknown>()
  for (const document of documents as readonly (T & Document)[]) {
    const found = existing.get(document)
    const own = document as { shouldSave?: unknown; shouldUpdate?: unknown }
    const wanted = found
      ? await decide(own.shouldUpdate ?? options.shouldUpdate, document, [document, found], false)
      : await decide(own.shouldSave ?? options.shouldSave, document, [document], true)
    const identity = document._id ?? document
    if (!wanted || ids.has(identity)) continue
    ids.add(identity)
    toWrite.push(document)
  }
  return { toWrite, existing }
}

async function decide(decision: unknown, document: object, args: unknown[], byDefault: boolean): Promise<unknown> {
  if (typeof decision !== 'function') return decision ?? byDefault
  return decision.length < args.length ? decision.apply(document, args.slice(1)) : decision.apply(document, args)
}

function findStored(client: StackClient, doctype: string, { selector, index }: HydrateOptions): Promise<Stored[]> {
  if (!selector) return client.data.all(doctype)
  if (index?.id) return client.data.findAll(doctype, { selector, use_index: index.id })
  return findDocuments(client, doctype, selector)
}

/** The values of the keys in one text; dates are equal to their ISO text, to the second. */
function hashOf(document: object, keys: readonly string[]): string {
  return keys
    .map(key => {
      const value = getPath(document, key)
      if (key !== 'date') return value
      const time = Math.floor(new Date(value as string).getTime() / 1000)
      return Number.isNaN(time) ? 'Invalid Date' : time
    })
    .join(KEY_SEPARATOR)
}
