import type { Document, Stored } from '@konnectory/protocol'
import { badRequest, CouchError } from '../http/errors.ts'
import { type Identifiers, nextRevision } from '../identifiers.ts'
import { Collection } from './collection.ts'

/** One change, told before it is applied: what keeps it may still refuse it by throwing. */
export type Change =
  | { action: 'put'; collection: Collection; doc: Stored; before: Stored | undefined }
  | { action: 'delete'; collection: Collection; doc: Stored; rev: string }

export interface BulkResult {
  id: string
  ok?: true
  rev?: string
  error?: string
  reason?: string
}

/** All documents, in memory, by doctype and id. Knows revisions and conflicts; knows no doctype, file or HTTP. */
export class Documents {
  readonly collections = new Map<string, Collection>()
  readonly ids: Identifiers
  readonly #onChange: (change: Change) => void

  constructor(ids: Identifiers, onChange: (change: Change) => void) {
    this.ids = ids
    this.#onChange = onChange
  }

  /** @throws CouchError 404 when nothing was ever stored under this doctype */
  collection(doctype: string, reason = 'Database does not exist.'): Collection {
    const collection = this.collections.get(doctype)
    if (!collection) throw new CouchError(404, 'not_found', reason)
    return collection
  }

  /** The collection, made when missing. */
  ensure(doctype: string): Collection {
    let collection = this.collections.get(doctype)
    if (!collection) {
      collection = new Collection(doctype)
      this.collections.set(doctype, collection)
    }
    return collection
  }

  /** @throws CouchError 404 `missing` or `deleted`, or `wrong_doctype` without such a collection */
  get(doctype: string, id: string): Stored {
    const collection = this.collection(doctype, 'wrong_doctype')
    const doc = collection.get(id)
    if (!doc) throw new CouchError(404, 'not_found', collection.tombstones.has(id) ? 'deleted' : 'missing')
    return doc
  }

  /** @throws CouchError 409 when the id is taken */
  create(doctype: string, content: Document, id?: string): Stored {
    const collection = this.ensure(doctype)
    if (id !== undefined && collection.get(id)) throw conflict()
    return this.#put(collection, id ?? this.ids.next(doctype, taken => collection.get(taken) !== undefined), content)
  }

  /** @throws CouchError 404 without such a document, 409 when `rev` is not its current revision */
  update(doctype: string, id: string, rev: string, content: Document): Stored {
    const current = this.get(doctype, id)
    if (current._rev !== rev) throw conflict()
    return this.#put(this.ensure(doctype), id, content)
  }

  /** Writes whatever is there now: for the stack's own records. */
  write(doctype: string, id: string, content: Document): Stored {
    return this.#put(this.ensure(doctype), id, content)
  }

  /** @returns the revision of the deletion */
  delete(doctype: string, id: string, rev?: string): string {
    const doc = this.get(doctype, id)
    if (rev !== undefined && doc._rev !== rev) throw conflict()
    const collection = this.ensure(doctype)
    const tombstone = nextRevision(doc._rev, { _deleted: true })
    this.#onChange({ action: 'delete', collection, doc, rev: tombstone })
    collection.remove(id)
    collection.tombstones.set(id, tombstone)
    return tombstone
  }

  /** Creates, updates and deletes; one result per document, in order, whatever became of the others. */
  bulk(doctype: string, docs: Document[]): BulkResult[] {
    const collection = this.ensure(doctype)
    return docs.map(({ _id, _rev, _deleted, ...content }) => {
      const current = _id === undefined ? undefined : collection.get(_id)
      if (current ? current._rev !== _rev : _rev !== undefined) {
        return { id: _id ?? '', error: 'conflict', reason: 'Document update conflict.' }
      }
      if (_deleted === true) {
        if (!current) return { id: _id ?? '', error: 'not_found', reason: 'missing' }
        return { ok: true, id: current._id, rev: this.delete(doctype, current._id) }
      }
      const doc = _id === undefined ? this.create(doctype, content) : this.#put(collection, _id, content)
      return { ok: true, id: doc._id, rev: doc._rev }
    })
  }

  #put(collection: Collection, id: string, { _id, _rev, ...content }: Document): Stored {
    if (id === '') throw badRequest('a document needs a non-empty _id')
    if (id.startsWith('_')) throw new CouchError(400, 'bad_id', 'Only reserved document ids may start with underscore.')
    const before = collection.get(id)
    const doc: Stored = {
      _id: id,
      _rev: nextRevision(before?._rev ?? collection.tombstones.get(id), content),
      ...content,
    }
    this.#onChange({ action: 'put', collection, doc, before })
    collection.set(doc)
    return doc
  }
}

function conflict(): CouchError {
  return new CouchError(409, 'conflict', 'Document update conflict.')
}
