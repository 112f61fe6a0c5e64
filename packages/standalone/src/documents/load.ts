import { existsSync, readFileSync } from 'node:fs'
import type { Document, Stored } from '@konnectory/protocol'
import { digest, hashable } from '../identifiers.ts'
import { parseJsonWithComments } from '../json-with-comments.ts'
import { DataFileError, type DocumentsByDoctype, toDocuments } from './data-file.ts'
import type { Documents } from './documents.ts'

/**
 * Puts documents in memory as they are. Written by hand, they may lack `_id` and `_rev`: both are then made from the content, so that
 * the same file gives the same ids at each start.
 *
 * @throws DataFileError when two documents of a doctype have the same `_id`
 */
export function loadDocuments(documents: Documents, content: DocumentsByDoctype, file: string, seeded: boolean): void {
  for (const [doctype, docs] of Object.entries(content)) {
    const collection = documents.ensure(doctype)
    collection.seeded = seeded
    for (const doc of docs) {
      const stored = withIdentity(doctype, doc, id => collection.get(id) !== undefined)
      if (collection.get(stored._id)) {
        throw new DataFileError(
          `${file}: two documents of ${doctype} have the _id "${stored._id}". Remove one, or give it another _id.`,
        )
      }
      collection.set(stored)
    }
  }
}

function withIdentity(doctype: string, doc: Document, taken: (id: string) => boolean): Stored {
  const { _id, _rev, _type, ...content } = doc
  const text = `${doctype}${hashable(content)}`
  let id = _id === undefined || _id === null || _id === '' ? undefined : String(_id)
  for (let copy = 0; id === undefined; copy++) {
    const made = digest(`${text}${copy}`)
    if (!taken(made)) id = made
  }
  const rev = typeof _rev === 'string' && /^\d+-/.test(_rev) ? _rev : `1-${digest(text)}`
  return { _id: id, _rev: rev, ...content }
}

/** The seeds, from a file (no such file: no seeds) or as an object. The file may hold comments and is never written. */
export function readFixture(fixture: string | Record<string, unknown> | unknown[] | undefined): DocumentsByDoctype {
  if (fixture === undefined) return {}
  if (typeof fixture !== 'string') return toDocuments(structuredClone(fixture), 'fixture')
  if (!existsSync(fixture)) return {}
  const text = readFileSync(fixture, 'utf8')
  return text.trim() === '' ? {} : toDocuments(parseJsonWithComments(text, fixture), fixture)
}
