import type { Document } from '@konnectory/protocol'
import { currentManifest } from '../../manifest.ts'
import { getStackClient } from '../../stack-client.ts'
import { exchange, fetchJSON } from '../exchange.ts'
import { models } from '../models/index.ts'
import { type ClientDocument, DocumentCollection, type Page } from './document-collection.ts'
import { type ClientFile, FileCollection, type FileDraft } from './file-collection.ts'
import { Q, QueryDefinition, type QueryParts } from './query-definition.ts'

const FILES = 'io.cozy.files'

/** What `query` answers: one document for `getById`, an array otherwise. */
// biome-ignore lint/suspicious/noExplicitAny: depends on the query, and on the doctype
export type QueryAnswer = { data: any; included?: any[]; meta?: any; next?: boolean; bookmark?: string; skip?: number }

/**
 * `cozyClient.new`: the part of cozy-client that konnectors use, without its store, its schemas and its React side
 * (`sdk/exports.md` section 25, `sdk/stub.md` section 4). Talks to the same stack as `cozyClient`; connects at first use.
 */
export class CozyClient {
  readonly models = models

  /** Who writes: put in the `cozyMetadata` of what `save` stores. */
  get appMetadata(): { slug: string | undefined; version: string | undefined; sourceAccount: string | undefined } {
    const { slug, version } = currentManifest()
    return { slug, version, sourceAccount: accountOfRun() }
  }

  /** The lower layer: one request at a time. */
  get stackClient() {
    const { url } = getStackClient()
    return {
      uri: url,
      fetchJSON,
      fetch: (method: string, path: string, body?: unknown) =>
        exchange(method, path, body === undefined ? {} : { json: body }),
      collection: (doctype: string) => this.collection(doctype),
    }
  }

  getStackClient() {
    return this.stackClient
  }

  collection(doctype: typeof FILES): FileCollection
  collection(doctype: string): DocumentCollection & FileCollection
  collection(doctype: string): DocumentCollection | FileCollection {
    return doctype === FILES ? new FileCollection() : new DocumentCollection(doctype)
  }

  /** Starts a query on every document of a doctype. */
  all(doctype: string): QueryDefinition {
    return Q(doctype)
  }

  /** Starts a query on a doctype. */
  find(doctype: string, selector?: Record<string, unknown>): QueryDefinition {
    return selector ? Q(doctype).where(selector) : Q(doctype)
  }

  /**
   * One page.
   * @param definition made with `Q` (from here or from cozy-client)
   * @returns `{data}`; `data` is an array; for `getById` a document, or null (an unknown file rejects with 404)
   */
  async query(definition: QueryDefinition | QueryParts): Promise<QueryAnswer> {
    const parts = partsOf(definition)
    const collection = this.collection(parts.doctype)
    if (parts.id) return collection.get(parts.id)
    if (parts.ids) return collection.getAll(parts.ids)
    if (parts.referenced) return this.#referenced(parts)
    const { doctype: _, selector, ...options } = parts
    const page: Page<unknown> =
      selector || options.partialFilter || options.indexedFields || options.sort
        ? await collection.find(selector, options)
        : await collection.all(options)
    return parts.includes ? this.#include(page, parts.includes) : (page as QueryAnswer)
  }

  /** Every page. @returns the documents alone */
  // biome-ignore lint/suspicious/noExplicitAny: see QueryAnswer
  async queryAll(definition: QueryDefinition | QueryParts): Promise<any[]> {
    const parts = partsOf(definition)
    if (parts.id) return [(await this.query(parts)).data]
    if (parts.ids) return (await this.query(parts)).data
    if (parts.referenced) return this.#allReferenced(parts)
    const { doctype: _, selector, limit: _limit, ...options } = parts
    const needsFind = options.partialFilter || options.sort
    return this.collection(parts.doctype).queryAll(selector ?? (needsFind ? {} : undefined), options)
  }

  /**
   * Stores a document of any doctype: new without `_rev`, else replaced. Files take their content from `data`.
   * @param doc with its `_type`
   * @returns `{data}`, as stored
   */
  async save(doc: Document & { _type: string }): Promise<{ data: ClientDocument }>
  async save(doc: FileDraft & { _type: string }): Promise<{ data: ClientFile }>
  async save(doc: (Document | FileDraft) & { _type: string }): Promise<{ data: ClientDocument | ClientFile }> {
    if (!doc?._type) throw new Error('The document to save needs a _type')
    if (doc._type === FILES) {
      const collection = new FileCollection()
      const draft = doc as FileDraft
      return draft._id || draft.id ? collection.update(draft) : collection.create(draft)
    }
    const collection = new DocumentCollection(doc._type)
    const complete = this.ensureCozyMetadata(doc as Document)
    return complete._rev ? collection.update(complete) : collection.create(complete)
  }

  create(doctype: string, doc: Document): Promise<{ data: ClientDocument }> {
    return this.save({ ...doc, _type: doctype })
  }

  /**
   * Creates and updates documents of one doctype in one request.
   * @returns `{data}`: the documents in order, those that were written with their `_id` and `_rev`. Those that were not are
   *   as they were given: `collection(doctype).updateAll` says what became of each
   */
  async saveAll(docs: (Document & { _type: string })[]): Promise<{ data: ClientDocument[] }> {
    const doctypes = new Set(docs.map(doc => doc._type))
    if (doctypes.size > 1) throw new Error('saveAll can only save documents with the same doctype')
    const [doctype] = doctypes
    if (!doctype) return { data: [] }
    const collection = new DocumentCollection(doctype)
    const complete = docs.map(doc => this.ensureCozyMetadata(doc))
    const results = await collection.updateAll(complete)
    const data = complete.map((doc, index) => {
      const { id, rev, error } = results[index] ?? {}
      return collection.normalize(error || !rev ? doc : { ...doc, _id: id, _rev: rev })
    })
    return { data }
  }

  /** Deletes a document; files go to the trash. */
  async destroy(doc: Document & { _type: string }): Promise<{ data: ClientDocument | ClientFile }> {
    return doc._type === FILES ? new FileCollection().destroy(doc) : new DocumentCollection(doc._type).destroy(doc)
  }

  /** @returns the document with who wrote it and when */
  ensureCozyMetadata<T extends Document>(doc: T): T {
    const { slug, version, sourceAccount } = this.appMetadata
    const now = new Date().toISOString()
    const update = { slug: slug as string, date: now, ...(version ? { version } : {}) }
    const others = (doc.cozyMetadata?.updatedByApps ?? []).filter(app => app.slug !== slug)
    const creation = doc._rev
      ? {}
      : { metadataVersion: 1, createdAt: now, createdByApp: slug, createdByAppVersion: version, sourceAccount }
    return {
      ...doc,
      cozyMetadata: { ...creation, ...doc.cozyMetadata, updatedAt: now, updatedByApps: [...others, update] },
    }
  }

  async #referenced(parts: QueryParts): Promise<QueryAnswer> {
    const page = await new FileCollection().findReferencedBy(parts.referenced as { _type: string; _id: string }, parts)
    return { ...page, data: page.included } as QueryAnswer
  }

  async #allReferenced(parts: QueryParts): Promise<unknown[]> {
    const found: unknown[] = []
    for (;;) {
      const page = await this.#referenced({ ...parts, limit: 1000, skip: found.length })
      found.push(...page.data)
      if (!page.next || page.data.length === 0) return found
    }
  }

  /** Adds to a page the documents its documents point at. */
  async #include(page: Page<unknown>, names: string[]): Promise<QueryAnswer> {
    const wanted = new Map<string, Set<string>>()
    type Pointer = { _type?: string; _id?: string; type?: string; id?: string }
    type Related = { relationships?: Record<string, { data?: Pointer | Pointer[] | null }> }
    for (const doc of page.data as Related[]) {
      for (const pointer of names.flatMap(name => doc.relationships?.[name]?.data ?? [])) {
        const type = pointer._type ?? pointer.type
        const id = pointer._id ?? pointer.id
        if (type && id) wanted.set(type, (wanted.get(type) ?? new Set()).add(id))
      }
    }
    const pages = await Promise.all([...wanted].map(([type, ids]) => this.collection(type).getAll([...ids])))
    return { ...page, included: pages.flatMap(({ data }) => data as unknown[]) } as QueryAnswer
  }
}

/** Definitions made by another copy of cozy-client hold the same members, without `parts`. */
function partsOf(definition: QueryDefinition | QueryParts): QueryParts {
  if (definition instanceof QueryDefinition) return definition.parts
  const foreign = definition as QueryParts & { toDefinition?: () => QueryParts }
  const parts = typeof foreign.toDefinition === 'function' ? foreign.toDefinition() : foreign
  return Object.fromEntries(Object.entries(parts).filter(([, value]) => value !== undefined)) as unknown as QueryParts
}

function accountOfRun(): string | undefined {
  try {
    const { account } = JSON.parse(process.env.COZY_FIELDS ?? '{}') as { account?: unknown }
    return typeof account === 'string' ? account : undefined
  } catch {
    return undefined // BaseKonnector reports a malformed COZY_FIELDS
  }
}
