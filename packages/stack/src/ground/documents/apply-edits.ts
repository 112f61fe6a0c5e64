import type { Edit, StoredDocument } from './contract.ts'
import { newId } from './identifiers.ts'
import { nextHistory, nextRevision } from './revision.ts'
import { makeDocument } from './stored.ts'

/** What is stored now, with what only the store needs. */
export interface Current {
  document: StoredDocument
  history: string[]
}

/** A row to write. */
export interface RowToWrite extends Current {
  generation: number
}

export type Applied =
  | { ok: true; row: RowToWrite; before: StoredDocument | undefined }
  | { ok: false; id: string; error: 'conflict' | 'missing' }

/**
 * Decides what edits do (`protocol/data.md` §3): one after the other, each on what those before it left.
 * @param current what is stored of the ids that the edits name; changed as the edits go
 * @param seq position of the last change of the feed
 */
export function applyEdits(
  doctype: string,
  edits: Edit[],
  current: Map<string, Current>,
  seq: number,
  now: number,
): Applied[] {
  let last = seq
  return edits.map(edit => {
    const id = edit.id ?? newId(now)
    const stored = current.get(id)
    const refused = refusal(edit, stored)
    if (refused) return { ok: false, id, error: refused }
    const deleted = edit.deleted ?? false
    const text = JSON.stringify(edit.body)
    const rev = nextRevision(stored?.document.rev, deleted, text)
    last += 1
    const row: RowToWrite = {
      document: makeDocument({ doctype, id, rev, deleted, seq: last, text }, edit.body),
      generation: Number.parseInt(rev, 10),
      history: nextHistory(rev, stored?.history ?? []),
    }
    current.set(id, row)
    return { ok: true, row, before: stored?.document }
  })
}

function refusal({ rev }: Edit, stored: Current | undefined): 'conflict' | 'missing' | undefined {
  if (rev === undefined) return stored && !stored.document.deleted ? 'conflict' : undefined
  if (!stored) return 'missing'
  // A tombstone's own revision may be built upon; another one means that it was deleted meanwhile.
  if (stored.document.rev === rev) return undefined
  return stored.document.deleted ? 'missing' : 'conflict'
}
