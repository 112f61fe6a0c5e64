import type { Body, StoredDocument } from './contract.ts'
import { restoredJson } from './unstorable-text.ts'

/** A row of `docs`, as `DOCUMENT_COLUMNS` selects it. */
export interface DocumentRow {
  id: string
  rev: string
  deleted: boolean
  /** bigint: the driver gives a text. */
  seq: string | number
  /** `doc::text`. */
  text: string
}

/** What to select for `storedDocument`. The content comes as text: most documents are only passed on. */
export const DOCUMENT_COLUMNS = 'id, rev, deleted, seq, doc::text as text'

/** A row as a document; undoes the escaping of `unstorable-text.ts`. */
export function storedDocument(doctype: string, { id, rev, deleted, seq, text }: DocumentRow): StoredDocument {
  return makeDocument({ doctype, id, rev, deleted, seq: Number(seq), text: restoredJson(text) })
}

/** A document whose body is parsed when somebody asks for it. */
export function makeDocument(document: Omit<StoredDocument, 'body'>, body?: Body): StoredDocument {
  let parsed = body
  return {
    ...document,
    get body() {
      parsed ??= JSON.parse(document.text) as Body
      return parsed
    },
  }
}
