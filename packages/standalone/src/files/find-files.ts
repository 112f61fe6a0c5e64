import { type FindBody, type FindResult, find } from '../documents/find.ts'
import type { FilesStore } from './files-store.ts'

/** A query on files, asked again when its page holds some that are gone from disk or were changed there. */
export function findFiles(store: FilesStore, body: FindBody): FindResult {
  for (;;) {
    const page = find(store.collection, body)
    const changed = page.stored.filter(doc => store.alive(doc._id) !== doc)
    if (changed.length === 0) return page
  }
}
